// Error codes of RST_STREAM and GOAWAY (RFC 9113 section 7).
#pragma once

#include <cstdint>

namespace weir::h2 {

// X(enumerator, value, name)
#define WEIR_H2_ERROR_CODES(X)                       \
  X(kNoError, 0x0, "NO_ERROR")                       \
  X(kProtocolError, 0x1, "PROTOCOL_ERROR")           \
  X(kInternalError, 0x2, "INTERNAL_ERROR")           \
  X(kFlowControlError, 0x3, "FLOW_CONTROL_ERROR")    \
  X(kSettingsTimeout, 0x4, "SETTINGS_TIMEOUT")       \
  X(kStreamClosed, 0x5, "STREAM_CLOSED")             \
  X(kFrameSizeError, 0x6, "FRAME_SIZE_ERROR")        \
  X(kRefusedStream, 0x7, "REFUSED_STREAM")           \
  X(kCancel, 0x8, "CANCEL")                          \
  X(kCompressionError, 0x9, "COMPRESSION_ERROR")     \
  X(kConnectError, 0xa, "CONNECT_ERROR")             \
  X(kEnhanceYourCalm, 0xb, "ENHANCE_YOUR_CALM")      \
  X(kInadequateSecurity, 0xc, "INADEQUATE_SECURITY") \
  X(kHttp11Required, 0xd, "HTTP_1_1_REQUIRED")

// A code from the wire may be any 32-bit number: one without a name here is kept as it came and
// means no more than kInternalError.
enum class ErrorCode : uint32_t {
#define WEIR_H2_ERROR_CODE_(enumerator, value, name) enumerator = (value),
  WEIR_H2_ERROR_CODES(WEIR_H2_ERROR_CODE_)
#undef WEIR_H2_ERROR_CODE_
};

// The RFC's name, or "unknown". Static text.
constexpr const char* Name(ErrorCode code) {
  switch (code) {
#define WEIR_H2_ERROR_CODE_(enumerator, value, name) \
  case ErrorCode::enumerator:                        \
    return name;
    WEIR_H2_ERROR_CODES(WEIR_H2_ERROR_CODE_)
#undef WEIR_H2_ERROR_CODE_
  }
  return "unknown";
}

}  // namespace weir::h2
