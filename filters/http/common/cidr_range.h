#pragma once

#include "plugins/sdk/config_node.h"
#include "plugins/util/cidr_trie.h"

namespace weir::filters {

// Envoy's CidrRange, or its short form "10.0.0.0/8"; "10.1.2.3" alone is that one address.
struct CidrRange {
  util::IpAddress ip;  // bits beyond the prefix are cleared
  unsigned length = 0;

  // {address_prefix, prefix_len} or a string. The length must be there in the mapping: Envoy's
  // default of 0 would hold every address. A mistake is reported at its place.
  bool Load(const sdk::ConfigNode& node);
};

}  // namespace weir::filters
