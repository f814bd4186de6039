// Unknown frames are ignored (RFC 9113 section 5.5), and some peers send one with each request to
// see that they are. A stream of nothing else is work without end.
//
// Defaults: 100 at once, 10 a second, and 2 for each stream that is opened.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class UnknownFrameFlood {
 public:
  static constexpr uint64_t kEarnedBursts = 10;

  constexpr void StreamOpened(const GuardLimits& limits) {
    earned_.Earn(limits.unknown_frame_per_stream, limits.unknown_frame_burst * kEarnedBursts);
  }

  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, const GuardLimits& limits) {
    return bucket_.Charge(now_ms, earned_.Spend(1),
                          {limits.unknown_frame_per_second, limits.unknown_frame_burst});
  }

 private:
  TokenBucket bucket_;
  Allowance earned_;
};

}  // namespace weir::h2
