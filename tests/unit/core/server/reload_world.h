#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/base/log.h"
#include "core/config/loader.h"
#include "core/net/event_loop.h"
#include "core/server/generation.h"
#include "core/server/plugin_host.h"
#include "core/server/release_queue.h"

namespace weir::server::test {

// A terminal filter that lets every connection go.
class NobodyFactory final : public net::TerminalFactory {
 public:
  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext*) const override {
    struct Filter final : net::TerminalFilter {
      void Serve(net::AcceptedConnection&&) override {}
    };
    return std::make_unique<Filter>();
  }
};

inline std::unique_ptr<net::TerminalFactory> MakeNobody(const ServerContext&,
                                                        const config::Listener&,
                                                        const config::NetworkFilter&) {
  return std::make_unique<NobodyFactory>();
}

// What generations are made of, without the filters of the program.
struct ReloadWorld {
  explicit ReloadWorld(std::vector<std::string> plugin_directories = {})
      : loader({std::move(plugin_directories), host.table(), {}}) {
    base::SetLogLevel(base::LogLevel::kOff);
    wiring.terminals = {{"http_connection_manager", &MakeNobody}, {"tcp_proxy", &MakeNobody}};
    common.workers = 2;
    common.plugins = &loader;
    common.plugin_host = host.table();
    common.stats = &stats;
    common.releases = &releases;
  }

  config::LoadResult Load(const std::string& text) const {
    return config::LoadString(text, "weir.yaml");
  }
  GenerationMaker* maker() {
    if (maker_ == nullptr) maker_ = std::make_unique<GenerationMaker>(common, wiring);
    return maker_.get();
  }
  // Null: the mistakes are in `mistakes`.
  std::unique_ptr<Generation> Make(const std::string& text, const Generation* previous = nullptr) {
    config::LoadResult loaded = Load(text);
    std::unique_ptr<Generation> made;
    if (loaded.ok()) made = maker()->Make(&loaded, previous);
    mistakes = loaded.diagnostics.Print();
    return made;
  }
  uint64_t Stat(const std::string& name) const { return stats.SumByName(name); }

  observe::StatRegistry stats;
  PluginHost host{{&stats, 2, false}};
  plugins::PluginLoader loader;
  ReleaseQueue releases;
  Wiring wiring;
  ServerContext common;
  std::string mistakes;

 private:
  std::unique_ptr<GenerationMaker> maker_;
};

// Turns the loop until it is so; false after a long time.
inline bool TurnUntil(net::EventLoop* loop, const std::function<bool()>& so) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!so()) {
    if (std::chrono::steady_clock::now() > until) return false;
    loop->Turn(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace weir::server::test
