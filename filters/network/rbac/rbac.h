#pragma once

#include <cstdint>

#include "filters/http/rbac/engine.h"
#include "plugins/sdk/host.h"
#include "plugins/sdk/network_filter.h"

namespace weir::filters::rbac {

struct NetworkConfig {
  RuleSet rules;
  bool continuous = false;         // judges each piece that comes, not only the first
  std::int64_t delay_deny_ms = 0;  // how long a refused connection waits for its end
  bool Load(const sdk::ConfigLoad& load);
};

// The network filter rbac: who may go on with a connection. Judges when the first bytes come, and
// closes what is refused before a later filter has seen a byte of it.
class NetworkRbac : public sdk::NetworkFilter<NetworkRbac, NetworkConfig> {
 public:
  sdk::Status OnData(bool end_stream);

 private:
  sdk::Status Deny();

  bool judged_ = false;
  bool denied_ = false;
  sdk::Timer delay_;
};

extern const weir_network_filter_api kNetworkRbacApi;

}  // namespace weir::filters::rbac
