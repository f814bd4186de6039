// The rules for Host and :authority: what a valid one is, what its parts are, and when two of them
// are the same.
//
// Strict on purpose (RFC 9112 3.2, RFC 3986 3.2.2): a host that two parsers could read differently
// is refused. A host is a registered name of letters, digits, '-', '.', '_' and '~' without empty
// labels, an IPv4 address, or an IPv6 address in brackets; user information, lists,
// percent-escapes, zone ids, other sub-delimiters and empty ports are errors. No allocation, no
// exception; views point into the caller's bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::http {

inline constexpr size_t kMaxHostSize = 255;
inline constexpr size_t kMaxAuthoritySize = kMaxHostSize + 6;  // ":65535"

enum class HostKind : uint8_t { kName, kIpv4, kIpv6 };

enum class AuthorityError : uint8_t {
  kNone,
  kEmpty,
  kTooLong,
  kUserInfo,    // '@'
  kList,        // ','
  kBadByte,     // a byte that no host has
  kEmptyLabel,  // "a..b", ".a", "."
  kBadIpv4,     // four numbers that are no address: 1.2.3.256, 01.2.3.4
  kBadIpv6,     // no IPv6 address between brackets, or no closing bracket
  kBadPort,     // empty, zero, above 65535, with a leading zero, or not all digits
};

struct Authority {
  std::string_view text;  // host and port as they came
  std::string_view host;  // without port; an IPv6 address keeps its brackets
  uint16_t port = 0;      // 0: none was given
  HostKind kind = HostKind::kName;
};

// Splits and checks `text`. On an error `*out` is not written.
AuthorityError ParseAuthority(std::string_view text, Authority* out);

struct AuthorityOptions {
  bool strip_any_port = false;
  bool strip_matching_port = false;  // a port equal to the listener's
  bool strip_trailing_dot = false;   // "example.com." and "example.com.:80"
};

// Checks `size` bytes at `text`, lower-cases them in place and removes what the options say; `*out`
// views the result, which starts at `text`. On an error the bytes are untouched.
AuthorityError NormalizeAuthority(char* text, size_t size, const AuthorityOptions& options,
                                  uint16_t listener_port, Authority* out);

// Whether two authorities name the same host and port: letters compare without case, IPv6 addresses
// by value, and a missing port is `default_port` (80 or 443, by scheme). A Host that differs from
// the target's authority is a 400.
bool SameAuthority(const Authority& a, const Authority& b, uint16_t default_port);

// Letters to lower case, in place.
void LowerCase(char* text, size_t size);

// The reason in words, for a log line.
std::string_view AuthorityErrorText(AuthorityError error);

}  // namespace weir::http
