#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/http/codec_set.h"
#include "core/http/filter_chain.h"
#include "core/http/path.h"
#include "core/http/route/route_table.h"
#include "core/http/terminal.h"
#include "core/net/network_filter.h"
#include "core/observe/access_log.h"
#include "core/observe/date_cache.h"
#include "core/observe/stat_names.h"
#include "core/server/access_loggers.h"
#include "core/server/plugin_config.h"
#include "plugins/abi/weir.h"

namespace weir::hcm {

// What one http_connection_manager of the configuration needs, compiled: immutable, shared by the
// workers, alive until the last stream that started with it has ended.
struct HcmConfig {
  std::shared_ptr<const config::HttpConnectionManager> settings;
  std::unique_ptr<const http::RouteTable> routes;
  std::vector<http::FilterEntry> filters;  // without the terminal one
  // What plugins made of their configuration, for codecs, filters and routes: freed with this,
  // before the plugins go.
  server::PluginConfigs plugin_configs;
  http::CodecSet codecs;  // server position
  const weir_host* plugin_host = nullptr;
  uint32_t buffer_limit = 0;  // the listener's: of one connection, each way
  http::PathOptions path_options;
  std::string_view listener_name;  // in the configuration, which `settings` keeps alive
  std::string_view filter_chain_name;
  uint16_t listener_port = 0;
  bool secure = false;
  // The admin's: it is asked most when there is no memory left, and takes little.
  bool serves_when_overloaded = false;
  std::vector<observe::LogFile*> access_logs;
  server::AccessLoggers loggers;  // those of plugins
};

// Authorities that were found normal: the same few come again and again.
class AuthorityCache {
 public:
  bool Has(std::string_view authority) const {
    const Entry& entry = entries_[Slot(authority)];
    return entry.size == authority.size() &&
           std::memcmp(entry.text, authority.data(), authority.size()) == 0;
  }
  void Add(std::string_view authority) {
    if (authority.size() > sizeof(Entry::text)) return;
    Entry& entry = entries_[Slot(authority)];
    std::memcpy(entry.text, authority.data(), authority.size());
    entry.size = static_cast<uint8_t>(authority.size());
  }

 private:
  struct Entry {
    uint8_t size = 0;
    char text[63];
  };
  static constexpr size_t kEntries = 32;

  static size_t Slot(std::string_view a) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(a[i]); };
    return (a.size() + byte(0) * 7u + byte(a.size() / 2) * 5u + byte(a.size() - 1) * 3u) % kEntries;
  }

  Entry entries_[kEntries];
};

// What every connection of one connection manager on one worker shares.
struct HcmWorker {
  std::shared_ptr<const HcmConfig> config;
  net::WorkerContext* worker = nullptr;
  observe::HttpStats stats;
  std::unique_ptr<http::TerminalMaker> terminals;
  std::vector<observe::AccessLogBuffer*> access_logs;
  observe::DateCache* dates = nullptr;
  std::unique_ptr<AuthorityCache> authorities = std::make_unique<AuthorityCache>();

  const config::HttpConnectionManager& settings() const { return *config->settings; }
};

// Seconds and milliseconds of the wall clock, for dates.
int64_t UnixMs();

// What makes a worker's HcmWorker; given by whoever wires the server (pools, logs, counters).
class HcmWorkerMaker {
 public:
  virtual ~HcmWorkerMaker() = default;
  virtual std::unique_ptr<HcmWorker> Make(std::shared_ptr<const HcmConfig> config,
                                          net::WorkerContext* worker) = 0;
};

// The http_connection_manager as the terminal network filter of a chain.
class HcmFactory final : public net::TerminalFactory {
 public:
  HcmFactory(std::shared_ptr<const HcmConfig> config, std::shared_ptr<HcmWorkerMaker> maker)
      : config_(std::move(config)), maker_(std::move(maker)) {}

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override;

 private:
  std::shared_ptr<const HcmConfig> config_;
  std::shared_ptr<HcmWorkerMaker> maker_;
};

}  // namespace weir::hcm
