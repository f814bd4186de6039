#include "core/config/address.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

namespace weir::config {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
// sizeof(sockaddr_un::sun_path) less the terminating zero.
constexpr std::size_t kMaxUnixPath = 107;

std::optional<std::uint16_t> ParsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || rest != end) return std::nullopt;
  return port;
}

std::optional<AddressText> Literal(std::optional<Address> address) {
  if (!address) return std::nullopt;
  AddressText text;
  text.literal = std::move(address);
  return text;
}

std::optional<AddressText> ParseUnix(std::string_view path, std::string* expected) {
  *expected = "a socket path of 1 to 107 bytes after unix:";
  if (path.empty() || path.size() > kMaxUnixPath) return std::nullopt;
  for (const char c : path) {
    // As for every text of the file: what the long form refuses, the short one refuses too.
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
  }
  Address address;
  address.kind = Address::Kind::kUnix;
  address.path = std::string(path);
  return Literal(std::move(address));
}

// The host part may be empty, an IP address (IPv6 in brackets only) or a name.
std::optional<AddressText> ParseHost(std::string_view host, std::uint16_t port,
                                     std::string* expected) {
  if (host.empty()) return Literal(ParseIp("0.0.0.0", port));
  if (host.front() == '[') {
    *expected = "an IPv6 address in the brackets";
    if (host.back() != ']') return std::nullopt;
    auto address = ParseIp(host.substr(1, host.size() - 2), port);
    if (!address || address->kind != Address::Kind::kIpv6) return std::nullopt;
    return Literal(std::move(address));
  }
  *expected = "an IP address or a host name before the port";
  if (host.find(':') != std::string_view::npos) {
    *expected = "brackets around an IPv6 address, as [::1]:8080";
    return std::nullopt;
  }
  if (auto address = ParseIp(host, port)) return Literal(std::move(address));
  if (!IsHostName(host)) return std::nullopt;
  AddressText text;
  text.host = std::string(host);
  text.port = port;
  return text;
}

}  // namespace

std::string Address::ToString() const {
  if (kind == Kind::kUnix) return std::string(kUnixPrefix) + path;
  char text[INET6_ADDRSTRLEN] = {};
  const bool v4 = kind == Kind::kIpv4;
  inet_ntop(v4 ? AF_INET : AF_INET6, ip.data(), text, sizeof(text));
  const std::string host = v4 ? std::string(text) : "[" + std::string(text) + "]";
  return host + ":" + std::to_string(port);
}

std::optional<AddressText> ParseAddress(std::string_view text, std::string* expected) {
  if (text.substr(0, kUnixPrefix.size()) == kUnixPrefix) {
    return ParseUnix(text.substr(kUnixPrefix.size()), expected);
  }
  *expected = "an address such as 127.0.0.1:8080, [::1]:8080, :8080, host:8080 or unix:/path";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = ParsePort(text.substr(colon + 1));
  if (!port) {
    if (text.find(':') == colon) *expected = "a port from 0 to 65535 after the colon";
    return std::nullopt;
  }
  return ParseHost(text.substr(0, colon), *port, expected);
}

std::optional<Address> ParseIp(std::string_view text, std::uint16_t port) {
  const std::string copy(text);
  if (copy.find('\0') != std::string::npos) return std::nullopt;
  Address address;
  address.port = port;
  if (inet_pton(AF_INET, copy.c_str(), address.ip.data()) == 1) return address;
  address.ip.fill(0);
  address.kind = Address::Kind::kIpv6;
  if (inet_pton(AF_INET6, copy.c_str(), address.ip.data()) == 1) return address;
  return std::nullopt;
}

bool IsHostName(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  // All digits and dots is a mistyped IPv4 address, not a name.
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return false;
  std::size_t label = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '-' && c != '_') return false;
    if (++label > 63) return false;
  }
  return true;
}

}  // namespace weir::config
