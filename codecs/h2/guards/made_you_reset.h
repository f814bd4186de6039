// MadeYouReset (CVE-2025-8671): the peer makes no reset itself, but mistakes for which we must
// reset its streams: a window that overflows, DATA on a half-closed stream, a malformed request,
// more streams than are allowed. To be charged: each RST_STREAM of ours with PROTOCOL_ERROR,
// FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, STREAM_CLOSED, REFUSED_STREAM or ENHANCE_YOUR_CALM that
// answers what the peer sent. Not: cancels, timeouts and what our own side broke, or NO_ERROR after
// an early response.
//
// Defaults: 500 at once, 33 a second.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class MadeYouReset {
 public:
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, const GuardLimits& limits) {
    return bucket_.Charge(now_ms, 1,
                          {limits.made_you_reset_per_second, limits.made_you_reset_burst});
  }

 private:
  TokenBucket bucket_;
};

}  // namespace weir::h2
