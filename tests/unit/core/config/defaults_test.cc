#include "tests/unit/core/config/config_testing.h"

// The defaults are the ones of a proxy at the edge of a network; each that differs from Envoy's is
// named here.

namespace weir::config::testing {
namespace {

constexpr const char* kMinimal =
    "listeners: [{address: ':80', http: {routes: [{match: {prefix: /}, route: {cluster: app}}]}}]\n"
    "clusters: [{name: app, endpoints: ['127.0.0.1:90']}]\n";

TEST(Defaults, OfAConnectionManagerAreTheEdgeOnes) {
  const auto bootstrap = MustLoad(kMinimal);
  const HttpConnectionManager& http = FirstHttp(*bootstrap);
  EXPECT_EQ(http.stat_prefix, "0.0.0.0:80");
  EXPECT_THAT(http.codecs, ::testing::ElementsAre("h2", "h1"));
  EXPECT_EQ(http.request_headers_timeout, Milliseconds(10'000));
  EXPECT_EQ(http.request_timeout, Milliseconds(300'000));
  EXPECT_EQ(http.stream_idle_timeout, Milliseconds(300'000));
  EXPECT_EQ(http.idle_timeout, Milliseconds(3'600'000));
  EXPECT_EQ(http.max_connection_duration, Milliseconds(0));
  EXPECT_EQ(http.max_stream_duration, Milliseconds(0));
  EXPECT_EQ(http.max_request_headers_kb, 60u);
  EXPECT_EQ(http.max_headers_count, 100u);
  EXPECT_EQ(http.max_concurrent_streams, 100u);
  EXPECT_EQ(http.min_request_body_rate, 240u);
  EXPECT_EQ(http.min_request_body_rate_window, Milliseconds(20'000));
  EXPECT_EQ(http.headers_with_underscores_action, HeadersWithUnderscores::kRejectRequest);
  EXPECT_EQ(http.path_with_escaped_slashes_action, EscapedSlashes::kUnescapeAndRedirect);
  EXPECT_TRUE(http.normalize_path);
  EXPECT_TRUE(http.merge_slashes);
  EXPECT_TRUE(http.use_remote_address);
  EXPECT_TRUE(http.accept_http_10);
  EXPECT_TRUE(http.enable_trailers);
  EXPECT_EQ(http.server_name, "weir");
  EXPECT_TRUE(http.generate_request_id);
  EXPECT_FALSE(http.preserve_external_request_id);
  EXPECT_TRUE(http.upgrade_configs.empty());
  EXPECT_TRUE(http.access_log.empty());
  EXPECT_EQ(http.local_reply_config.body_format.text_format, "%LOCAL_REPLY_BODY%");
}

TEST(Defaults, OfFiltersAreTheMuxAlone) {
  const auto bootstrap = MustLoad(kMinimal);
  ASSERT_EQ(FirstHttp(*bootstrap).http_filters.size(), 1u);
  EXPECT_EQ(FirstHttp(*bootstrap).http_filters[0].type, "mux");
  const auto& filters = bootstrap->listeners.at(0).filter_chains.at(0).filters;
  ASSERT_EQ(filters.size(), 1u);
  EXPECT_EQ(filters[0].type, "http_connection_manager");
  EXPECT_EQ(filters[0].tcp_proxy, nullptr);
}

TEST(Defaults, OfListenersClustersAndRoutes) {
  const auto bootstrap = MustLoad(kMinimal);
  const Listener& listener = bootstrap->listeners.at(0);
  EXPECT_EQ(listener.name, "0.0.0.0:80");
  EXPECT_EQ(listener.connection_limit, 10'000u);
  EXPECT_EQ(listener.per_connection_buffer_limit_bytes, 262'144u);
  EXPECT_TRUE(listener.enable_reuse_port);
  EXPECT_EQ(listener.tcp_backlog_size, 0u);
  const Cluster& cluster = bootstrap->clusters.at(0);
  EXPECT_EQ(cluster.connect_timeout, Milliseconds(5'000));
  EXPECT_EQ(cluster.idle_timeout, Milliseconds(60'000));
  EXPECT_EQ(cluster.max_connect_attempts, 3u);
  EXPECT_EQ(cluster.circuit_breakers.max_connections, 1024u);
  EXPECT_EQ(cluster.circuit_breakers.max_pending_requests, 1024u);
  EXPECT_EQ(cluster.circuit_breakers.max_requests, 1024u);
  EXPECT_EQ(cluster.lb_policy, LbPolicy::kRoundRobin);
  EXPECT_EQ(cluster.protocol, "h1");
  EXPECT_EQ(cluster.max_concurrent_streams, 100u);
  EXPECT_EQ(cluster.endpoints.at(0).weight, 1u);
  const Route& route = FirstRoute(*bootstrap);
  EXPECT_EQ(std::get<RouteAction>(route.action).timeout, Milliseconds(15'000));
  EXPECT_EQ(std::get<RouteAction>(route.action).idle_timeout, std::nullopt);
  EXPECT_TRUE(route.match.case_sensitive);
  EXPECT_EQ(route.max_request_bytes, std::nullopt);
  EXPECT_EQ(bootstrap->admin, std::nullopt);
  EXPECT_EQ(bootstrap->limits.max_connections, 50'000u);
}

}  // namespace
}  // namespace weir::config::testing
