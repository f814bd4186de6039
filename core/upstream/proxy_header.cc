#include "core/upstream/proxy_header.h"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "plugins/util/ascii.h"

namespace weir::upstream {
namespace {

constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// One side of a header, in the shortest form: an IPv4 address that came over an IPv6 socket is one.
struct Side {
  bool v4 = false;
  uint8_t ip[16] = {};  // IPv4: mapped
  uint16_t port = 0;

  explicit Side(const net::Address& address) : port(address.port()) {
    if (address.family() == AF_INET) {
      std::memcpy(ip, kMapped, 12);
      std::memcpy(ip + 12, address.ip(), 4);
    } else {
      std::memcpy(ip, address.ip(), 16);
    }
    v4 = std::memcmp(ip, kMapped, 12) == 0;
  }
};

char* Put(char* out, const void* bytes, size_t size) {
  std::memcpy(out, bytes, size);
  return out + size;
}
char* Put(char* out, std::string_view text) {
  return Put(out, text.data(), text.size());
}
char* PutPort(char* out, uint16_t port) {
  *out++ = static_cast<char>(port >> 8);
  *out++ = static_cast<char>(port & 255);
  return out;
}

char* PutV2(char* out, const Side* source, const Side* destination) {
  out = Put(out, std::string_view("\r\n\r\n\0\r\nQUIT\n", 12));
  if (source == nullptr) return Put(out, std::string_view("\x20\0\0\0", 4));  // LOCAL
  const bool v4 = source->v4 && destination->v4;
  const size_t at = v4 ? 12 : 0;
  out =
      Put(out, v4 ? std::string_view("\x21\x11\0\x0c", 4) : std::string_view("\x21\x21\0\x24", 4));
  out = Put(out, source->ip + at, 16 - at);
  out = Put(out, destination->ip + at, 16 - at);
  return PutPort(PutPort(out, source->port), destination->port);
}

char* PutIp(char* out, const Side& side, bool v4) {
  const net::Address address =
      v4 ? net::Address::Ipv4(side.ip + 12, 0) : net::Address::Ipv6(side.ip, 0);
  // Beside an IPv6 address an IPv4 one must be one too.
  if (!v4 && side.v4) {
    out = Put(out, "::ffff:");
    return out + net::Address::Ipv4(side.ip + 12, 0).PrintIp(out);
  }
  return out + address.PrintIp(out);
}

char* PutV1(char* out, const Side* source, const Side* destination) {
  if (source == nullptr) return Put(out, "PROXY UNKNOWN\r\n");
  const bool v4 = source->v4 && destination->v4;
  out = PutIp(Put(out, v4 ? "PROXY TCP4 " : "PROXY TCP6 "), *source, v4);
  out = PutIp(Put(out, " "), *destination, v4);
  out = util::WriteDecimal(Put(out, " "), source->port);
  out = util::WriteDecimal(Put(out, " "), destination->port);
  return Put(out, "\r\n");
}

}  // namespace

size_t WriteProxyHeader(config::ProxyProtocol version, const net::Address* source,
                        const net::Address* destination, char* out) {
  if (version == config::ProxyProtocol::kNone) return 0;
  const bool known =
      source != nullptr && destination != nullptr && source->is_ip() && destination->is_ip();
  char* end = nullptr;
  if (known) {
    const Side from(*source);
    const Side to(*destination);
    end = version == config::ProxyProtocol::kV1 ? PutV1(out, &from, &to) : PutV2(out, &from, &to);
  } else {
    end = version == config::ProxyProtocol::kV1 ? PutV1(out, nullptr, nullptr)
                                                : PutV2(out, nullptr, nullptr);
  }
  return static_cast<size_t>(end - out);
}

}  // namespace weir::upstream
