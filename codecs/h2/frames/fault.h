// What is wrong with a frame, and how far it reaches (RFC 9113 section 5.4).
#pragma once

#include <cstdint>

#include "codecs/h2/frames/error_code.h"

namespace weir::h2 {

enum class Scope : uint8_t {
  kNone,
  kStream,      // RST_STREAM with the code; the connection goes on
  kConnection,  // GOAWAY with the code, and the end
};

// True in a condition when something is wrong. A fault of stream scope on a stream that is still
// idle has no stream to reset: the connection makes it one of its own (section 5.1).
struct Fault {
  ErrorCode code = ErrorCode::kNoError;
  Scope scope = Scope::kNone;
  const char* detail = nullptr;  // static text, for the log and the debug data of a GOAWAY

  constexpr explicit operator bool() const { return scope != Scope::kNone; }
};

constexpr Fault StreamFault(ErrorCode code, const char* detail) {
  return {code, Scope::kStream, detail};
}

constexpr Fault ConnectionFault(ErrorCode code, const char* detail) {
  return {code, Scope::kConnection, detail};
}

}  // namespace weir::h2
