#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::proxy_protocol {

// The longest header that is read. Version 2 could announce 65,551 bytes; what is known to be sent,
// addresses, a certificate's names and the ids of clouds, is a tenth of this.
inline constexpr std::size_t kMaxHeader = 4096;

// The addresses that a header tells.
struct Endpoint {
  std::uint8_t ip[16];  // the first 4 of them for IPv4
  std::uint16_t port;
};

// A header of the PROXY protocol (haproxy.org, proxy-protocol.txt), versions 1 and 2.
struct Header {
  enum class Family : std::uint8_t { kNone, kIpv4, kIpv6 };

  int version = 0;
  std::size_t size = 0;  // of all of it
  // kNone: the connection speaks for itself (LOCAL, UNKNOWN, UNSPEC), or for a Unix socket.
  Family family = Family::kNone;
  Endpoint source{};
  Endpoint destination{};
  std::string_view tlvs;  // version 2: checked to be whole; none of LOCAL
};

enum class Verdict : std::uint8_t {
  kWhole,
  kMore,  // a header, or the start of one, and not yet all of it
  kNone,  // no header
  kBad
};

// Reads the header at the front of `bytes`. *header tells the version as soon as it is known, also
// of one that is incomplete or bad. What one may say: section 2 of the text; leading zeros,
// addresses of the wrong family, unknown commands and checksums that are wrong are bad.
Verdict ReadHeader(std::string_view bytes, Header* header);

struct Tlv {
  std::uint8_t type;
  std::string_view value;
};
// Takes the first of `tlvs`; false: there is none, or it is not whole.
bool TakeTlv(std::string_view* tlvs, Tlv* tlv);

// The CRC-32C of section 2.2.3.
std::uint32_t Crc32c(std::uint32_t crc, std::string_view bytes);

}  // namespace weir::proxy_protocol
