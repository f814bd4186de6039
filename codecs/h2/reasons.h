// The ABI's reasons and the error codes of RFC 9113 section 7, one table each way.
#pragma once

#include <cstdint>

#include "codecs/h2/frames/error_code.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

// What a RST_STREAM of the peer means to the host.
constexpr uint16_t ReasonOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNoError:
      return WEIR_REASON_NO_ERROR;
    case ErrorCode::kRefusedStream:
      return WEIR_REASON_REFUSED;
    case ErrorCode::kCancel:
      return WEIR_REASON_CANCEL;
    case ErrorCode::kInternalError:
      return WEIR_REASON_INTERNAL;
    case ErrorCode::kEnhanceYourCalm:
      return WEIR_REASON_OVERFLOW;
    default:
      return WEIR_REASON_REMOTE_RESET;
  }
}

// How the host's reason to end a stream is said. RFC 9113 section 8.1 keeps NO_ERROR for servers
// whose response is complete.
constexpr ErrorCode CodeOf(uint32_t reason, bool server) {
  switch (reason) {
    case WEIR_REASON_REFUSED:
      return ErrorCode::kRefusedStream;
    case WEIR_REASON_PROTOCOL:
      return ErrorCode::kProtocolError;
    case WEIR_REASON_INTERNAL:
    case WEIR_REASON_TRUNCATED:
      return ErrorCode::kInternalError;
    case WEIR_REASON_OVERFLOW:
      return ErrorCode::kEnhanceYourCalm;
    case WEIR_REASON_NO_ERROR:
      return server ? ErrorCode::kNoError : ErrorCode::kCancel;
    default:
      return server ? ErrorCode::kInternalError : ErrorCode::kCancel;
  }
}

// Why the host ends a stream or connection for which we have said this code.
constexpr uint16_t ReasonOfOwn(ErrorCode code) {
  switch (code) {
    case ErrorCode::kEnhanceYourCalm:
      return WEIR_REASON_OVERFLOW;
    case ErrorCode::kInternalError:
      return WEIR_REASON_INTERNAL;
    case ErrorCode::kSettingsTimeout:
    case ErrorCode::kNoError:  // of a PING that was not answered
      return WEIR_REASON_TIMEOUT;
    default:
      return WEIR_REASON_PROTOCOL;
  }
}

}  // namespace weir::h2
