// The four forms of a request target (RFC 9112 section 3.2) and what they say about authority and
// scheme together with the Host field.
#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/h1/fault.h"
#include "codecs/h1/header_block.h"
#include "codecs/h1/request_line.h"

namespace weir::h1 {

struct Target {
  std::string_view scheme;     // "http" or "https" for the absolute form, else empty
  std::string_view authority;  // empty only for HTTP/1.0 without Host
  std::string_view path;       // origin form or "*"; empty for CONNECT
};

// Faults are 400; 501 for CONNECT where it is not allowed. May move bytes of an absolute form that
// has a query and no path ("http://a?q" becomes "/?q"), so it is called once, on a complete head.
Parse ParseTarget(const RequestLine& line, const FramingFields& framing, bool allow_connect,
                  Target* out, Fault* fault);

}  // namespace weir::h1
