#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <sys/un.h>

namespace weir::net {

// A socket's address: IPv4, IPv6 or a Unix socket. A small value, copied freely. The path of a Unix
// socket lives in a table of the process that never shrinks, so such addresses are made from the
// configuration only; the address of a peer on a Unix socket is always the unnamed one.
class Address {
 public:
  // Room for Print: "[", 45 bytes of IPv6, "%", a scope, "]:65535", or "unix:" and a path.
  static constexpr size_t kMaxText = 128;

  // Nothing: family() is AF_UNSPEC.
  Address() = default;

  // `bytes` in network order, `port` in host order.
  static Address Ipv4(const uint8_t bytes[4], uint16_t port);
  static Address Ipv6(const uint8_t bytes[16], uint16_t port, uint32_t scope_id = 0);
  // A leading '@' names an abstract socket. Nothing when the path is empty, holds a NUL or is
  // longer than a sockaddr takes (107 bytes). `mode`: permission bits of a listener's socket file,
  // 0 for what the umask gives.
  static std::optional<Address> Unix(std::string_view path, uint32_t mode = 0);
  static Address UnnamedUnix();
  // What accept, getsockname and the like returned. AF_UNSPEC for an unknown family.
  static Address From(const sockaddr* address, socklen_t size);

  // "1.2.3.4:80", "[::1]:80", "[fe80::1%2]:80", ":80" (0.0.0.0), "unix:/path", "unix:@abstract".
  // Numbers only: no name is ever looked up. Nothing when the text is none of these.
  static std::optional<Address> Parse(std::string_view text);

  int family() const { return family_; }
  bool is_ip() const { return family_ == AF_INET || family_ == AF_INET6; }
  bool is_unix() const { return family_ == AF_UNIX; }
  uint16_t port() const { return port_; }
  void set_port(uint16_t port) { port_ = port; }
  uint32_t mode() const { return is_unix() ? scope_or_mode_ : 0; }
  // A Unix socket's path as given to Unix(); empty for the unnamed one.
  std::string_view path() const;
  // 4 or 16 bytes in network order; only for IP addresses.
  const uint8_t* ip() const { return bytes_.data(); }
  // 0.0.0.0 or [::].
  bool is_any() const;

  // Fills *out and returns the length that bind and connect want; 0 for AF_UNSPEC.
  socklen_t ToSockaddr(sockaddr_storage* out) const;

  // Writes the text that Parse reads into `out` (at least kMaxText bytes), without a NUL, and
  // returns its length. IPv4-mapped addresses are printed as IPv4 ("1.2.3.4:80").
  size_t Print(char* out) const;
  // The same without port or brackets: "1.2.3.4", "::1"; "" for Unix sockets.
  size_t PrintIp(char* out) const;
  std::string ToString() const;

  friend bool operator==(const Address& a, const Address& b) {
    return a.family_ == b.family_ && a.port_ == b.port_ && a.scope_or_mode_ == b.scope_or_mode_ &&
           a.bytes_ == b.bytes_;
  }

 private:
  uint16_t family_ = AF_UNSPEC;
  uint16_t port_ = 0;
  uint32_t scope_or_mode_ = 0;
  std::array<uint8_t, 16> bytes_{};  // Unix: an index into the table of paths, first four bytes
};

static_assert(sizeof(Address) == 24, "two of these stand in every connection");

}  // namespace weir::net
