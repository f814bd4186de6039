// Rapid reset (CVE-2023-44487): requests made and reset at once, so that they cost us work and the
// peer nothing, and never count as concurrent. The other half of the defence is not here: a stream
// counts as open until its backend side is released.
//
// Defaults: 1000 resets at once, 33 a second; one that comes before the response began counts
// twice. A stream that ends well earns one reset, up to a burst, so that a busy connection on which
// one call in a hundred is cancelled never gets here.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class RapidReset {
 public:
  // A stream ended without a reset of either side.
  constexpr void StreamCompleted(const GuardLimits& limits) {
    earned_.Earn(1, limits.rapid_reset_burst);
  }

  // For each RST_STREAM that comes, of whatever stream; false: too many.
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, bool response_began,
                                      const GuardLimits& limits) {
    const uint32_t weight = response_began ? 1 : limits.rapid_reset_early_weight;
    return bucket_.Charge(now_ms, earned_.Spend(weight),
                          {limits.rapid_reset_per_second, limits.rapid_reset_burst});
  }

 private:
  TokenBucket bucket_;
  Allowance earned_;
};

}  // namespace weir::h2
