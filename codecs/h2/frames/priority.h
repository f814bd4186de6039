// PRIORITY (RFC 9113 section 6.3): deprecated, checked and then ignored. The same five octets may
// stand before the field block of HEADERS.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline constexpr size_t kPriorityPayloadSize = 5;
inline constexpr size_t kPriorityFrameSize = kFrameHeaderSize + kPriorityPayloadSize;

constexpr Fault CheckPriorityHeader(const FrameHeader& header, const FrameContext&) {
  if (header.stream == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.priority_on_connection");
  }
  if (header.length != kPriorityPayloadSize) {
    return StreamFault(ErrorCode::kFrameSizeError, "http2.priority_length");
  }
  return {};
}

// The five octets, of a PRIORITY frame or of HEADERS with its flag. A stream that depends on itself
// was an error of the stream in RFC 7540 section 5.3.1 and is none that a sane peer makes: still
// so.
constexpr Fault ParsePriority(const FrameHeader& header, const uint8_t* payload) {
  if (Read31(payload) == header.stream) {
    return StreamFault(ErrorCode::kProtocolError, "http2.priority_on_itself");
  }
  return {};
}

constexpr uint8_t* WritePriority(uint8_t* at, uint32_t stream, uint32_t dependency,
                                 uint8_t weight) {
  at = WriteFrameHeader(at, kPriorityPayloadSize, FrameType::kPriority, 0, stream);
  at = Write32(at, dependency);
  *at++ = weight;
  return at;
}

}  // namespace weir::h2
