#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "core/admin/host.h"
#include "core/config/loader.h"

namespace weir::admin {

// A process as the tests want it.
class FakeHost : public Host {
 public:
  observe::ServerState State() override { return state; }
  const observe::StatRegistry& Stats() override { return registry; }
  std::vector<net::ConnectionReport> Connections(size_t most, bool busy) override {
    asked_for = most;
    asked_for_busy = busy;
    return connections;
  }
  bool Drain() override {
    ++drains;
    return takes_orders;
  }
  std::optional<ReloadFacts> Reload() override { return reload; }
  ReloadFacts LastReload() override { return reload.value_or(ReloadFacts()); }
  ProcessFacts Process() override { return facts; }
  std::shared_ptr<const config::Bootstrap> Config() override { return bootstrap; }
  std::vector<CertificateSource> Certificates() override { return certificates; }
  std::map<std::string, config::Address, std::less<>> Bound() override { return bound; }
  std::vector<EndpointFacts> Endpoints() override { return endpoints; }
  std::string Plugins(bool json) override { return json ? plugins_json : plugins_text; }

  void Load(std::string_view yaml) {
    config::LoadOptions options;
    const config::LoadResult loaded = config::LoadString(yaml, "test.yaml", options);
    ASSERT_TRUE(loaded.ok()) << loaded.diagnostics.Print();
    bootstrap = loaded.bootstrap;
  }
  void Set(const char* name, uint64_t value, observe::StatKind kind = observe::StatKind::kCounter) {
    registry.main_block()->Get(registry.Define(name, kind))->Set(value);
  }
  void Record(const char* name, uint64_t value) {
    registry.main_block()->Record(registry.Define(name, observe::StatKind::kHistogram), value);
  }

  observe::ServerState state = observe::ServerState::kLive;
  observe::StatRegistry registry;
  ProcessFacts facts;
  std::vector<net::ConnectionReport> connections;
  std::map<std::string, config::Address, std::less<>> bound;
  size_t asked_for = 0;
  bool asked_for_busy = false;
  int drains = 0;
  std::optional<ReloadFacts> reload;
  bool takes_orders = true;
  std::shared_ptr<const config::Bootstrap> bootstrap;
  std::vector<EndpointFacts> endpoints;
  std::vector<CertificateSource> certificates;
  std::string plugins_text = "NAME\n";
  std::string plugins_json = "[]\n";
};

}  // namespace weir::admin
