#pragma once

#include <cstdint>
#include <vector>

#include "core/config/address.h"

// What a configuration says of looking up names; plain values, as all of config.h.

namespace weir::config {

// STRICT_DNS: each address of an endpoint's name is a host. LOGICAL_DNS: the one endpoint is one
// host, and new connections go to the address that its name has now.
enum class ClusterType { kStatic, kStrictDns, kLogicalDns };

// kAuto and kV4Preferred: IPv4 addresses; where a name has none, its IPv6 addresses.
enum class DnsFamily { kAuto, kV4Only, kV6Only, kV4Preferred, kAll };

// Whom to ask, and how.
struct DnsResolver {
  std::vector<Address> servers;  // empty: those of the system (/etc/resolv.conf)
  bool use_tcp = false;
  bool no_search_domain = false;      // names are complete as they are
  std::uint32_t query_timeout_s = 5;  // the first wait for an answer. Range 1 … 60
  std::uint32_t query_tries = 4;      // Range 1 … 10

  friend bool operator==(const DnsResolver&, const DnsResolver&) = default;
};

}  // namespace weir::config
