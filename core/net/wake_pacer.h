#pragma once

#include <cstdint>

namespace weir::net {

// Decides when a busy worker rests for some microseconds before it waits for events, as network
// cards do with interrupts: with many streams on few connections their next bytes come singly, and
// a wake, a receive and a send for each cost more than the work. What comes during the rest is
// taken in one turn, and leaves in one write per connection. Where each stream has a connection of
// its own there is nothing to gather, and nobody is made to wait.
//
// Rests only while both are so: kFromStreams streams are under way on connections that they share
// (the others go on while one waits), and the worker has lately been woken more than kWakesPerMs
// times a millisecond. So one client that asks one thing at a time never meets a rest, nor does a
// worker with little to do.
class WakePacer {
 public:
  static constexpr uint32_t kRestUs = 80;
  static constexpr uint32_t kFromStreams = 32;
  static constexpr uint32_t kWakesPerMs = 8;
  static constexpr uint32_t kWakesPerMsResting = 3;  // with rests there are fewer
  static constexpr uint64_t kWindowMs = 4;

  // A wait for events begins. `streams`: those on shared connections of the worker. The time to
  // rest before, in microseconds; 0: none.
  uint32_t BeforeWait(uint64_t now_ms, uint32_t streams) {
    if (now_ms >= begun_ms_ + kWindowMs) {
      const uint64_t most = (dense_ ? kWakesPerMsResting : kWakesPerMs) * (now_ms - begun_ms_);
      dense_ = wakes_ >= most;
      wakes_ = 0;
      begun_ms_ = now_ms;
    }
    ++wakes_;
    return dense_ && streams >= kFromStreams ? kRestUs : 0;
  }

 private:
  uint64_t begun_ms_ = 0;
  uint32_t wakes_ = 0;
  bool dense_ = false;
};

}  // namespace weir::net
