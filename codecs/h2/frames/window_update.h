// WINDOW_UPDATE (RFC 9113 section 6.9). That a window goes beyond kMaxWindow is the connection's to
// see, which has the window: FLOW_CONTROL_ERROR, in the scope of the frame's stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline constexpr size_t kWindowUpdatePayloadSize = 4;
inline constexpr size_t kWindowUpdateFrameSize = kFrameHeaderSize + kWindowUpdatePayloadSize;

constexpr Fault CheckWindowUpdateHeader(const FrameHeader& header, const FrameContext&) {
  if (header.length != kWindowUpdatePayloadSize) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.window_update_length");
  }
  return {};
}

constexpr Fault ParseWindowUpdate(const FrameHeader& header, const uint8_t* payload,
                                  uint32_t* increment) {
  *increment = Read31(payload);
  if (*increment != 0) return {};
  return header.stream == 0
             ? ConnectionFault(ErrorCode::kProtocolError, "http2.window_update_of_nothing")
             : StreamFault(ErrorCode::kProtocolError, "http2.window_update_of_nothing");
}

// Adds to a send window, which may be negative. A fault, and no change, where it would grow too
// large (section 6.9.1); `stream` is 0 for the connection's own.
constexpr Fault RaiseWindow(uint32_t stream, uint32_t increment, int32_t* window) {
  const int64_t raised = int64_t{*window} + increment;
  if (raised > int64_t{kMaxWindow}) {
    return stream == 0 ? ConnectionFault(ErrorCode::kFlowControlError, "http2.window_overflow")
                       : StreamFault(ErrorCode::kFlowControlError, "http2.window_overflow");
  }
  *window = static_cast<int32_t>(raised);
  return {};
}

constexpr uint8_t* WriteWindowUpdate(uint8_t* at, uint32_t stream, uint32_t increment) {
  at = WriteFrameHeader(at, kWindowUpdatePayloadSize, FrameType::kWindowUpdate, 0, stream);
  return Write32(at, increment);
}

}  // namespace weir::h2
