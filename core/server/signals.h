#pragma once

#include <functional>
#include <memory>

#include "core/net/event_loop.h"

struct event;

namespace weir::server {

// Makes SIGTERM, SIGINT, SIGUSR1, SIGUSR2 and SIGHUP wait for a Signals, in this thread and those
// that it starts. To be called before any other thread is started. Ignores SIGPIPE.
void BlockSignals();

// Takes the blocked signals as events of one loop.
class Signals {
 public:
  explicit Signals(net::EventLoop* loop, std::function<void(int)> handler);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  static void OnReadable(int fd, short what, void* self);

  net::EventLoop* loop_;
  std::function<void(int)> handler_;  // called for each of them
  int fd_;
  std::unique_ptr<event, void (*)(event*)> event_;
};

}  // namespace weir::server
