// IP addresses as two words, read from text without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include <arpa/inet.h>

#include "plugins/util/ascii.h"

namespace weir::util {

// An address; the first bit of it is the highest bit of `high`. An IPv4 address has its 32 bits
// there and nothing behind them. An IPv4 address in the IPv6 form (::ffff:a.b.c.d, RFC 4291 section
// 2.5.5.2) is kept as the IPv4 address that it is: there is one form of each address, so that
// nobody gets around a rule by writing his own in the other one.
struct IpAddress {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool v6 = false;

  constexpr unsigned bits() const { return v6 ? 128 : 32; }
  constexpr bool Bit(unsigned i) const {
    return ((i < 64 ? high >> (63 - i) : low >> (127 - i)) & 1) != 0;
  }
  // With all bits from the length-th on cleared.
  constexpr IpAddress Prefix(unsigned length) const {
    const auto keep = [](unsigned n) { return n == 0 ? 0 : n >= 64 ? ~0ull : ~0ull << (64 - n); };
    return {high & keep(length), low & keep(length > 64 ? length - 64 : 0), v6};
  }
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.high == b.high && a.low == b.low && a.v6 == b.v6;
  }
  friend constexpr bool operator!=(const IpAddress& a, const IpAddress& b) { return !(a == b); }
};

namespace internal {

inline std::uint64_t LoadBigEndian(const unsigned char* bytes) {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word = word << 8 | bytes[i];
  return word;
}

}  // namespace internal

// The bits of an address as they are written, ::ffff:1.2.3.4 as IPv6: for prefixes, whose length is
// counted in that form. No port, no brackets, no zone.
inline std::optional<IpAddress> ParseRawIp(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  if (std::strlen(copy) != text.size()) return std::nullopt;
  unsigned char bytes[16] = {};
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, copy, bytes) != 1) return std::nullopt;
    return IpAddress{internal::LoadBigEndian(bytes), 0, false};
  }
  if (inet_pton(AF_INET6, copy, bytes) != 1) return std::nullopt;
  return IpAddress{internal::LoadBigEndian(bytes), internal::LoadBigEndian(bytes + 8), true};
}

// Whether IPv6 bits hold an IPv4 address, in the 32 bits after the 96th.
constexpr bool IsMapped(const IpAddress& ip) {
  return ip.v6 && ip.high == 0 && ip.low >> 32 == 0xffff;
}

inline IpAddress Unmapped(const IpAddress& ip) {
  return IsMapped(ip) ? IpAddress{ip.low << 32, 0, false} : ip;
}

// An address in its one form. A zone ("fe80::1%eth0") is left out: it names a link of this machine.
inline std::optional<IpAddress> ParseIp(std::string_view text) {
  const auto ip = ParseRawIp(text.substr(0, text.find('%')));
  return ip ? std::optional(Unmapped(*ip)) : std::nullopt;
}

struct IpPort {
  IpAddress ip;
  std::uint16_t port = 0;
};

// "1.2.3.4:80" or "[::1]:80"; nothing for what is no IP address, as the path of a Unix socket.
inline std::optional<IpPort> ParseIpPort(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[') {
    if (host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  unsigned port = 0;
  for (const char c : digits) {
    if (!IsDigit(c)) return std::nullopt;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  const auto ip = ParseIp(host);
  if (!ip || port > 65535) return std::nullopt;
  return IpPort{*ip, static_cast<std::uint16_t>(port)};
}

}  // namespace weir::util
