#pragma once

#include <cstdint>
#include <string_view>

#include "plugins/abi/weir.h"
#include "plugins/sdk/barrier.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/host.h"
#include "plugins/sdk/http_stream.h"

namespace weir::sdk {

// Where lines go. Opened at config time; the host owns it.
class Sink {
 public:
  Sink() = default;
  Sink(const weir_logger_api* api, weir_sink* sink) : api_(api), sink_(sink) {}
  explicit operator bool() const { return sink_ != nullptr; }
  // Whole lines. Never blocks; false when there was no room, which is counted.
  bool Write(std::string_view lines) const { return api_->write(sink_, View(lines)) == WEIR_OK; }

 private:
  const weir_logger_api* api_ = nullptr;
  weir_sink* sink_ = nullptr;
};

struct LoggerLoad : ConfigLoad {
  const weir_logger_api* api = nullptr;
  // Null after a report at the node.
  Sink OpenSink(std::string_view path) const { return {api, api->sink(node.handle(), View(path))}; }
};

// The base of an access logger: one object for each place in the configuration, shared by the
// workers, so Log is const. Derive and define:
//
//   bool Load(const LoggerLoad& load);             main thread
//   bool Log(const HttpStream& stream) const;      a stream is over; any worker
template <typename Logger>
class AccessLogger {
 public:
  const Host& host() const { return host_; }

 protected:
  AccessLogger() = default;
  ~AccessLogger() = default;

 private:
  template <typename L, const char*>
  friend constexpr weir_access_logger_api AccessLoggerApi();
  Host host_;
  const weir_logger_api* api_ = nullptr;
};

template <typename Logger, const char* kName>
constexpr weir_access_logger_api AccessLoggerApi() {
  weir_access_logger_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host* host, const weir_logger_api* logger,
                      const weir_node* node) -> void* {
    return Barrier(host, kName, "the configuration", static_cast<void*>(nullptr), [&]() -> void* {
      auto made = std::make_unique<Logger>();
      made->host_ = Host(host, kName);
      made->api_ = logger;
      LoggerLoad load{{made->host_, ConfigNode(host, node), false}, logger};
      return made->Load(load) ? made.release() : nullptr;
    });
  };
  api.config_free = [](void* config) { delete static_cast<Logger*>(config); };
  api.log = [](void* config, weir_stream* stream, std::uint32_t type) {
    if (type != WEIR_LOG_STREAM_END) return std::int32_t{WEIR_OK};
    const auto* const logger = static_cast<const Logger*>(config);
    return Barrier(logger->host_.abi(), logger->host_.name(), "log", std::int32_t{WEIR_ERROR},
                   [&]() -> std::int32_t {
                     return logger->Log(HttpStream(logger->api_->http, stream)) ? WEIR_OK
                                                                                : WEIR_ERROR;
                   });
  };
  return api;
}

}  // namespace weir::sdk
