// SETTINGS flood (CVE-2019-9515): each frame is applied and acknowledged, and may move the window
// of every stream. Acknowledgements that we asked for are not charged; others are.
//
// Defaults: 50 frames at once, 5 a second, 64 settings in one.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class SettingsFlood {
 public:
  // `entries` is the frame's length / 6: to be asked with the header alone.
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, uint32_t entries,
                                      const GuardLimits& limits) {
    return entries <= limits.settings_entries &&
           bucket_.Charge(now_ms, 1, {limits.settings_per_second, limits.settings_burst});
  }

 private:
  TokenBucket bucket_;
};

}  // namespace weir::h2
