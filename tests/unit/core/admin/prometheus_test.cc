#include "core/admin/prometheus.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::admin {
namespace {

using observe::StatKind;
using observe::StatRegistry;
using testing::HasSubstr;

std::string Whole(const MetricName& metric) {
  return metric.family + "{" + metric.labels + "}";
}

TEST(PrometheusTest, NamesAndLabelsAreThoseOfEnvoysTags) {
  const struct {
    const char* name;
    const char* metric;
  } kCases[] = {
      {"cluster.app.upstream_rq_total",
       "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"app\"}"},
      {"cluster.app.upstream_rq_5xx",
       "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\",envoy_cluster_name=\"app\"}"},
      {"cluster.app.upstream_rq_503",
       "envoy_cluster_upstream_rq{envoy_response_code=\"503\",envoy_cluster_name=\"app\"}"},
      {"http.in.downstream_rq_2xx",
       "envoy_http_downstream_rq_xx{envoy_response_code_class=\"2\","
       "envoy_http_conn_manager_prefix=\"in\"}"},
      {"listener.main.ssl.handshake",
       "envoy_listener_ssl_handshake{envoy_listener_address=\"main\"}"},
      {"tcp.db.downstream_cx_total", "envoy_tcp_downstream_cx_total{envoy_tcp_prefix=\"db\"}"},
      {"server.live", "envoy_server_live{}"},
      {"limit.http_local_rate_limit.enabled",
       "envoy_http_local_rate_limit_enabled{envoy_local_http_ratelimit_prefix=\"limit\"}"},
      {"plugin.h2.errors", "envoy_plugin_errors{weir_plugin=\"h2\"}"},
      {"access_log.written", "envoy_access_log_written{}"},
      {"lonely", "envoy_lonely{}"},
      {"cluster.app", "envoy_cluster_app{}"},
      {"a.b-c", "envoy_a_b_c{}"},
  };
  for (const auto& test : kCases) EXPECT_EQ(Whole(NameMetric(test.name, {})), test.metric);
}

TEST(PrometheusTest, DotsInANameBelongToItWhereItsScopeIsKnown) {
  const std::vector<std::string> scopes = {"cluster.a.", "cluster.a.b.c.", "http.x.y.",
                                           "listener.0.0.0.0_8080."};
  EXPECT_EQ(Whole(NameMetric("cluster.a.b.c.upstream_cx_total", scopes)),
            "envoy_cluster_upstream_cx_total{envoy_cluster_name=\"a.b.c\"}");
  EXPECT_EQ(Whole(NameMetric("cluster.a.ssl.handshake", scopes)),
            "envoy_cluster_ssl_handshake{envoy_cluster_name=\"a\"}");
  EXPECT_EQ(Whole(NameMetric("listener.0.0.0.0_8080.downstream_cx_total", scopes)),
            "envoy_listener_downstream_cx_total{envoy_listener_address=\"0.0.0.0_8080\"}");
  EXPECT_EQ(Whole(NameMetric("http.x.y.rq_total", scopes)),
            "envoy_http_rq_total{envoy_http_conn_manager_prefix=\"x.y\"}");
}

TEST(PrometheusTest, QuotesInALabelAreEscaped) {
  EXPECT_EQ(NameMetric("cluster.a\"b\\.upstream_rq_total", {}).labels,
            R"(envoy_cluster_name="a\"b\\")");
}

TEST(PrometheusTest, EachFamilyStandsThereOnceWithItsType) {
  StatRegistry registry;
  const auto set = [&registry](const char* name, StatKind kind, uint64_t value) {
    registry.main_block()->Get(registry.Define(name, kind))->Set(value);
  };
  set("cluster.b.upstream_rq_2xx", StatKind::kCounter, 2);
  set("cluster.a.upstream_rq_5xx", StatKind::kCounter, 1);
  set("cluster.a.upstream_rq_active", StatKind::kGauge, 4);
  EXPECT_EQ(PrometheusText(registry, [](const std::string&, uint64_t value) { return value > 0; }),
            "# HELP envoy_cluster_upstream_rq_active cluster.*.upstream_rq_active\n"
            "# TYPE envoy_cluster_upstream_rq_active gauge\n"
            "envoy_cluster_upstream_rq_active{envoy_cluster_name=\"a\"} 4\n"
            "# HELP envoy_cluster_upstream_rq_xx cluster.*.upstream_rq_*xx\n"
            "# TYPE envoy_cluster_upstream_rq_xx counter\n"
            "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"2\","
            "envoy_cluster_name=\"b\"} 2\n"
            "envoy_cluster_upstream_rq_xx{envoy_response_code_class=\"5\","
            "envoy_cluster_name=\"a\"} 1\n");
}

TEST(PrometheusTest, HistogramsAreCumulativeAndEndAtInfinity) {
  StatRegistry registry;
  const auto id = registry.Define("http.in.downstream_rq_time", StatKind::kHistogram);
  for (const uint64_t value : {1, 7, 7, 4'000'000}) registry.main_block()->Record(id, value);
  const std::string text = PrometheusText(registry);
  const std::string label = "envoy_http_conn_manager_prefix=\"in\"";
  EXPECT_THAT(text, HasSubstr("# TYPE envoy_http_downstream_rq_time histogram\n"));
  for (const char* sample :
       {"0.5\"} 0\n", "1\"} 1\n", "10\"} 3\n", "3600000\"} 3\n", "+Inf\"} 4\n"})
    EXPECT_THAT(text,
                HasSubstr("envoy_http_downstream_rq_time_bucket{" + label + ",le=\"" + sample));
  EXPECT_THAT(text, HasSubstr("envoy_http_downstream_rq_time_sum{" + label + "} 4000015\n"));
  EXPECT_THAT(text, HasSubstr("envoy_http_downstream_rq_time_count{" + label + "} 4\n"));
}

TEST(PrometheusTest, StatsThatLookAlikeWithoutTheirMarksAreOneSeries) {
  StatRegistry registry;
  registry.main_block()->Get(registry.Define("a.b-c", StatKind::kCounter))->Set(1);
  registry.main_block()->Get(registry.Define("a.b_c", StatKind::kCounter))->Set(2);
  registry.main_block()->Get(registry.Define("a-b_c", StatKind::kGauge))->Set(5);
  const std::string text = PrometheusText(registry);
  EXPECT_THAT(text, HasSubstr("\nenvoy_a_b_c{} "));
  EXPECT_EQ(text.find("envoy_a_b_c{}"), text.rfind("envoy_a_b_c{}"));
}

}  // namespace
}  // namespace weir::admin
