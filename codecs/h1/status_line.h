// status-line (RFC 9112 section 4): HTTP-version SP 3DIGIT [ SP reason-phrase ] CRLF. The reason is
// checked for its bytes and thrown away.
#pragma once

#include <cstdint>

#include "codecs/h1/fault.h"

namespace weir::h1 {

struct StatusLine {
  uint16_t status = 0;  // 100 .. 599
  uint8_t version = 0;  // 10 or 11
};

// Parses from *at to `end`, behind which 64 bytes are readable. kDone: *at is behind the line.
Parse ParseStatusLine(char** at, char* end, StatusLine* out, Fault* fault);

}  // namespace weir::h1
