#pragma once

#include <cstdint>
#include <utility>

#include "core/net/actor.h"
#include "core/net/deadline_wheel.h"

namespace weir::net {

// The phases of a worker's turn, without the sockets: the event loop (or the simulator) dispatches
// what happened and then calls RunTurn, which does: deadlines and deferred work, flushes, and the
// reaping of what retired. A failure found by a flush becomes deferred work; both repeat, bounded.
class Reactor {
 public:
  explicit Reactor(uint64_t now_ms) : now_ms_(now_ms), wheel_(now_ms) {}
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  // Milliseconds on a monotonic clock, read once per turn.
  uint64_t now_ms() const { return now_ms_; }
  // Where now_ms is, for those who may only read: the same place as long as the reactor lives.
  const uint64_t* now_ms_place() const { return &now_ms_; }
  void set_now(uint64_t now_ms) { now_ms_ = now_ms; }

  // OnDeferred in phase 2 of this turn (or the next one, when called from phase 4). Idempotent
  // until it was called.
  void Defer(Actor* actor) {
    if (!actor->deferred_link_.linked() && !Retired(actor)) deferred_.PushBack(actor);
  }
  // OnRead in phase 2 of the next turn; until then the loop does not wait.
  void WantRead(Actor* actor) {
    if (!actor->read_link_.linked() && !Retired(actor)) reading_.PushBack(actor);
  }
  // OnFlush in phase 3.
  void MarkDirty(Actor* actor) {
    if (!actor->dirty_link_.linked() && !Retired(actor)) dirty_.PushBack(actor);
  }
  // Takes the actor out of every list and deletes it in phase 4. Idempotent; none of the calls
  // above and below has an effect on it from now on.
  void Retire(Actor* actor);
  void SetDeadline(Actor* actor, uint64_t deadline_ms) {
    if (!Retired(actor)) wheel_.Set(actor, deadline_ms);
  }

  // Called by the dispatcher after each event: flushes early in a large batch, so that the first
  // answer does not wait for the last event.
  void CountDispatch() {
    if (++dispatched_ >= kDispatchesPerFlush) FlushDirty();
  }
  // What was read since the last flush no longer fits the processor's near caches: after the
  // present event all output goes out, and the same memory is read into again.
  void FlushSoon() { dispatched_ = kDispatchesPerFlush; }
  // Streams that share connections with others, for whoever paces the loop.
  void SharedStreamBegins() { ++shared_streams_; }
  void SharedStreamEnds() { --shared_streams_; }
  uint32_t shared_streams() const { return shared_streams_; }
  // A large piece of what a client sends was read.
  void CountUploaded(uint64_t bytes) { uploaded_ += bytes; }
  // Since the last call.
  uint64_t TakeUploaded() { return std::exchange(uploaded_, 0); }

  // Phases 2 to 4. True when there is work that wants the next turn at once.
  bool RunTurn();
  // Milliseconds that the loop may wait for events; UINT64_MAX: until one comes.
  uint64_t WaitMs() const {
    return reading_.empty() && deferred_.empty() && dirty_.empty() ? wheel_.NextIn(now_ms_) : 0;
  }

 private:
  static constexpr int kDispatchesPerFlush = 64;
  static constexpr int kRounds =
      8;  // of deferred work and flushes; what is left then waits for the next turn

  static bool Retired(const Actor* actor) { return actor->armed_ == Actor::kRetired; }
  void FlushDirty();
  void RunDeferred();
  void RunReads();
  void Reap();

  uint64_t now_ms_;
  int dispatched_ = 0;
  uint32_t shared_streams_ = 0;
  uint64_t uploaded_ = 0;
  DeadlineWheel wheel_;
  base::List<Actor, &Actor::deferred_link_> deferred_;
  base::List<Actor, &Actor::read_link_> reading_;
  base::List<Actor, &Actor::dirty_link_> dirty_;
  base::List<Actor, &Actor::wheel_link_> retired_;
};

}  // namespace weir::net
