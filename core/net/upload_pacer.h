#pragma once

#include <cstdint>

namespace weir::net {

// Decides when a worker that takes in large bodies rests for some microseconds before it waits for
// events. Clients that send as fast as they can wake it for every piece, and each piece costs a
// receive, a write to its backend and often a WINDOW_UPDATE (RFC 9113 section 6.9); what comes
// during a rest is one larger piece.
//
// Rests only while much comes in small pieces: at least kBytesPerMs a millisecond, and at most
// kBytesPerWake a wake. Only pieces of kLeastPiece and more are counted, so requests with little in
// them are never made to wait by themselves. A sender with a small window must not be slowed by the
// rests: when less than half of what came before them comes with them, there are none for kPauseMs.
class UploadPacer {
 public:
  static constexpr uint32_t kRestUs = 100;
  static constexpr uint64_t kLeastPiece = 16384;
  static constexpr uint64_t kBytesPerMs = 262144;
  static constexpr uint64_t kBytesPerWake = 65536;
  static constexpr uint64_t kBytesPerWakeResting = 262144;  // with rests there are more
  static constexpr uint64_t kWindowMs = 16;
  static constexpr uint64_t kPauseMs = 256;

  // A wait for events begins. `bytes`: what came in such pieces since the last one. The time to
  // rest before, in microseconds; 0: none.
  uint32_t BeforeWait(uint64_t now_ms, uint64_t bytes) {
    if (now_ms >= begun_ms_ + kWindowMs) Judge(now_ms);
    ++wakes_;
    bytes_ += bytes;
    return resting_ ? kRestUs : 0;
  }

 private:
  void Judge(uint64_t now_ms) {
    const uint64_t passed = now_ms - begun_ms_;
    const uint64_t rate = bytes_ / passed;
    // A window that lasted longer had a silence in it: that was no rest of ours.
    if (resting_ && passed < 2 * kWindowMs && rate < rate_before_ / 2)
      paused_until_ms_ = now_ms + kPauseMs;
    const uint64_t piece = resting_ ? kBytesPerWakeResting : kBytesPerWake;
    const bool rest = rate >= kBytesPerMs && bytes_ <= piece * wakes_ && now_ms >= paused_until_ms_;
    if (rest && !resting_) rate_before_ = rate;
    resting_ = rest;
    begun_ms_ = now_ms;
    bytes_ = 0;
    wakes_ = 0;
  }

  uint64_t begun_ms_ = 0;
  uint64_t paused_until_ms_ = 0;
  uint64_t bytes_ = 0;
  uint64_t rate_before_ = 0;  // in the last window without rests
  uint32_t wakes_ = 0;
  bool resting_ = false;
};

}  // namespace weir::net
