// Zero window: a peer asks for much and opens no window, so that we hold what it asked for. Of one
// stream whose own window is used up, or of a connection whose window is.
//
// Default: after 60 seconds in which bytes waited and no window came.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"

namespace weir::h2 {

class ZeroWindow {
 public:
  static constexpr uint64_t kNever = UINT64_MAX;

  // Bytes wait and there is no window for one of them. Again while it lasts: nothing changes.
  constexpr void Starve(uint64_t now_ms) {
    if (since_ms_ == kNever) since_ms_ = now_ms;
  }

  // There is window again, or nothing waits any more.
  constexpr void Feed() { since_ms_ = kNever; }

  // False: it has lasted too long.
  [[nodiscard]] constexpr bool Check(uint64_t now_ms, const GuardLimits& limits) const {
    return now_ms < deadline(limits);
  }

  // When Check turns false if nothing happens.
  constexpr uint64_t deadline(const GuardLimits& limits) const {
    if (since_ms_ == kNever || limits.zero_window_ms == 0) return kNever;
    return since_ms_ + limits.zero_window_ms;
  }

 private:
  uint64_t since_ms_ = kNever;
};

}  // namespace weir::h2
