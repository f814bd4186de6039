#include "core/observe/dashboard/dashboard.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "core/config/loader.h"

namespace weir::observe {
namespace {

using nlohmann::json;

constexpr char kConfig[] = R"(
listeners:
  - name: web
    address: 127.0.0.1:8080
    http:
      stat_prefix: in
      route_config:
        virtual_hosts:
          - name: shop
            domains: [shop.test, "*.shop.test"]
            routes:
              - { match: { prefix: /api }, route: { cluster: app } }
              - { match: { path: /old }, redirect: { https_redirect: true, host_redirect: new.test } }
              - { match: { prefix: / }, direct_response: { status: 404 } }
  - name: raw
    address: 127.0.0.1:8081
    tcp: { stat_prefix: raw, cluster: app }
clusters:
  - { name: app, endpoints: [127.0.0.1:9000, 127.0.0.1:9001] }
)";

class DashboardTest : public testing::Test {
 protected:
  void Load(const std::string& text) {
    config::LoadResult loaded = config::LoadString(text, "test");
    ASSERT_TRUE(loaded.ok()) << loaded.diagnostics.Print();
    dashboard_.SetConfig(loaded.bootstrap, {{"web", "127.0.0.1:41234"}});
  }
  void Add(const char* name, uint64_t n) {
    block_->Get(registry_.Define(name, StatKind::kCounter))->Add(n);
  }
  void Record(const char* name, uint64_t value) {
    block_->Record(registry_.Define(name, StatKind::kHistogram), value);
  }
  void Tick() {
    now_ += Dashboard::kSampleMs;
    dashboard_.Tick(now_, static_cast<int64_t>(now_) + 1'700'000'000'000);
  }
  json Json(uint64_t since = 0, std::vector<EndpointState> endpoints = {}) {
    return json::parse(dashboard_.Json({"9.9.9", "LIVE", std::move(endpoints)}, since));
  }
  // A column of the samples.
  static std::vector<double> Column(const json& made, const std::string& field) {
    const auto& fields = made["samples"]["fields"];
    size_t at = 0;
    while (at < fields.size() && fields[at] != field) ++at;
    std::vector<double> column;
    for (const auto& row : made["samples"]["rows"])
      column.push_back(row.at(at).is_null() ? -1 : row.at(at).get<double>());
    return column;
  }

  StatRegistry registry_;
  StatBlock* block_ = registry_.NewBlock();
  Dashboard dashboard_{&registry_};
  uint64_t now_ = 10'000;
};

TEST_F(DashboardTest, BeforeItHasAConfigurationItIsEmpty) {
  Tick();
  const json made = Json();
  EXPECT_EQ(made["state"], "LIVE");
  EXPECT_EQ(made["version"], "9.9.9");
  EXPECT_TRUE(made["listeners"].empty());
  EXPECT_TRUE(made["samples"]["rows"].empty());
}

TEST_F(DashboardTest, ShowsListenersRoutesClustersAndEndpointsAsConfigured) {
  Load(kConfig);
  const json made = Json();
  ASSERT_EQ(made["listeners"].size(), 2u);
  const json& web = made["listeners"][0];
  EXPECT_EQ(web["name"], "web");
  EXPECT_EQ(web["address"], "127.0.0.1:41234") << "where it is bound, not what was asked for";
  const json& host = web["chains"][0]["hosts"][0];
  EXPECT_EQ(host["domains"], json({"shop.test", "*.shop.test"}));
  EXPECT_EQ(host["routes"][0], json({{"name", ""},
                                     {"match", "prefix"},
                                     {"value", "/api"},
                                     {"action", "cluster"},
                                     {"to", "app"}}));
  EXPECT_EQ(host["routes"][1]["to"], "301 https://new.test");
  EXPECT_EQ(host["routes"][2]["action"], "direct_response");
  EXPECT_EQ(host["routes"][2]["to"], "404");
  EXPECT_EQ(made["listeners"][1]["address"], "127.0.0.1:8081");
  EXPECT_EQ(made["listeners"][1]["chains"][0]["cluster"], "app");
  ASSERT_EQ(made["clusters"][0]["endpoints"].size(), 2u);
  EXPECT_EQ(made["clusters"][0]["endpoints"][1]["address"], "127.0.0.1:9001");
  EXPECT_EQ(made["clusters"][0]["endpoints"][1]["state"], "unknown") << "nobody said";
  EXPECT_EQ(made["left_off"],
            json({{"listeners", 0}, {"clusters", 0}, {"routes", 0}, {"endpoints", 0}}));
}

TEST_F(DashboardTest, EndpointsAreThoseThatTheWorkersKnow) {
  Load(kConfig);
  EndpointState gone;
  gone.cluster = "app";
  gone.address = "10.0.0.9:80";
  gone.healthy = false;
  gone.connections = 3;
  EndpointState other;
  other.cluster = "another";
  const json endpoints = Json(0, {gone, other})["clusters"][0]["endpoints"];
  ASSERT_EQ(endpoints.size(), 1u);
  EXPECT_EQ(endpoints[0]["address"], "10.0.0.9:80");
  EXPECT_EQ(endpoints[0]["state"], "unhealthy");
  EXPECT_EQ(endpoints[0]["connections"], 3);
}

TEST_F(DashboardTest, RatesAndPercentilesAreOfTheTimeSinceTheLastSample) {
  Load(kConfig);
  Add("http.in.downstream_rq_total", 5000);
  Record("http.in.downstream_rq_time", 60'000);
  Tick();
  EXPECT_TRUE(Json()["samples"]["rows"].empty()) << "the first reading has nothing before it";
  Add("http.in.downstream_rq_total", 40);
  Add("http.in.downstream_rq_5xx", 4);
  Add("cluster.app.upstream_rq_total", 20);
  for (int i = 0; i < 40; ++i) Record("http.in.downstream_rq_time", 8);
  Tick();
  const json made = Json();
  EXPECT_EQ(Column(made, "requests"), std::vector<double>{20});
  EXPECT_EQ(Column(made, "errors_5xx"), std::vector<double>{2});
  EXPECT_GT(Column(made, "p99")[0], 5);
  EXPECT_LE(Column(made, "p99")[0], 10);
  const json& chain = made["listeners"][0]["chains"][0];
  EXPECT_EQ(chain["requests"], 20);
  EXPECT_EQ(chain["requests_total"], 5040);
  EXPECT_EQ(made["clusters"][0]["requests"], 10);
  EXPECT_TRUE(made["clusters"][0]["p50"].is_null()) << "none was timed";
  Tick();
  EXPECT_EQ(Column(Json(), "p99").back(), -1) << "no request, no percentile";
}

TEST_F(DashboardTest, ATickThatComesTooEarlyTakesNoSample) {
  Load(kConfig);
  Tick();
  Tick();
  dashboard_.Tick(now_ + Dashboard::kSampleMs - 1, 1);
  EXPECT_EQ(Json()["samples"]["rows"].size(), 1u);
  dashboard_.Tick(now_ + Dashboard::kSampleMs, 1);
  EXPECT_EQ(Json()["samples"]["rows"].size(), 2u);
}

TEST_F(DashboardTest, KeepsSoManySamplesAndGivesOnlyNewOnes) {
  Load(kConfig);
  for (size_t i = 0; i < Dashboard::kSamples + 10; ++i) Tick();
  const std::vector<double> all = Column(Json(), "number");
  ASSERT_EQ(all.size(), Dashboard::kSamples);
  EXPECT_EQ(all.back() - all.front(), Dashboard::kSamples - 1);
  const auto newest = static_cast<uint64_t>(all.back());
  EXPECT_EQ(Json(newest - 2)["samples"]["rows"].size(), 2u);
  EXPECT_TRUE(Json(newest)["samples"]["rows"].empty());
}

TEST_F(DashboardTest, ANewConfigurationKeepsTheSamplesAndShowsNoJump) {
  Load(kConfig);
  Tick();
  Tick();
  Add("http.other.downstream_rq_total", 1'000'000);
  Load(
      "listeners: [{ name: b, address: 127.0.0.1:1, http: { stat_prefix: other, routes: "
      "[{ match: { prefix: / }, direct_response: { status: 200 } }] } }]\nclusters: []");
  Tick();
  Tick();
  const json made = Json();
  EXPECT_EQ(Column(made, "requests"), (std::vector<double>{0, 0}));
  EXPECT_EQ(made["listeners"][0]["name"], "b");
  EXPECT_EQ(made["generation"], 2);
}

TEST_F(DashboardTest, PluginsAreThoseWhoseHooksAreTimed) {
  Load(kConfig);
  Record("plugin.cors.hook_us", 0);
  Add("plugin.cors.slow_hooks", 1);
  Add("plugin.hook_us", 1);
  Tick();
  for (int i = 0; i < 10; ++i) Record("plugin.cors.hook_us", 200);
  Tick();
  const json plugins = Json()["plugins"];
  ASSERT_EQ(plugins.size(), 1u);
  EXPECT_EQ(plugins[0]["name"], "cors");
  EXPECT_EQ(plugins[0]["hooks"], 5);
  EXPECT_EQ(plugins[0]["busy_us"], 1000);
  EXPECT_EQ(plugins[0]["slow_total"], 1);
}

TEST_F(DashboardTest, WhatIsBeyondTheBoundsIsCounted) {
  std::string text = "listeners:\n  - address: 127.0.0.1:1\n    http:\n      routes:\n";
  for (size_t i = 0; i < Dashboard::kMaxRoutes + 7; ++i)
    text += "        - { match: { prefix: /" + std::to_string(i) + " }, route: { cluster: c0 } }\n";
  text += "clusters:\n";
  for (size_t i = 0; i < Dashboard::kMaxClusters + 3; ++i)
    text += "  - { name: c" + std::to_string(i) + ", endpoints: [127.0.0.1:1] }\n";
  Load(text);
  Tick();
  const json made = Json();
  EXPECT_EQ(made["clusters"].size(), Dashboard::kMaxClusters);
  EXPECT_EQ(made["left_off"]["clusters"], 3);
  EXPECT_EQ(made["left_off"]["routes"], 7);
}

TEST_F(DashboardTest, NamesThatAreNoUtf8MakeNoBrokenAnswer) {
  Load(kConfig);
  EndpointState endpoint;
  endpoint.cluster = "app";
  endpoint.hostname = "a\xff<script>\"\n";
  const std::string text = dashboard_.Json({"1", "LIVE", {endpoint}}, 0);
  EXPECT_EQ(json::parse(text)["clusters"][0]["endpoints"][0]["hostname"],
            "a\xef\xbf\xbd<script>\"\n");
}

}  // namespace
}  // namespace weir::observe
