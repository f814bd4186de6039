#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "filters/listener/proxy_protocol/header.h"

namespace weir::proxy_protocol {

inline std::string Big16(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 255)};
}

inline std::string TlvBytes(std::uint8_t type, std::string_view value) {
  return std::string(1, static_cast<char>(type)) + Big16(value.size()) + std::string(value);
}

// A header of version 2: the byte of version and command, that of family and transport, and what
// follows.
inline std::string V2(int command, int family, std::string_view payload) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) + static_cast<char>(command) +
         static_cast<char>(family) + Big16(payload.size()) + std::string(payload);
}

// From 10.1.2.3:4660 to 10.0.0.1:443.
inline std::string Ipv4Addresses() {
  return std::string("\x0a\x01\x02\x03\x0a\x00\x00\x01\x12\x34\x01\xbb", 12);
}

// From [2001:db8::1]:4660 to [2001:db8::2]:443.
inline std::string Ipv6Addresses() {
  const std::string prefix("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0", 15);
  return prefix + "\x01" + prefix + "\x02" + "\x12\x34\x01\xbb";
}

// The same with a checksum that is right behind it.
inline std::string WithChecksum(int command, int family, const std::string& payload) {
  std::string all = V2(command, family, payload + TlvBytes(3, std::string(4, '\0')));
  const std::uint32_t crc = Crc32c(0, all);
  for (int i = 0; i < 4; ++i)
    all[all.size() - 4 + static_cast<std::size_t>(i)] = static_cast<char>(crc >> (24 - 8 * i));
  return all;
}

}  // namespace weir::proxy_protocol
