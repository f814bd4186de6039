// What the tests of frames share: faults that compare and print, headers in one line.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codecs/h2/frames/check.h"
#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

inline void PrintTo(const Fault& fault, std::ostream* out) {
  static constexpr const char* kScopes[] = {"no", "stream", "connection"};
  *out << kScopes[static_cast<int>(fault.scope)] << " fault " << Name(fault.code) << " ("
       << (fault.detail == nullptr ? "" : fault.detail) << ")";
}

inline FrameHeader Header(FrameType type, uint32_t length, uint32_t stream, int flags = 0) {
  return {length, type, static_cast<uint8_t>(flags), stream};
}

// A server's view of a connection that is under way.
inline FrameContext Running() {
  FrameContext context;
  context.preface_done = true;
  return context;
}

inline FrameContext RunningClient() {
  FrameContext context = Running();
  context.position = Position::kClient;
  return context;
}

inline FrameContext InsideBlock(uint32_t stream) {
  FrameContext context = Running();
  context.open_block = stream;
  return context;
}

inline Fault Check(FrameType type, uint32_t length, uint32_t stream, int flags = 0) {
  return CheckFrameHeader(Header(type, length, stream, flags), Running());
}

inline const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

// Every fault has a text for the log; a fault of nothing has none.
MATCHER_P2(IsFault, scope, code, "") {
  return arg.scope == scope && arg.code == code && arg.detail != nullptr &&
         std::string_view(arg.detail).substr(0, 6) == "http2.";
}

inline auto IsConnectionFault(ErrorCode code) {
  return IsFault(Scope::kConnection, code);
}

inline auto IsStreamFault(ErrorCode code) {
  return IsFault(Scope::kStream, code);
}

MATCHER(IsFine, "") {
  return arg.scope == Scope::kNone && arg.code == ErrorCode::kNoError && arg.detail == nullptr;
}

}  // namespace weir::h2
