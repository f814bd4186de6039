// The nine octets before each frame (RFC 9113 section 4.1), and what is known when they are judged.
//
// Each type has a header of its own here, with
//   Check<Type>Header  what can be said of the nine octets alone, before the payload is there: its
//                      length, its stream, its flags;
//   Parse<Type>        the payload, whole, for a frame whose header was found good; DATA and
//                      HEADERS, which come in pieces, have a prefix that is parsed instead;
//   Write<Type>        the frame's bytes, at most k<Type>Size of them, answering their end.
// CheckFrameHeader (check.h) chooses among the first by type. Nothing here allocates or keeps a
// pointer. The rules that need to know a stream's state (idle, half closed, closed, whose number
// it is, its window) are the connection's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/fault.h"
#include "codecs/h2/frames/wire.h"

namespace weir::h2 {

inline constexpr size_t kFrameHeaderSize = 9;
inline constexpr uint32_t kMaxStream = 0x7fffffff;
inline constexpr uint32_t kMaxWindow = 0x7fffffff;   // section 6.9.1
inline constexpr uint32_t kDefaultWindow = 65535;    // section 6.9.2
inline constexpr uint32_t kMinMaxFrameSize = 16384;  // section 4.2: also the default
inline constexpr uint32_t kMaxMaxFrameSize = (1u << 24) - 1;

enum class FrameType : uint8_t {
  kData = 0x0,
  kHeaders = 0x1,
  kPriority = 0x2,
  kRstStream = 0x3,
  kSettings = 0x4,
  kPushPromise = 0x5,
  kPing = 0x6,
  kGoaway = 0x7,
  kWindowUpdate = 0x8,
  kContinuation = 0x9,
  kPriorityUpdate = 0x10,  // RFC 9218 section 7.1
};

// The RFC's name, or "unknown" for a type that is to be ignored. Static text.
constexpr const char* Name(FrameType type) {
  switch (type) {
    case FrameType::kData:
      return "DATA";
    case FrameType::kHeaders:
      return "HEADERS";
    case FrameType::kPriority:
      return "PRIORITY";
    case FrameType::kRstStream:
      return "RST_STREAM";
    case FrameType::kSettings:
      return "SETTINGS";
    case FrameType::kPushPromise:
      return "PUSH_PROMISE";
    case FrameType::kPing:
      return "PING";
    case FrameType::kGoaway:
      return "GOAWAY";
    case FrameType::kWindowUpdate:
      return "WINDOW_UPDATE";
    case FrameType::kContinuation:
      return "CONTINUATION";
    case FrameType::kPriorityUpdate:
      return "PRIORITY_UPDATE";
  }
  return "unknown";
}

// Flags. One that a type does not define is ignored (section 4.1).
inline constexpr uint8_t kFlagEndStream = 0x01;   // DATA, HEADERS
inline constexpr uint8_t kFlagAck = 0x01;         // SETTINGS, PING
inline constexpr uint8_t kFlagEndHeaders = 0x04;  // HEADERS, PUSH_PROMISE, CONTINUATION
inline constexpr uint8_t kFlagPadded = 0x08;      // DATA, HEADERS, PUSH_PROMISE
inline constexpr uint8_t kFlagPriority = 0x20;    // HEADERS

struct FrameHeader {
  uint32_t length = 0;  // of the payload: 24 bits
  FrameType type = FrameType::kData;
  uint8_t flags = 0;
  uint32_t stream = 0;  // 31 bits: the reserved one is dropped

  constexpr bool Has(uint8_t flag) const { return (flags & flag) != 0; }
};

constexpr FrameHeader ReadFrameHeader(const uint8_t* at) {
  return {Read24(at), static_cast<FrameType>(at[3]), at[4], Read31(at + 5)};
}

constexpr uint8_t* WriteFrameHeader(uint8_t* at, uint32_t length, FrameType type, uint8_t flags,
                                    uint32_t stream) {
  at = Write24(at, length);
  *at++ = static_cast<uint8_t>(type);
  *at++ = flags;
  return Write32(at, stream);
}

enum class Position : uint8_t { kServer, kClient };  // which end of the connection we are

// What a header is judged by. A connection keeps one and changes it as it goes.
struct FrameContext {
  uint32_t max_frame_size = kMinMaxFrameSize;  // what we announced, once it was acknowledged
  uint32_t open_block = 0;  // the stream whose header block waits for CONTINUATION; 0: none
  Position position = Position::kServer;
  bool preface_done = false;  // the peer's first SETTINGS frame has come (section 3.4)
};

}  // namespace weir::h2
