// CONTINUATION flood (CVE-2024-27316): a header block that goes on and on. Bounded here are the
// frames and the encoded bytes of one block; what it decodes to is bounded by the decoder.
//
// Defaults: 8 CONTINUATION frames, 65536 bytes; with frames of 16 KiB four of them hold as much.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"

namespace weir::h2 {

class ContinuationFlood {
 public:
  // HEADERS came with a fragment of so many bytes: a new block.
  [[nodiscard]] constexpr bool Begin(uint32_t fragment, const GuardLimits& limits) {
    bytes_ = fragment;
    frames_ = 0;
    return bytes_ <= limits.header_block_bytes;
  }

  // CONTINUATION came. To be asked with the header alone, before the fragment is waited for.
  [[nodiscard]] constexpr bool Continue(uint32_t fragment, const GuardLimits& limits) {
    if (frames_ >= limits.continuation_frames) return false;
    if (fragment > limits.header_block_bytes - bytes_) return false;
    ++frames_;
    bytes_ += fragment;
    return true;
  }

 private:
  uint32_t bytes_ = 0;
  uint32_t frames_ = 0;
};

}  // namespace weir::h2
