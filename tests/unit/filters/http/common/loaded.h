#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/kit/fake_config.h"
#include "plugins/sdk/config_node.h"

namespace weir::filters {

// A T made from YAML by its `bool Load(node)`, with what was found wrong.
template <typename T>
class Loaded {
 public:
  explicit Loaded(std::string_view yaml) : config_(kit::FakeConfig::Http(Api(), yaml)) {}

  bool ok() const { return config_.ok(); }
  const std::string& errors() const { return config_.errors(); }
  const T& operator*() const { return *static_cast<const T*>(config_.get()); }
  const T* operator->() const { return static_cast<const T*>(config_.get()); }

 private:
  static const weir_http_filter_api& Api() {
    static const weir_http_filter_api api = [] {
      weir_http_filter_api table{};
      table.struct_size = sizeof table;
      table.config_new = [](const weir_host* host, const weir_http_api*, const weir_node* node,
                            std::uint32_t) -> void* {
        auto made = std::make_unique<T>();
        return made->Load(sdk::ConfigNode(host, node)) ? made.release() : nullptr;
      };
      table.config_free = [](void* made) { delete static_cast<T*>(made); };
      return table;
    }();
    return api;
  }

  kit::FakeConfig config_;
};

}  // namespace weir::filters
