// Queue growth (CVE-2019-9517 and others): a peer asks for answers that it never reads:
// acknowledgements of SETTINGS and PING, resets, window updates. Above one mark nothing more is
// read from it; the connection ends above the other, which it reaches only by what was begun
// before, or by resets that our own side asks for.
//
// Defaults: 16 KiB and 256 KiB of control output that waits.
#pragma once

#include <cstddef>

#include "codecs/h2/guards/limits.h"

namespace weir::h2 {

class QueueGrowth {
 public:
  static constexpr bool Pauses(size_t queued, const GuardLimits& limits) {
    return queued > limits.control_pause_bytes;
  }

  // False: too much.
  [[nodiscard]] static constexpr bool Check(size_t queued, const GuardLimits& limits) {
    return queued <= limits.control_max_bytes;
  }
};

}  // namespace weir::h2
