#include "core/net/address.h"

#include <charconv>
#include <cstring>
#include <mutex>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace weir::net {
namespace {

constexpr size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// A set's strings never move, so their addresses stand for them, readable without the lock.
const std::string* InternPath(std::string_view path) {
  static std::mutex mutex;
  static auto* paths = new std::set<std::string>;
  const std::lock_guard<std::mutex> lock(mutex);
  return &*paths->emplace(path).first;
}

bool ParseNumber(std::string_view text, uint32_t max, uint32_t* out) {
  if (text.empty() || text.size() > 10) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size() && *out <= max;
}

std::optional<Address> ParseBracketed(std::string_view ip, uint16_t port) {
  uint32_t scope = 0;
  if (const size_t percent = ip.find('%'); percent != std::string_view::npos) {
    if (!ParseNumber(ip.substr(percent + 1), UINT32_MAX, &scope)) return std::nullopt;
    ip = ip.substr(0, percent);
  }
  uint8_t bytes[16];
  const std::string text(ip);
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::nullopt;
  return Address::Ipv6(bytes, port, scope);
}

size_t PrintNumber(char* out, uint32_t number) {
  return static_cast<size_t>(std::to_chars(out, out + 10, number).ptr - out);
}

size_t PrintIpv4(char* out, const uint8_t* bytes) {
  char* at = out;
  for (int i = 0; i < 4; ++i) {
    if (i != 0) *at++ = '.';
    at += PrintNumber(at, bytes[i]);
  }
  return static_cast<size_t>(at - out);
}

}  // namespace

Address Address::Ipv4(const uint8_t bytes[4], uint16_t port) {
  Address address;
  address.family_ = AF_INET;
  address.port_ = port;
  std::memcpy(address.bytes_.data(), bytes, 4);
  return address;
}

Address Address::Ipv6(const uint8_t bytes[16], uint16_t port, uint32_t scope_id) {
  Address address;
  address.family_ = AF_INET6;
  address.port_ = port;
  address.scope_or_mode_ = scope_id;
  std::memcpy(address.bytes_.data(), bytes, 16);
  return address;
}

std::optional<Address> Address::Unix(std::string_view path, uint32_t mode) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  Address address = UnnamedUnix();
  address.scope_or_mode_ = mode;
  const std::string* interned = InternPath(path);
  std::memcpy(address.bytes_.data(), &interned, sizeof(interned));
  return address;
}

Address Address::UnnamedUnix() {
  Address address;
  address.family_ = AF_UNIX;
  return address;
}

Address Address::From(const sockaddr* address, socklen_t size) {
  if (address->sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    return Ipv4(reinterpret_cast<const uint8_t*>(&in.sin_addr), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in;
    std::memcpy(&in, address, sizeof(in));
    return Ipv6(in.sin6_addr.s6_addr, ntohs(in.sin6_port), in.sin6_scope_id);
  }
  return address->sa_family == AF_UNIX ? UnnamedUnix() : Address();
}

std::optional<Address> Address::Parse(std::string_view text) {
  if (text.starts_with("unix:")) return Unix(text.substr(5));
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  uint32_t port = 0;
  if (!ParseNumber(text.substr(colon + 1), 65535, &port)) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return ParseBracketed(host.substr(1, host.size() - 2), static_cast<uint16_t>(port));
  }
  uint8_t bytes[4] = {};
  const std::string ip(host);
  if (!ip.empty() && inet_pton(AF_INET, ip.c_str(), bytes) != 1) return std::nullopt;
  return Ipv4(bytes, static_cast<uint16_t>(port));
}

std::string_view Address::path() const {
  const std::string* interned = nullptr;
  if (is_unix()) std::memcpy(&interned, bytes_.data(), sizeof(interned));
  return interned == nullptr ? std::string_view() : std::string_view(*interned);
}

bool Address::is_any() const {
  return is_ip() && bytes_ == std::array<uint8_t, 16>{};
}

socklen_t Address::ToSockaddr(sockaddr_storage* out) const {
  std::memset(out, 0, sizeof(*out));
  if (family_ == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(out);
    in->sin_family = AF_INET;
    in->sin_port = htons(port_);
    std::memcpy(&in->sin_addr, bytes_.data(), 4);
    return sizeof(*in);
  }
  if (family_ == AF_INET6) {
    auto* in = reinterpret_cast<sockaddr_in6*>(out);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port_);
    in->sin6_scope_id = scope_or_mode_;
    std::memcpy(&in->sin6_addr, bytes_.data(), 16);
    return sizeof(*in);
  }
  if (family_ != AF_UNIX) return 0;
  auto* un = reinterpret_cast<sockaddr_un*>(out);
  un->sun_family = AF_UNIX;
  const std::string_view name = path();
  std::memcpy(un->sun_path, name.data(), name.size());
  const size_t head = offsetof(sockaddr_un, sun_path);
  if (name.empty()) return static_cast<socklen_t>(head);
  if (name[0] != '@') return static_cast<socklen_t>(head + name.size() + 1);
  un->sun_path[0] = '\0';
  return static_cast<socklen_t>(head + name.size());
}

size_t Address::PrintIp(char* out) const {
  if (family_ == AF_INET) return PrintIpv4(out, bytes_.data());
  if (family_ != AF_INET6) return 0;
  if (std::memcmp(bytes_.data(), kMappedPrefix, sizeof(kMappedPrefix)) == 0) {
    return PrintIpv4(out, bytes_.data() + sizeof(kMappedPrefix));
  }
  inet_ntop(AF_INET6, bytes_.data(), out, INET6_ADDRSTRLEN);
  size_t size = std::strlen(out);
  if (scope_or_mode_ != 0) {
    out[size++] = '%';
    size += PrintNumber(out + size, scope_or_mode_);
  }
  return size;
}

size_t Address::Print(char* out) const {
  if (is_unix()) {
    const std::string_view name = path();
    std::memcpy(out, "unix:", 5);
    if (!name.empty()) std::memcpy(out + 5, name.data(), name.size());
    return 5 + name.size();
  }
  if (!is_ip()) return 0;
  // Brackets go where the text has colons: not around a mapped IPv4 address.
  size_t size = PrintIp(out + 1);
  if (std::memchr(out + 1, ':', size) != nullptr) {
    out[0] = '[';
    out[size + 1] = ']';
    size += 2;
  } else {
    std::memmove(out, out + 1, size);
  }
  out[size++] = ':';
  return size + PrintNumber(out + size, port_);
}

std::string Address::ToString() const {
  char text[kMaxText];
  return std::string(text, Print(text));
}

}  // namespace weir::net
