#pragma once

#include <cstdint>
#include <memory>

#include "core/config/config.h"
#include "core/observe/dashboard/dashboard.h"
#include "core/server/listener_set.h"

namespace weir::server {

// Keeps the dashboard's samples while there is an admin listener to show them, and nothing where
// there is none. Main thread; what it makes is observe::Dashboard::Current() until it ends.
class DashboardFeed {
 public:
  // The registry must outlive it.
  explicit DashboardFeed(observe::StatRegistry* stats) : stats_(stats) {}
  ~DashboardFeed();
  DashboardFeed(const DashboardFeed&) = delete;
  DashboardFeed& operator=(const DashboardFeed&) = delete;

  // Once a second or oftener, with the configuration that is served and its listeners: takes a
  // sample when it is time.
  void Tend(uint64_t now_ms, const std::shared_ptr<const config::Bootstrap>& config,
            const ListenerSet& listeners);

 private:
  observe::StatRegistry* stats_;
  std::shared_ptr<const config::Bootstrap> followed_;
  std::shared_ptr<observe::Dashboard> dashboard_;
};

}  // namespace weir::server
