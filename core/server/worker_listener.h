#pragma once

#include "core/net/event_loop.h"
#include "core/net/listen_socket.h"
#include "core/net/network_filter.h"
#include "core/observe/stat_names.h"
#include "core/server/listener_set.h"

namespace weir::server {

class Worker;

// One listener on one worker: takes connections within the limits and gives them to the filter
// chain.
class WorkerListener final : public net::ConnectionHome, public net::AcceptHandler {
 public:
  WorkerListener(Worker* worker, ListenerSpec* spec, net::ConnectionLimit* global_limit, int fd,
                 const observe::ListenerStats& stats);
  ~WorkerListener() override;

  // Accepts, unless the worker is not to.
  void Resume();
  void Pause() { socket_.Pause(); }
  // Takes what waits, and closes.
  void Close() { socket_.Close(); }
  // The admin listener serves whatever happens: overload does not pause it, a drain does not close
  // it.
  bool administrative() const { return spec_->administrative; }

 private:
  bool TakePlace(bool closing) override;
  void ReturnPlace() override;
  void OnAccept(int fd, const net::Address& peer) override;
  void OnAcceptFailed(bool no_descriptor) override;
  void OnPlaceFreed() override;
  // Takes a place, or pauses until there is one.
  bool Take(net::ConnectionLimit* limit, observe::Cell* overflow);
  void Release(net::ConnectionLimit* limit);
  net::Address LocalOf(int fd) const;

  Worker* worker_;
  ListenerSpec* spec_;
  net::ConnectionLimit* global_limit_;  // null: not counted
  observe::ListenerStats stats_;
  std::unique_ptr<net::TerminalFilter> chain_;
  net::ListenSocket socket_;
};

}  // namespace weir::server
