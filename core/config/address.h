#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

// Where a listener binds or an endpoint is reached: an IP address and port, or a Unix socket. A
// plain value, made while loading; core/net turns it into a sockaddr. Host names never stay in
// here: they are resolved while loading.
struct Address {
  enum class Kind { kIpv4, kIpv6, kUnix };

  Kind kind = Kind::kIpv4;
  // Network byte order; IPv4 uses the first four bytes.
  std::array<std::uint8_t, 16> ip{};
  // Host byte order. 0 lets the kernel choose (listeners only).
  std::uint16_t port = 0;
  // Unix sockets: the path. A leading '@' names an abstract socket. At most 107 bytes (checked at
  // load).
  std::string path;
  // Unix sockets: permission bits of the socket file of a listener; 0 leaves them to the umask.
  std::uint32_t mode = 0;

  // "127.0.0.1:80", "[::1]:80", "unix:/run/app.sock". ParseAddress reads it back.
  std::string ToString() const;

  friend bool operator==(const Address&, const Address&) = default;
};

// What an address text may turn out to be: a literal address, or a host name and port still to be
// resolved.
struct AddressText {
  std::optional<Address> literal;
  std::string host;
  std::uint16_t port = 0;
};

// Reads "1.2.3.4:80", "[::1]:80", ":80" (all IPv4 interfaces, as 0.0.0.0:80), "host.name:80" and
// "unix:/path". Returns nothing and sets *expected to what was expected when the text is none of
// these.
std::optional<AddressText> ParseAddress(std::string_view text, std::string* expected);

// Reads an IPv4 or IPv6 literal without port or brackets; nothing when it is neither.
std::optional<Address> ParseIp(std::string_view text, std::uint16_t port);

// True for what RFC 1123 and practice allow as a host name: labels of letters, digits, '-' and '_';
// at most 253 bytes.
bool IsHostName(std::string_view text);

}  // namespace weir::config
