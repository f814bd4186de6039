#pragma once

#include <memory>
#include <new>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/host.h"

namespace weir::sdk {

// What a configuration is read from: `bool Config::Load(const ConfigLoad& load)`, on the main
// thread. False refuses it; what was wrong has been reported at the nodes then.
struct ConfigLoad {
  Host host;
  ConfigNode node;         // absent when the file gives none
  bool per_route = false;  // an entry of typed_per_filter_config
};

// For filters that have no configuration: a node is a mistake.
struct NoConfig {
  bool Load(const ConfigLoad& load) {
    return !load.node || load.node.IsNull() || load.node.Fail("takes no configuration");
  }
};

// What stands behind the ABI's config pointer. The host calls back with it alone.
template <typename Api>
struct ConfigBase {
  virtual ~ConfigBase() = default;
  Host host;
  const Api* api = nullptr;
};

template <typename Api, typename Config>
struct ConfigHolder final : ConfigBase<Api> {
  Config config;
};

// Makes and loads one; null when it is refused, reported in any case.
template <typename Api, typename Config>
void* LoadConfig(const weir_host* host, const Api* api, const weir_node* node, bool per_route,
                 std::string_view name) {
  return Barrier(host, name, "the configuration", static_cast<void*>(nullptr), [&]() -> void* {
    auto holder = std::make_unique<ConfigHolder<Api, Config>>();
    holder->host = Host(host, name);
    holder->api = api;
    ConfigLoad load{holder->host, ConfigNode(host, node), per_route};
    if (!holder->config.Load(load)) return nullptr;
    return static_cast<ConfigBase<Api>*>(holder.release());
  });
}

template <typename Api>
void FreeConfig(void* config) {
  delete static_cast<ConfigBase<Api>*>(config);
}

}  // namespace weir::sdk
