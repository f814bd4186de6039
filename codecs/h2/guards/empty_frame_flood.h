// Empty frames flood (CVE-2019-9518): DATA, HEADERS or CONTINUATION that carry no content and end
// no stream. Padding is no content.
//
// Defaults: 100 at once, 10 a second.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class EmptyFrameFlood {
 public:
  // For each DATA, HEADERS and CONTINUATION; `content` without prefix and padding.
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, uint32_t content, bool end_stream,
                                      const GuardLimits& limits) {
    if (content != 0 || end_stream) return true;
    return bucket_.Charge(now_ms, 1, {limits.empty_frame_per_second, limits.empty_frame_burst});
  }

 private:
  TokenBucket bucket_;
};

}  // namespace weir::h2
