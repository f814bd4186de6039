#include "codecs/h1/request_line.h"

#include <cstring>

#include "plugins/util/ascii.h"
#include "plugins/util/scan.h"

namespace weir::h1 {

namespace {

Parse TargetFault(const char* at, const char* target, Fault* fault) {
  if (at == target && *at == ' ') return Fail(fault, 400, at, "http1.repeated_space");
  if (*at == '\r' || *at == '\n') return Fail(fault, 400, at, "http1.no_version");
  return Fail(fault, 400, at, "http1.invalid_url");
}

// What stands in place of "HTTP/1.1\r\n".
Parse VersionFault(const char* at, const char* line_end, Fault* fault) {
  const std::string_view text(at, static_cast<size_t>(line_end - at));
  const bool form = text.size() == 8 && text.substr(0, 5) == "HTTP/" && util::IsDigit(text[5]) &&
                    text[6] == '.' && util::IsDigit(text[7]);
  if (form && text[5] == '1' && text[7] <= '1') {  // the version is good, the line end is not
    return Fail(fault, 400, line_end, *line_end == '\n' ? "http1.bare_lf" : "http1.bare_cr");
  }
  if (form) return Fail(fault, 505, at, "http1.unsupported_version");
  return Fail(fault, 400, at, "http1.invalid_version");
}

size_t MethodSize(const char* at, const char* end) {
  const char* p = at;
  while (p < end && util::IsTokenByte(*p)) ++p;
  return static_cast<size_t>(p - at);
}

}  // namespace

Parse ParseRequestLine(char** at, char* const end, RequestLine* out, bool* target_ended,
                       Fault* fault) {
  const char* const line = *at;
  *target_ended = false;
  size_t method_size = 3;
  if (std::memcmp(line, "GET ", 4) != 0 || line + 4 > end) {
    method_size = MethodSize(line, end);
    if (line + method_size == end) return Parse::kPartial;
    if (line[method_size] != ' ' || method_size == 0) {
      return Fail(fault, 400, line + method_size, "http1.invalid_method");
    }
  }
  const char* const target = line + method_size + 1;
  const char* const target_end = util::FindTargetEnd(target, end);
  if (target_end >= end) return Parse::kPartial;
  if (*target_end != ' ' || target_end == target) return TargetFault(target_end, target, fault);
  *target_ended = true;
  out->method = {line, method_size};
  out->target = {target, static_cast<size_t>(target_end - target)};

  const char* const version = target_end + 1;
  if (end - version >= 10 && std::memcmp(version, "HTTP/1.", 7) == 0 &&
      (version[7] == '1' || version[7] == '0') && version[8] == '\r' && version[9] == '\n') {
    out->version = version[7] == '1' ? 11 : 10;
    *at = const_cast<char*>(version) + 10;
    return Parse::kDone;
  }
  const char* const line_end = util::FindValueEnd(version, end);
  if (line_end >= end) return Parse::kPartial;
  if (*line_end == '\r' && line_end + 1 == end) return Parse::kPartial;
  return VersionFault(version, line_end, fault);
}

}  // namespace weir::h1
