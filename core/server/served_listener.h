#pragma once

#include <memory>

#include "core/net/network_filter.h"
#include "core/observe/stat_names.h"
#include "core/server/listener_set.h"

namespace weir::server {

class Worker;

// What one configuration says of a listener, on one worker: its filter chain, its limits and the
// connections that began with it. When the configuration of the listener changes, another one takes
// its place; this one lives until its last connection is gone.
class ServedListener final : public net::ConnectionHome {
 public:
  ServedListener(Worker* worker, std::shared_ptr<ListenerSpec> spec,
                 net::ConnectionLimit* global_limit);
  // The specification goes where the worker's release queue is.
  ~ServedListener() override;

  const ListenerSpec& spec() const { return *spec_; }
  bool administrative() const { return spec_->administrative; }
  const observe::ListenerStats& stats() const { return stats_; }

  // Takes a place within the limits. False: there is none, and Worker::ResumeListeners says when to
  // try again. `closing`: beyond the limits too.
  bool TakePlace(bool closing);
  void ReturnPlace();
  // Owns `fd`, and the place.
  void Serve(int fd, const net::Address& peer, const net::Address& local);

 private:
  void OnPlaceFreed() override;
  bool Take(net::ConnectionLimit* limit, observe::Cell* overflow);
  void Release(net::ConnectionLimit* limit);

  Worker* worker_;
  std::shared_ptr<ListenerSpec> spec_;
  net::ConnectionLimit* global_limit_;  // null: not counted
  observe::ListenerStats stats_;
  std::unique_ptr<net::TerminalFilter> chain_;
};

}  // namespace weir::server
