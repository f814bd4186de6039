// RST_STREAM (RFC 9113 section 6.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline constexpr size_t kRstStreamPayloadSize = 4;
inline constexpr size_t kRstStreamFrameSize = kFrameHeaderSize + kRstStreamPayloadSize;

constexpr Fault CheckRstStreamHeader(const FrameHeader& header, const FrameContext&) {
  if (header.stream == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.reset_of_connection");
  }
  if (header.length != kRstStreamPayloadSize) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.reset_length");
  }
  return {};
}

constexpr ErrorCode ParseRstStream(const uint8_t* payload) {
  return static_cast<ErrorCode>(Read32(payload));
}

constexpr uint8_t* WriteRstStream(uint8_t* at, uint32_t stream, ErrorCode code) {
  at = WriteFrameHeader(at, kRstStreamPayloadSize, FrameType::kRstStream, 0, stream);
  return Write32(at, static_cast<uint32_t>(code));
}

}  // namespace weir::h2
