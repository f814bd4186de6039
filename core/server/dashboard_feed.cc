#include "core/server/dashboard_feed.h"

#include <chrono>
#include <map>
#include <string>

namespace weir::server {
namespace {

int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

DashboardFeed::~DashboardFeed() {
  if (dashboard_ != nullptr) observe::Dashboard::SetCurrent(nullptr);
}

void DashboardFeed::Tend(uint64_t now_ms, const std::shared_ptr<const config::Bootstrap>& config,
                         const ListenerSet& listeners) {
  if (dashboard_ == nullptr) {
    if (!config->admin) return;
    dashboard_ = std::make_shared<observe::Dashboard>(stats_);
    observe::Dashboard::SetCurrent(dashboard_);
  }
  if (followed_ != config) {
    followed_ = config;
    std::map<std::string, std::string> bound;
    for (const auto& spec : listeners.specs()) bound[spec->config->name] = spec->bound.ToString();
    dashboard_->SetConfig(followed_, std::move(bound));
  }
  dashboard_->Tick(now_ms, UnixMs());
}

}  // namespace weir::server
