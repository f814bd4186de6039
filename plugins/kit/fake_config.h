#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "plugins/abi/weir.h"

namespace weir::kit {

// A filter's configuration made from YAML, with what was found wrong in it.
class FakeConfig {
 public:
  FakeConfig() = default;
  ~FakeConfig();
  FakeConfig(FakeConfig&& other) noexcept;
  FakeConfig& operator=(FakeConfig&&) = delete;

  // An empty text stands for "no configuration given".
  static FakeConfig Http(const weir_http_filter_api& api, std::string_view yaml,
                         bool per_route = false);
  static FakeConfig Network(const weir_network_filter_api& api, std::string_view yaml);
  static FakeConfig Logger(const weir_access_logger_api& api, std::string_view yaml);
  static FakeConfig Listener(const weir_listener_filter_api& api, std::string_view yaml);
  static FakeConfig Codec(const weir_codec_api& api, std::string_view yaml);

  void* get() const { return config_; }
  bool ok() const { return ok_; }
  // "line:column: message; expected ..." of each mistake, a line each.
  const std::string& errors() const { return errors_; }

 private:
  template <typename Make>
  void Load(std::string_view yaml, Make make);

  std::shared_ptr<const void> root_;  // what the plugin's views look into
  void* config_ = nullptr;
  void (*free_)(void*) = nullptr;
  bool ok_ = false;
  std::string errors_;
};

}  // namespace weir::kit
