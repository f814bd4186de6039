// PING flood (CVE-2019-9512): each has to be answered. Acknowledgements that answer a PING of ours
// are not charged; others are.
//
// Defaults: 100 at once, 10 a second, and one for each DATA frame that we sent: peers that measure
// the path while data flows send one per round trip.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class PingFlood {
 public:
  static constexpr uint64_t kEarnedBursts = 10;

  constexpr void SentData(const GuardLimits& limits) {
    earned_.Earn(1, limits.ping_burst * kEarnedBursts);
  }

  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, const GuardLimits& limits) {
    return bucket_.Charge(now_ms, earned_.Spend(1), {limits.ping_per_second, limits.ping_burst});
  }

 private:
  TokenBucket bucket_;
  Allowance earned_;
};

}  // namespace weir::h2
