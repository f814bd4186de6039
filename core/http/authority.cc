#include "core/http/authority.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace weir::http {
namespace {

constexpr std::array<bool, 256> MakeHostTable() {
  std::array<bool, 256> table{};
  for (unsigned c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (unsigned c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c : {'-', '.', '_', '~'}) table[c] = true;
  return table;
}

constexpr std::array<bool, 256> kHostByte = MakeHostTable();

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

AuthorityError ParsePort(std::string_view digits, uint16_t* port) {
  if (digits.empty() || digits.size() > 5 || digits[0] == '0') return AuthorityError::kBadPort;
  uint32_t value = 0;
  for (char c : digits) {
    if (!IsDigit(c)) return AuthorityError::kBadPort;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value > 0xffff) return AuthorityError::kBadPort;
  *port = static_cast<uint16_t>(value);
  return AuthorityError::kNone;
}

bool ParseIpv6(std::string_view brackets, in6_addr* address) {
  char text[INET6_ADDRSTRLEN];
  const std::string_view inner = brackets.substr(1, brackets.size() - 2);
  if (inner.empty() || inner.size() >= sizeof text) return false;
  inner.copy(text, inner.size());
  text[inner.size()] = '\0';
  // A NUL among the bytes would end the text early.
  return inner.find('\0') == inner.npos && inet_pton(AF_INET6, text, address) == 1;
}

// Four labels of digits only: what other software would take for an IPv4 address, whether it is one
// or not.
bool LooksLikeIpv4(std::string_view host) {
  int dots = 0;
  for (char c : host) {
    if (c == '.') {
      ++dots;
    } else if (!IsDigit(c)) {
      return false;
    }
  }
  return dots == 3;
}

bool IsIpv4(std::string_view host) {
  char text[INET_ADDRSTRLEN];
  if (host.size() >= sizeof text) return false;
  host.copy(text, host.size());
  text[host.size()] = '\0';
  in_addr address;
  // Refuses leading zeros, which some read as octal.
  return inet_pton(AF_INET, text, &address) == 1;
}

AuthorityError CheckName(std::string_view host, HostKind* kind) {
  char last = '.';
  for (char c : host) {
    if (!kHostByte[static_cast<uint8_t>(c)]) {
      if (c == '@') return AuthorityError::kUserInfo;
      return c == ',' ? AuthorityError::kList : AuthorityError::kBadByte;
    }
    if (c == '.' && last == '.') return AuthorityError::kEmptyLabel;
    last = c;
  }
  const std::string_view name = last == '.' ? host.substr(0, host.size() - 1) : host;
  *kind = HostKind::kName;
  if (!LooksLikeIpv4(name)) return AuthorityError::kNone;
  if (!IsIpv4(host)) return AuthorityError::kBadIpv4;
  *kind = HostKind::kIpv4;
  return AuthorityError::kNone;
}

AuthorityError ParseHost(std::string_view text, Authority* out, size_t* host_size) {
  if (text[0] == '[') {
    const size_t end = text.find(']');
    if (end == text.npos) return AuthorityError::kBadIpv6;
    in6_addr address;
    if (!ParseIpv6(text.substr(0, end + 1), &address)) return AuthorityError::kBadIpv6;
    *host_size = end + 1;
    out->kind = HostKind::kIpv6;
    return AuthorityError::kNone;
  }
  // User information may hold a ':', so an '@' anywhere is looked for before a port is.
  if (text.find('@') != text.npos) return AuthorityError::kUserInfo;
  *host_size = text.find(':') == text.npos ? text.size() : text.find(':');
  if (*host_size == 0) return AuthorityError::kEmpty;
  return CheckName(text.substr(0, *host_size), &out->kind);
}

bool SameHost(const Authority& a, const Authority& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == HostKind::kIpv6) {
    in6_addr left;
    in6_addr right;
    return ParseIpv6(a.host, &left) && ParseIpv6(b.host, &right) &&
           std::memcmp(&left, &right, sizeof left) == 0;
  }
  if (a.host.size() != b.host.size()) return false;
  for (size_t i = 0; i < a.host.size(); ++i) {
    if (Lower(a.host[i]) != Lower(b.host[i])) return false;
  }
  return true;
}

constexpr std::string_view kErrorText[] = {
    "",
    "the host is empty",
    "the host is too long",
    "user information in the host",
    "a list of hosts",
    "a byte that no host has",
    "an empty label in the host",
    "not an IPv4 address",
    "not an IPv6 address in brackets",
    "a port that is not 1 to 65535",
};

}  // namespace

AuthorityError ParseAuthority(std::string_view text, Authority* out) {
  if (text.empty()) return AuthorityError::kEmpty;
  if (text.size() > kMaxAuthoritySize) return AuthorityError::kTooLong;
  Authority parsed;
  size_t host_size = 0;
  if (AuthorityError e = ParseHost(text, &parsed, &host_size); e != AuthorityError::kNone) return e;
  if (host_size > kMaxHostSize) return AuthorityError::kTooLong;
  if (host_size < text.size()) {
    if (text[host_size] != ':') return AuthorityError::kBadIpv6;
    const AuthorityError e = ParsePort(text.substr(host_size + 1), &parsed.port);
    if (e != AuthorityError::kNone) return e;
  }
  parsed.text = text;
  parsed.host = text.substr(0, host_size);
  *out = parsed;
  return AuthorityError::kNone;
}

AuthorityError NormalizeAuthority(char* text, size_t size, const AuthorityOptions& options,
                                  uint16_t listener_port, Authority* out) {
  if (AuthorityError e = ParseAuthority({text, size}, out); e != AuthorityError::kNone) return e;
  LowerCase(text, size);
  size_t host = out->host.size();
  const bool strip_port =
      options.strip_any_port || (options.strip_matching_port && out->port == listener_port);
  if (strip_port) {
    size = host;
    out->port = 0;
  }
  if (options.strip_trailing_dot && text[host - 1] == '.') {
    std::memmove(text + host - 1, text + host, size - host);
    --host;
    --size;
  }
  out->text = {text, size};
  out->host = {text, host};
  return AuthorityError::kNone;
}

bool SameAuthority(const Authority& a, const Authority& b, uint16_t default_port) {
  const uint16_t left = a.port != 0 ? a.port : default_port;
  const uint16_t right = b.port != 0 ? b.port : default_port;
  return left == right && SameHost(a, b);
}

void LowerCase(char* text, size_t size) {
  for (size_t i = 0; i < size; ++i) text[i] = Lower(text[i]);
}

std::string_view AuthorityErrorText(AuthorityError error) {
  return kErrorText[static_cast<size_t>(error)];
}

}  // namespace weir::http
