#pragma once

#include <memory>
#include <vector>

#include "core/config/abi_node.h"
#include "core/server/plugin_barrier.h"

namespace weir::server {

// Frees what a plugin made of its configuration.
struct PluginConfigDeleter {
  void (*free)(void* config) = nullptr;
  const char* plugin = "";  // of its descriptor, which stays
  void operator()(void* config) const {
    if (free != nullptr) PluginBarrier(plugin, "config_free", [&] { free(config); });
  }
};

// What plugins made of their configuration. Freed with its owner, which goes before the plugins.
using PluginConfigs = std::vector<std::unique_ptr<void, PluginConfigDeleter>>;

// Calls config_new. Null when the plugin refuses, or when an exception left it, which is reported
// at the scope's place.
template <class Call>
void* NewPluginConfig(config::AbiConfigScope* scope, const char* plugin, Call config_new) {
  try {
    return config_new();
  } catch (...) {
    const std::string text = base::ThrownText();
    CountThrown(plugin, "config_new", text);
    scope->Error(nullptr,
                 std::string("plugin ") + plugin + ": an exception left config_new: " + text);
    return nullptr;
  }
}

}  // namespace weir::server
