#include "tests/unit/core/config/config_testing.h"

namespace weir::config::testing {
namespace {

using ::testing::HasSubstr;

// What was loaded from a text, and from the long form of it, must be the same: in every key, for
// the long form writes every key.
void ExpectRoundTrip(const std::string& text) {
  const auto first = MustLoad(text);
  const std::string expanded = Expand(*first);
  const LoadResult second = Load(expanded);
  ASSERT_TRUE(second.ok()) << second.diagnostics.Print() << expanded;
  EXPECT_EQ(Expand(*second.bootstrap), expanded);
}

TEST(Expand, RoundTripsTheShortForm) {
  ExpectRoundTrip(WithRoute("match: {prefix: /}, route: {cluster: app}"));
  ExpectRoundTrip(WithCluster("endpoints: ['both.example:8', {address: 'unix:/s', weight: 2}]"));
  ExpectRoundTrip(
      "listeners: [{address: '[::1]:80', filters: [echo]}, {address: {pipe: {path: /s, "
      "mode: 0600}}, filters: [p, echo]}]\nadmin: {address: 'unix:@a'}\n");
}

TEST(Expand, RoundTripsEveryKeyThatIsNotItsDefault) {
  ExpectRoundTrip(WithHttp(
      "stat_prefix: s, codecs: [a, b], codec_options: {a: {x: 1, y: [z]}, b: {}}, "
      "http2_protocol_options: {max_concurrent_streams: 5}, server_name: '', via: v, "
      "request_headers_timeout: 1ms, request_timeout: 0s, stream_idle_timeout: 1.001s, "
      "drain_timeout: 1h, delayed_close_timeout: 0s, max_request_headers_kb: 1, "
      "min_request_body_rate: 0, min_request_body_rate_window: 1s, "
      "common_http_protocol_options: {idle_timeout: 1s, max_connection_duration: 2s, "
      "max_stream_duration: 3s, max_headers_count: 4, max_requests_per_connection: 5, "
      "headers_with_underscores_action: DROP_HEADER}, "
      "http_protocol_options: {accept_http_10: false, default_host_for_http_10: d, "
      "enable_trailers: false}, "
      "normalize_path: false, merge_slashes: false, path_with_escaped_slashes_action: "
      "REJECT_REQUEST, "
      "strip_matching_host_port: true, strip_trailing_host_dot: true, "
      "server_header_transformation: PASS_THROUGH, use_remote_address: false, "
      "xff_num_trusted_hops: 1, skip_xff_append: true, generate_request_id: false, "
      "preserve_external_request_id: true, always_set_request_id_in_response: true, "
      "proxy_100_continue: false, upgrade_configs: [websocket, {upgrade_type: x, enabled: false}], "
      "access_log: [stdout, stderr, /a], "
      "http_filters: [{name: p, typed_config: {k: [1, {l: '$${m}'}, null, {}, []]}}, "
      "{name: q, disabled: true}, mux], "
      "local_reply_config: {body_format: \"%RESPONSE_CODE%\\n\", mappers: [{status_codes: [404, "
      "500-599], status_code: 503, body: \"x\\t\", body_format_override: {text_format: '%%', "
      "content_type: a/b}}]}, "
      "virtual_hosts: [{name: n, domains: [a, '*.b', '*'], max_request_bytes: 0, "
      "typed_per_filter_config: {p: {z: 1}, q: {disabled: true}}, routes: ["
      "{name: r, match: {path: /p, case_sensitive: false}, direct_response: {status: 599, body: "
      "\"b\\n\"}}, "
      "{match: {path_separated_prefix: /q}, redirect: {https_redirect: true, host_redirect: h, "
      "port_redirect: 1, prefix_rewrite: /z, response_code: SEE_OTHER, strip_query: true}}, "
      "{match: {prefix: /x}, redirect: {scheme_redirect: http, path_redirect: '/y?z'}}, "
      "{match: {connect_matcher: {}}, route: {cluster: app, upgrade_configs: [{upgrade_type: "
      "CONNECT}]}}, "
      "{match: {safe_regex: '/[a-z]+$'}, max_request_bytes: 3GiB, route: {cluster: app, "
      "host_rewrite_literal: h, timeout: 0s, idle_timeout: 0s, max_stream_duration: "
      "{max_stream_duration: 7s, "
      "grpc_timeout_header_max: 8s, grpc_timeout_header_offset: 9ms}}}]}]"));
  ExpectRoundTrip(WithCluster(
      "endpoints: ['127.0.0.1:1'], lb_policy: LEAST_REQUEST, least_request_lb_config: "
      "{choice_count: 9}, "
      "connect_timeout: 1ms, max_connect_attempts: 10, protocol: p, codec_options: {p: {k: v}}, "
      "max_concurrent_streams: 9, circuit_breakers: "
      "{max_connections: 1, "
      "max_pending_requests: 0, max_requests: 2}, per_connection_buffer_limit_bytes: 20000, "
      "idle_timeout: "
      "0s, max_requests_per_connection: 3, max_response_headers_kb: 4, max_headers_count: 5"));
  ExpectRoundTrip(
      "limits: {max_connections: 0, max_memory: 1GiB, max_body_bytes_per_worker: 1MiB, "
      "slow_hook: 0s}\n"
      "listeners: [{name: n, address: {socket_address: {address: '::', port_value: 0, "
      "ipv4_compat: true}}, per_connection_buffer_limit_bytes: 20000, tcp_backlog_size: 1, "
      "connection_limit: 2, enable_reuse_port: false, filter_chains: [{name: c, filters: "
      "[echo]}]}]");
}

TEST(Expand, WritesEveryDefaultOut) {
  const std::string text =
      Expand(*MustLoad(WithRoute("match: {prefix: /}, route: {cluster: app}")));
  for (const char* line :
       {"max_connections: 50000\n", "connection_limit: 10000\n", "request_headers_timeout: 10s\n",
        "normalize_path: true\n", "timeout: 15s\n", "connect_timeout: 5s\n", "- name: mux\n",
        "path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT\n",
        "max_pending_requests: 1024\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(Expand, KeepsAFiltersOwnNameByItsType) {
  const std::string text = Expand(
      *MustLoad(WithHttp("routes: [], http_filters: [{name: mine, typed_config: {'@type': "
                         "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]")));
  EXPECT_THAT(text, HasSubstr("- name: mine\n"));
  const LoadResult again = Load(text);
  ASSERT_TRUE(again.ok()) << again.diagnostics.Print();
  EXPECT_EQ(FirstHttp(*again.bootstrap).http_filters.at(0).type, "mux");
}

TEST(Expand, KeepsTextsThatLookLikeVariables) {
  const std::string text =
      Expand(*MustLoad(WithRoute("match: {path: '/$${A}'}, route: {cluster: app}")));
  EXPECT_THAT(text, HasSubstr("path: \"/$${A}\""));
}

}  // namespace
}  // namespace weir::config::testing
