// GOAWAY (RFC 9113 section 6.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline constexpr size_t kGoawayFixedSize = 8;
inline constexpr size_t kGoawayMaxDebug = 128;  // of ours; the peer's may fill its frame
inline constexpr size_t kGoawayFrameSize = kFrameHeaderSize + kGoawayFixedSize + kGoawayMaxDebug;

constexpr Fault CheckGoawayHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.stream != 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.goaway_on_stream");
  }
  if (header.length < kGoawayFixedSize || header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.goaway_length");
  }
  return {};
}

struct Goaway {
  uint32_t last_stream = 0;
  ErrorCode code = ErrorCode::kNoError;
};

// Of the first kGoawayFixedSize octets; debug data may follow, and the connection need not keep it.
constexpr Goaway ParseGoaway(const uint8_t* payload) {
  return {Read31(payload), static_cast<ErrorCode>(Read32(payload + 4))};
}

// Debug data beyond kGoawayMaxDebug is cut. It may say what rule was broken, never what the peer or
// a third party sent.
inline uint8_t* WriteGoaway(uint8_t* at, uint32_t last_stream, ErrorCode code,
                            std::string_view debug = {}) {
  debug = debug.substr(0, kGoawayMaxDebug);
  at = WriteFrameHeader(at, static_cast<uint32_t>(kGoawayFixedSize + debug.size()),
                        FrameType::kGoaway, 0, 0);
  at = Write32(at, last_stream);
  at = Write32(at, static_cast<uint32_t>(code));
  if (!debug.empty()) std::memcpy(at, debug.data(), debug.size());
  return at + debug.size();
}

}  // namespace weir::h2
