// What a parser answers: done, show me more, or a fault with all that the log and the peer need.
#pragma once

#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h1 {

enum class Parse : uint8_t {
  kDone,
  kPartial,  // well so far; more bytes decide
  kFault,
};

// Filled when a parser answers kFault, and only then. A fault is decided by the bytes up to `at`
// alone, so it does not depend on how the bytes were cut.
struct Fault {
  uint16_t status = 0;           // what a server answers with
  uint16_t reason = 0;           // WEIR_REASON_*
  const char* at = nullptr;      // the byte where it shows
  const char* detail = nullptr;  // static text
};

inline Parse Fail(Fault* fault, uint16_t status, const char* at, const char* detail) {
  const bool limit = status == 413 || status == 414 || status == 431;
  *fault = {status, static_cast<uint16_t>(limit ? WEIR_REASON_OVERFLOW : WEIR_REASON_PROTOCOL), at,
            detail};
  return Parse::kFault;
}

}  // namespace weir::h1
