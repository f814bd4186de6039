// CONTINUATION (RFC 9113 section 6.10): more of the field block that HEADERS began. Its payload is
// the fragment and nothing else.
#pragma once

#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

constexpr Fault CheckContinuationHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.stream == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.continuation_on_connection");
  }
  if (header.stream != context.open_block) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.continuation_of_nothing");
  }
  if (header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.continuation_too_long");
  }
  return {};
}

// The header alone; `length` octets of field block follow.
constexpr uint8_t* WriteContinuationHeader(uint8_t* at, uint32_t stream, uint32_t length,
                                           bool end_headers) {
  return WriteFrameHeader(at, length, FrameType::kContinuation, end_headers ? kFlagEndHeaders : 0,
                          stream);
}

}  // namespace weir::h2
