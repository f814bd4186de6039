#pragma once

#include <string>

#include "plugins/sdk/http_filter.h"
#include "plugins/util/cidr_trie.h"

namespace weir::filters {

// The prefixes of both lists in one trie: the longest one that holds an address decides. Immutable
// after loading.
struct IpAllowConfig {
  bool Load(const sdk::ConfigLoad& load);
  // Of an address as "ip:port"; what is no IP address is not allowed.
  bool Allows(std::string_view address) const;

  util::CidrTrie trie;  // 1: allow, 0: deny
  bool otherwise = true;
  sdk::Counter allowed;
  sdk::Counter denied;

 private:
  bool LoadList(const sdk::ConfigNode& list, std::string_view key, bool allow);
};

// The HTTP filter ip_allow: answers 403 to clients whose address is not allowed.
class IpAllow : public sdk::HttpFilter<IpAllow, IpAllowConfig> {
 public:
  sdk::Status OnRequestHeaders(bool end_stream);
};

extern const weir_http_filter_api kIpAllowApi;

}  // namespace weir::filters
