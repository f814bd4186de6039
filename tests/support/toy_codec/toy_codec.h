#pragma once

#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::toy {

// What config_new makes; tests hand in their own.
struct ToyConfig {
  std::uint32_t max_frame = 4096;  // the most body in one DATA frame. Key max_frame, 1 to 65535
  std::uint32_t first_stream = 1;  // of a client. Key first_stream, 1 to 2^32-2
};

extern const weir_codec_api kToyCodecApi;

}  // namespace weir::toy
