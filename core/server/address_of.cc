#include "core/server/address_of.h"

namespace weir::server {

net::Address AddressOf(const config::Address& address) {
  switch (address.kind) {
    case config::Address::Kind::kIpv4:
      return net::Address::Ipv4(address.ip.data(), address.port);
    case config::Address::Kind::kIpv6:
      return net::Address::Ipv6(address.ip.data(), address.port);
    case config::Address::Kind::kUnix:
      // Length and bytes were checked at load.
      return net::Address::Unix(address.path, address.mode).value_or(net::Address());
  }
  return {};
}

}  // namespace weir::server
