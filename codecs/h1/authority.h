// The structure of a Host value and of the authority in a request target (RFC 9112 section 3.2,
// RFC 3986 section 3.2): what a codec must refuse because two readers could understand it in two
// ways. The host of this plugin normalises what passes.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::h1 {

struct Authority {
  std::string_view host;
  uint32_t port = 0;  // 0: none is given
};

// False for an empty host, user information, a list, blanks, percent-escapes and other bytes, an
// empty or bad port, brackets without an address.
bool ParseAuthority(std::string_view text, Authority* out);

// Hosts compare without case; a missing port is `default_port`.
bool SameAuthority(const Authority& a, const Authority& b, uint32_t default_port);

}  // namespace weir::h1
