#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include "core/config/context.h"

namespace weir::config {
namespace {

std::vector<Address> SystemResolve(const std::string& host, std::string* error) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) {
    *error = gai_strerror(code);
    return {};
  }
  std::vector<Address> addresses;
  for (const addrinfo* item = list; item != nullptr; item = item->ai_next) {
    Address address;
    if (item->ai_family == AF_INET) {
      sockaddr_in in{};
      std::memcpy(&in, item->ai_addr, sizeof(in));
      std::memcpy(address.ip.data(), &in.sin_addr, sizeof(in.sin_addr));
    } else if (item->ai_family == AF_INET6) {
      sockaddr_in6 in6{};
      std::memcpy(&in6, item->ai_addr, sizeof(in6));
      address.kind = Address::Kind::kIpv6;
      std::memcpy(address.ip.data(), &in6.sin6_addr, sizeof(in6.sin6_addr));
    } else {
      continue;
    }
    const bool seen = std::find(addresses.begin(), addresses.end(), address) != addresses.end();
    if (!seen) addresses.push_back(address);
  }
  freeaddrinfo(list);
  if (addresses.empty()) *error = "no IPv4 or IPv6 address";
  return addresses;
}

}  // namespace

std::vector<Address> Context::Resolve(const std::string& host, std::uint16_t port,
                                      std::string* error) {
  auto found = resolved_.find(host);
  if (found == resolved_.end()) {
    Answer answer;
    answer.addresses = options_.resolve ? options_.resolve(host, port, &answer.error)
                                        : SystemResolve(host, &answer.error);
    // "localhost" means ::1 and 127.0.0.1, and most backends listen on the latter only.
    std::stable_partition(answer.addresses.begin(), answer.addresses.end(),
                          [](const Address& a) { return a.kind == Address::Kind::kIpv4; });
    found = resolved_.emplace(host, std::move(answer)).first;
  }
  *error = found->second.error;
  std::vector<Address> addresses = found->second.addresses;
  for (Address& address : addresses) address.port = port;
  return addresses;
}

}  // namespace weir::config
