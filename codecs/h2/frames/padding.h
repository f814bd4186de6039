// Padding of DATA, HEADERS and PUSH_PROMISE (RFC 9113 sections 6.1, 6.2, 6.6): one octet that says
// how many follow the content. Their value is not looked at: section 6.1 allows it, and covert
// bytes go no further than here.
#pragma once

#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

// Splits a payload of `length` octets, of which the first `fixed` are the frame's own (the padding
// octet among them), into content and padding. False when the padding is longer than what is left.
constexpr bool SplitPadding(uint32_t length, uint32_t fixed, uint8_t padding, uint32_t* content) {
  const uint32_t room = length - fixed;
  if (padding > room) return false;
  *content = room - padding;
  return true;
}

}  // namespace weir::h2
