#include "plugins/kit/fake_config.h"

#include <memory>
#include <optional>
#include <utility>

#include "core/config/abi_node.h"
#include "core/config/diagnostics.h"
#include "core/config/node.h"
#include "core/config/yaml.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_logger.h"
#include "plugins/kit/fake_stream.h"

namespace weir::kit {

FakeConfig::~FakeConfig() {
  if (config_ != nullptr && free_ != nullptr) free_(config_);
}

FakeConfig::FakeConfig(FakeConfig&& other) noexcept
    : root_(std::move(other.root_)),
      config_(std::exchange(other.config_, nullptr)),
      free_(other.free_),
      ok_(other.ok_),
      errors_(std::move(other.errors_)) {}

template <typename Make>
void FakeConfig::Load(std::string_view yaml, Make make) {
  config::Diagnostics diagnostics("test.yaml", std::string(yaml));
  std::shared_ptr<const config::Node> root;
  const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
  if (!yaml.empty()) root = config::ParseYaml(yaml, no_environment, &diagnostics);
  root_ = root;
  config::AbiConfigScope scope(&diagnostics, root.get(), {1, 1}, "the filter");
  config_ = make(scope.node());
  ok_ = scope.Finish(config_ != nullptr);
  for (const config::Diagnostic& item : diagnostics.Sorted()) {
    errors_ += std::to_string(item.mark.line) + ":" + std::to_string(item.mark.column) + ": " +
               item.message;
    if (!item.expected.empty()) errors_ += "; expected " + item.expected;
    errors_ += "\n";
  }
}

FakeConfig FakeConfig::Http(const weir_http_filter_api& api, std::string_view yaml,
                            bool per_route) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeHttpApi(), node, per_route ? 1 : 0);
  });
  return config;
}

FakeConfig FakeConfig::Network(const weir_network_filter_api& api, std::string_view yaml) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeNetworkApi(), node);
  });
  return config;
}

FakeConfig FakeConfig::Listener(const weir_listener_filter_api& api, std::string_view yaml) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeListenerApi(), node);
  });
  return config;
}

FakeConfig FakeConfig::Logger(const weir_access_logger_api& api, std::string_view yaml) {
  FakeConfig config;
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) {
    return api.config_new(FakeHost(), FakeLoggerApi(), node);
  });
  return config;
}

FakeConfig FakeConfig::Codec(const weir_codec_api& api, std::string_view yaml) {
  FakeConfig config;
  if (api.config_new == nullptr) {
    config.ok_ = yaml.empty();
    if (!config.ok_) config.errors_ = "1:1: the codec takes no configuration\n";
    return config;
  }
  config.free_ = api.config_free;
  config.Load(yaml, [&](const weir_node* node) { return api.config_new(FakeHost(), node); });
  return config;
}

}  // namespace weir::kit
