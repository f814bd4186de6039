// Priority flood (CVE-2019-9513): PRIORITY and PRIORITY_UPDATE frames without end, for streams that
// are open, idle or over.
//
// Defaults: 200 at once, 20 a second, and 10 for each stream that is opened, as by a browser that
// moves its images up and down with the page.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class PriorityFlood {
 public:
  static constexpr uint64_t kEarnedBursts = 10;

  constexpr void StreamOpened(const GuardLimits& limits) {
    earned_.Earn(limits.priority_per_stream, limits.priority_burst * kEarnedBursts);
  }

  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, const GuardLimits& limits) {
    return bucket_.Charge(now_ms, earned_.Spend(1),
                          {limits.priority_per_second, limits.priority_burst});
  }

 private:
  TokenBucket bucket_;
  Allowance earned_;
};

}  // namespace weir::h2
