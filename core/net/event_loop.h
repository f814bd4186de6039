#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/net/reactor.h"
#include "core/net/upload_pacer.h"
#include "core/net/wake_pacer.h"

struct event;
struct event_base;

namespace weir::net {

class SecondLook;

// A worker's loop: libevent's epoll below, the reactor's phases above. One turn waits for events,
// dispatches them, and runs the reactor. While nothing happens nothing wakes it: one timer stands
// for all deadlines and is moved only when the wheel's next slot is nearer than what it is set to.
//
// Made, run and destroyed on one thread; only Post and Stop may be called from others.
class EventLoop {
 public:
  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Turns until Stop.
  void Run();
  // One turn. wait false: only what is ready now.
  void Turn(bool wait);
  // Ends Run after the present turn. Any thread.
  void Stop();
  bool stopped() const { return stop_; }

  // Runs `work` on the loop's thread, in the dispatch phase of a later turn, in the order of the
  // calls. Any thread. What is posted after the last turn is destroyed with the loop, without being
  // run.
  void Post(std::function<void()> work);

  // Each dispatched event begins with this: the clock is read once per batch, and a long batch is
  // flushed on the way.
  void BeginDispatch() {
    if (!time_is_fresh_) ReadClock();
    reactor_.CountDispatch();
  }

  Reactor* reactor() { return &reactor_; }
  SecondLook* second_look() { return second_look_.get(); }
  SecondLook* soon_look() { return soon_look_.get(); }
  uint64_t now_ms() const { return reactor_.now_ms(); }
  event_base* base() const { return base_; }

  static uint64_t MonotonicMs();

 private:
  static void OnTimer(int fd, short what, void* self);
  static void OnPosted(int fd, short what, void* self);
  void ReadClock();
  void ArmTimer(uint64_t wait_ms);
  void RunPosted();
  static void Rest(uint32_t microseconds);

  event_base* base_;
  Reactor reactor_;
  std::unique_ptr<SecondLook> second_look_;
  std::unique_ptr<SecondLook> soon_look_;
  std::unique_ptr<event, void (*)(event*)> timer_;
  std::unique_ptr<event, void (*)(event*)> posted_event_;
  uint64_t timer_at_ms_ = UINT64_MAX;  // when the timer fires; UINT64_MAX: it is not set
  WakePacer wake_pacer_;
  UploadPacer upload_pacer_;
  bool time_is_fresh_ = false;
  bool stop_ = false;
  int wakeup_;  // eventfd
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
};

}  // namespace weir::net
