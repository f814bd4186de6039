#pragma once

#include <array>
#include <string>
#include <vector>

#include "filters/listener/proxy_protocol/header.h"
#include "plugins/sdk/weir.hpp"

namespace weir::proxy_protocol {

// What the filter's keys say; Envoy's names.
struct Config {
  // Where the value of a TLV goes.
  struct Rule {
    std::uint8_t type;
    std::string space;
    std::string key;
  };
  // What became of the headers of one version.
  struct VersionCounters {
    sdk::Counter found, disallowed, error;
  };

  bool Load(const sdk::ConfigLoad& load);

  bool allow_none = false;  // allow_requests_without_proxy_protocol
  bool disallowed[3] = {};  // by version
  std::vector<Rule> rules;
  sdk::Counter not_found_allowed;
  sdk::Counter not_found_disallowed;
  VersionCounters versions[3];  // by version; the first is not used

 private:
  bool LoadRules(const sdk::ConfigNode& rules);
  bool LoadRule(const sdk::ConfigNode& rule);
  bool LoadDisallowed(const sdk::ConfigNode& versions);
  void MakeCounters(const sdk::Host& host, const std::string& prefix);
};

// Takes the header of the PROXY protocol from the front of a connection, which then comes from whom
// the header names.
class ProxyProtocol : public sdk::ListenerFilter<ProxyProtocol, Config> {
 public:
  static constexpr std::uint32_t kMaxReadBytes = kMaxHeader;

  sdk::Verdict OnData(std::string_view first, bool end, std::size_t* taken);

 private:
  sdk::Verdict NoHeader() const;
  sdk::Verdict Accept(const Header& header) const;
};

extern const weir_listener_filter_api kProxyProtocolApi;

}  // namespace weir::proxy_protocol
