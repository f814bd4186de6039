#include <filesystem>

#include "tests/unit/core/config/config_testing.h"

// Every file under configs/ loads, and so does its long form.

namespace weir::config::testing {
namespace {

std::string ConfigPath(const std::string& name) {
  return std::string(WEIR_SOURCE_DIR) + "/configs/" + name;
}

TEST(ShippedConfigs, AllLoadAndRoundTrip) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ConfigPath(""))) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    SCOPED_TRACE(entry.path().filename().string());
    const LoadResult result = LoadFile(entry.path().string(), TestOptions());
    ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
    const std::string expanded = Expand(*result.bootstrap);
    const LoadResult again = Load(expanded);
    ASSERT_TRUE(again.ok()) << again.diagnostics.Print();
    EXPECT_EQ(Expand(*again.bootstrap), expanded);
  }
  EXPECT_GE(files, 6);
}

TEST(ShippedConfigs, QuickstartNeedsNothingElse) {
  const LoadResult result = LoadFile(ConfigPath("quickstart.yaml"), TestOptions());
  ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
  const Bootstrap& bootstrap = *result.bootstrap;
  ASSERT_EQ(bootstrap.listeners.size(), 2u);
  EXPECT_EQ(bootstrap.listeners[0].address.ToString(), "127.0.0.1:8080");
  EXPECT_EQ(bootstrap.admin->address.ToString(), "127.0.0.1:9901");
  for (const Cluster& cluster : bootstrap.clusters) {
    for (const Endpoint& endpoint : cluster.endpoints) {
      EXPECT_EQ(endpoint.address, bootstrap.listeners[1].address);
    }
  }
}

TEST(ShippedConfigs, EnvoysFileIsReadWhole) {
  const LoadResult result = LoadFile(ConfigPath("envoy-static.yaml"), TestOptions());
  ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
  const Bootstrap& bootstrap = *result.bootstrap;
  EXPECT_EQ(bootstrap.listeners.at(0).per_connection_buffer_limit_bytes, 32768u);
  const RouteConfiguration& routes = *FirstHttp(bootstrap).route_config;
  ASSERT_EQ(routes.virtual_hosts.size(), 2u);
  const auto& action = std::get<RouteAction>(routes.virtual_hosts[0].routes.at(0).action);
  EXPECT_EQ(action.timeout, Milliseconds(1500));
  EXPECT_EQ(action.cluster_index, 1u);
  EXPECT_EQ(bootstrap.clusters.at(0).connect_timeout, Milliseconds(250));
  EXPECT_EQ(bootstrap.clusters.at(0).endpoints.at(1).weight, 3u);
  EXPECT_EQ(bootstrap.clusters.at(1).circuit_breakers.max_requests, 2048u);
  EXPECT_EQ(bootstrap.clusters.at(1).idle_timeout, Milliseconds(30'000));
}

}  // namespace
}  // namespace weir::config::testing
