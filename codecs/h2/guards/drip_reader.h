// Drip reader: a peer opens its window by a few bytes at a time, so that it is never at zero for
// long and yet never done. What counts is window that it grants against time in which bytes wait
// for window: a stream with nothing to send may be as slow as it likes. It is judged when something
// is granted; a time in which nothing is, is ZeroWindow's to judge. One slow interval is a reader
// that paused; several in a row are a habit.
//
// Defaults: three times in a row less than 240 bytes a second, over 20 seconds of such waiting or
// more.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"

namespace weir::h2 {

class DripReader {
 public:
  // Bytes wait and there is no window for one of them. Again while it lasts: nothing changes.
  constexpr void Starve(uint64_t now_ms) {
    if (since_ms_ == kNever) since_ms_ = now_ms;
  }

  // Nothing waits any more.
  constexpr void Rest(uint64_t now_ms) {
    if (since_ms_ == kNever) return;
    starved_ms_ = Cap(starved_ms_ + (now_ms - since_ms_));
    since_ms_ = kNever;
  }

  // The window was raised by so many bytes above zero. False: too slow for too long.
  [[nodiscard]] constexpr bool Granted(uint64_t now_ms, uint64_t bytes, const GuardLimits& limits) {
    Rest(now_ms);
    bytes_ = Cap(bytes_ + bytes);
    if (starved_ms_ < limits.drip_interval_ms) return true;
    const bool slow =
        uint64_t{bytes_} * 1000 < uint64_t{starved_ms_} * limits.drip_bytes_per_second;
    slow_ = slow ? slow_ + 1 : 0;
    starved_ms_ = 0;
    bytes_ = 0;
    return slow_ < limits.drip_intervals;
  }

 private:
  static constexpr uint64_t kNever = UINT64_MAX;

  static constexpr uint32_t Cap(uint64_t value) {
    return value < UINT32_MAX ? static_cast<uint32_t>(value) : UINT32_MAX;
  }

  uint64_t since_ms_ = kNever;
  uint32_t starved_ms_ = 0;  // before since_ms_, of this interval
  uint32_t bytes_ = 0;       // granted in this interval
  uint32_t slow_ = 0;        // intervals in a row
};

}  // namespace weir::h2
