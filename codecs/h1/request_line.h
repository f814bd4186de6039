// request-line (RFC 9112 section 3): method SP request-target SP HTTP-version CRLF, and nothing
// else.
#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/h1/fault.h"

namespace weir::h1 {

struct RequestLine {
  std::string_view method;
  std::string_view target;
  uint8_t version = 0;  // 10 or 11
};

// Parses from *at to `end`, behind which 64 bytes are readable. kDone: *at is behind the line.
// kPartial: `target_begun` says whether the method was complete, which makes an over-long head a
// 414. Faults: 400, and 505 for a version that is neither 1.0 nor 1.1.
Parse ParseRequestLine(char** at, char* end, RequestLine* out, bool* target_ended, Fault* fault);

}  // namespace weir::h1
