#include "codecs/h1/status_line.h"

#include <cstring>

#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"

namespace weir::h1 {

namespace {

constexpr size_t kPrefixSize = 12;  // "HTTP/1.1 200"

bool GoodPrefix(const char* line) {
  return std::memcmp(line, "HTTP/1.", 7) == 0 && (line[7] == '0' || line[7] == '1') &&
         line[8] == ' ' && line[9] >= '1' && line[9] <= '5' && util::IsDigit(line[10]) &&
         util::IsDigit(line[11]);
}

}  // namespace

Parse ParseStatusLine(char** at, char* const end, StatusLine* out, Fault* fault) {
  const char* const line = *at;
  if (end - line < static_cast<ptrdiff_t>(kPrefixSize)) {
    const char* const stop = util::FindValueEnd(line, end);
    return stop == end ? Parse::kPartial : Fail(fault, 400, stop, "http1.invalid_status_line");
  }
  if (!GoodPrefix(line)) return Fail(fault, 400, line, "http1.invalid_status_line");
  const char* const reason = line + kPrefixSize;
  if (reason == end) return Parse::kPartial;
  if (*reason != ' ' && *reason != '\r') return Fail(fault, 400, reason, "http1.invalid_status");
  const char* const cr = util::FindValueEnd(reason, end);
  if (cr >= end) return Parse::kPartial;
  if (*cr != '\r') return Fail(fault, 400, cr, "http1.invalid_status_line");
  if (cr + 1 == end) return Parse::kPartial;
  if (cr[1] != '\n') return Fail(fault, 400, cr, "http1.bare_cr");
  out->status =
      static_cast<uint16_t>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  out->version = line[7] == '1' ? 11 : 10;
  *at = const_cast<char*>(cr) + 2;
  return Parse::kDone;
}

}  // namespace weir::h1
