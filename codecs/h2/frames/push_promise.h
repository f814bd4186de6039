// PUSH_PROMISE (RFC 9113 section 6.6). A client may not push, and our client position announces
// ENABLE_PUSH 0 in its preface, before any request that could be answered with a push: whoever
// sends the frame breaks the protocol.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

constexpr Fault CheckPushPromiseHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.push_promise_too_long");
  }
  return ConnectionFault(ErrorCode::kProtocolError, "http2.push_promise");
}

}  // namespace weir::h2
