#pragma once

#include <memory>

#include "core/net/event_loop.h"
#include "core/net/listen_socket.h"
#include "core/server/served_listener.h"

namespace weir::server {

// One listening socket on one worker: takes connections within the limits and gives them to what
// serves its listener at the time.
class WorkerListener final : public net::AcceptHandler {
 public:
  WorkerListener(Worker* worker, std::unique_ptr<ServedListener> served, int fd);

  // Accepts, unless the worker is not to.
  void Resume();
  void Pause() { socket_.Pause(); }
  // Takes what waits, and closes.
  void Close() { socket_.Close(); }
  ServedListener* served() const { return served_.get(); }
  // New connections are served by `next` from now on. Returns what served the old ones.
  std::unique_ptr<ServedListener> Replace(std::unique_ptr<ServedListener> next);
  // The same where nobody follows: after Close.
  std::unique_ptr<ServedListener> Leave() { return std::move(served_); }
  // The admin listener serves whatever happens: overload does not pause it, a drain does not close
  // it.
  bool administrative() const { return served_->administrative(); }

 private:
  bool TakePlace(bool closing) override;
  void ReturnPlace() override { served_->ReturnPlace(); }
  void OnAccept(int fd, const net::Address& peer) override;
  void OnAcceptFailed(bool no_descriptor) override;
  net::Address LocalOf(int fd) const;

  Worker* worker_;
  std::unique_ptr<ServedListener> served_;
  net::ListenSocket socket_;
};

}  // namespace weir::server
