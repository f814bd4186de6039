// PING (RFC 9113 section 6.7): eight octets that come back as they went.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline constexpr size_t kPingPayloadSize = 8;
inline constexpr size_t kPingFrameSize = kFrameHeaderSize + kPingPayloadSize;

constexpr Fault CheckPingHeader(const FrameHeader& header, const FrameContext&) {
  if (header.stream != 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.ping_on_stream");
  }
  if (header.length != kPingPayloadSize) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.ping_length");
  }
  return {};
}

// The eight octets as a number, first octet highest; it has a meaning for its sender alone.
constexpr uint64_t ParsePing(const uint8_t* payload) {
  return uint64_t{Read32(payload)} << 32 | Read32(payload + 4);
}

constexpr uint8_t* WritePing(uint8_t* at, uint64_t opaque, bool ack) {
  at = WriteFrameHeader(at, kPingPayloadSize, FrameType::kPing, ack ? kFlagAck : 0, 0);
  at = Write32(at, static_cast<uint32_t>(opaque >> 32));
  return Write32(at, static_cast<uint32_t>(opaque));
}

}  // namespace weir::h2
