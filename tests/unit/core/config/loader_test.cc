#include <cstdio>
#include <fstream>

#include "core/config/names.h"
#include "tests/unit/core/config/config_testing.h"

// What each key becomes.

namespace weir::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Loader, ReadsEveryMatch) {
  const auto load = [](const std::string& match) {
    const auto bootstrap =
        MustLoad(WithRoute("match: {" + match + "}, direct_response: {status: 200}"));
    return FirstRoute(*bootstrap).match;
  };
  EXPECT_EQ(load("path: /a").kind, RouteMatch::Kind::kPath);
  EXPECT_EQ(load("prefix: ''").kind, RouteMatch::Kind::kPrefix);
  EXPECT_EQ(load("path_separated_prefix: /a").kind, RouteMatch::Kind::kPathSeparatedPrefix);
  EXPECT_EQ(load("safe_regex: '/a[0-9]+'").kind, RouteMatch::Kind::kSafeRegex);
  EXPECT_EQ(load("safe_regex: {google_re2: {}, regex: '/a'}").value, "/a");
  EXPECT_EQ(load("prefix: /a, case_sensitive: false").case_sensitive, false);
  EXPECT_EQ(load("connect_matcher: {}").kind, RouteMatch::Kind::kConnect);
}

TEST(Loader, ReadsRouteActions) {
  const auto bootstrap = MustLoad(WithRoute(
      "match: {prefix: /}, max_request_bytes: 1MiB, route: {cluster: app, prefix_rewrite: /x, "
      "host_rewrite_literal: h, timeout: 0s, idle_timeout: 1500ms, max_stream_duration: 1h, "
      "upgrade_configs: [websocket, {upgrade_type: CONNECT}]}"));
  const auto& action = std::get<RouteAction>(FirstRoute(*bootstrap).action);
  EXPECT_EQ(action.cluster, "app");
  EXPECT_EQ(action.prefix_rewrite, "/x");
  EXPECT_EQ(action.host_rewrite_literal, "h");
  EXPECT_EQ(action.timeout, Milliseconds(0));
  EXPECT_EQ(action.idle_timeout, Milliseconds(1500));
  EXPECT_EQ(action.max_stream_duration, Milliseconds(3'600'000));
  ASSERT_THAT(action.upgrade_configs, SizeIs(2));
  EXPECT_EQ(action.upgrade_configs[0].upgrade_type, "websocket");
  EXPECT_EQ(action.upgrade_configs[1].upgrade_type, "connect");
  EXPECT_EQ(FirstRoute(*bootstrap).max_request_bytes, 1u << 20);
}

TEST(Loader, ReadsTheDeadlinesOfGrpcRequests) {
  const auto load = [](const std::string& keys) {
    const auto bootstrap =
        MustLoad(WithRoute("match: {prefix: /}, route: {cluster: app, " + keys + "}"));
    return std::get<RouteAction>(FirstRoute(*bootstrap).action);
  };
  const RouteAction none = load("max_stream_duration: 1s");
  EXPECT_EQ(none.max_stream_duration, Milliseconds(1000));
  EXPECT_FALSE(none.grpc_timeout_header_max.has_value());
  EXPECT_FALSE(none.grpc_timeout_header_offset.has_value());
  const RouteAction all = load(
      "max_stream_duration: {max_stream_duration: 3s, grpc_timeout_header_max: 0s, "
      "grpc_timeout_header_offset: 0.25s}");
  EXPECT_EQ(all.max_stream_duration, Milliseconds(3000));
  EXPECT_EQ(all.grpc_timeout_header_max, Milliseconds(0));
  EXPECT_EQ(all.grpc_timeout_header_offset, Milliseconds(250));
}

TEST(Loader, ReadsRedirects) {
  const auto load = [](const std::string& keys) {
    const auto bootstrap = MustLoad(WithRoute("match: {prefix: /}, redirect: {" + keys + "}"));
    return std::get<RedirectAction>(FirstRoute(*bootstrap).action);
  };
  EXPECT_TRUE(load("https_redirect: true").https_redirect);
  EXPECT_EQ(load("https_redirect: true").response_code, 301u);
  EXPECT_EQ(load("scheme_redirect: https").scheme_redirect, "https");
  EXPECT_EQ(load("response_code: PERMANENT_REDIRECT").response_code, 308u);
  EXPECT_EQ(load("response_code: 307").response_code, 307u);
  const RedirectAction all =
      load("host_redirect: h, port_redirect: 81, path_redirect: /p, strip_query: true");
  EXPECT_EQ(all.host_redirect, "h");
  EXPECT_EQ(all.port_redirect, 81u);
  EXPECT_EQ(all.path_redirect, "/p");
  EXPECT_TRUE(all.strip_query);
  EXPECT_EQ(load("prefix_rewrite: /q").prefix_rewrite, "/q");
}

TEST(Loader, ReadsDirectResponses) {
  const auto load = [](const std::string& keys) {
    const auto bootstrap =
        MustLoad(WithRoute("match: {prefix: /}, direct_response: {" + keys + "}"));
    return std::get<DirectResponseAction>(FirstRoute(*bootstrap).action);
  };
  EXPECT_EQ(load("status: 404").status, 404u);
  EXPECT_EQ(load("status: 200, body: \"a\\nb\"").body, "a\nb");
  EXPECT_EQ(load("status: 200, body: {inline_string: x}").body, "x");
  const DirectResponseAction file =
      load("status: 200, body: {filename: '" WEIR_SOURCE_DIR "/configs/minimal.yaml'}");
  EXPECT_NE(file.body.find("listeners:"), std::string::npos);
}

TEST(Loader, ReadsVirtualHosts) {
  const auto bootstrap = MustLoad(WithHttp(
      "virtual_hosts: [{domains: [A.Example, '*.b.example'], max_request_bytes: 10, routes: []}, "
      "{name: rest, domains: '*', routes: [{match: {prefix: /}, route: {cluster: app}}]}]"));
  const auto& hosts = FirstHttp(*bootstrap).route_config->virtual_hosts;
  ASSERT_THAT(hosts, SizeIs(2));
  EXPECT_EQ(hosts[0].name, "a.example");
  EXPECT_THAT(hosts[0].domains, ElementsAre("a.example", "*.b.example"));
  EXPECT_EQ(hosts[0].max_request_bytes, 10u);
  EXPECT_EQ(hosts[1].name, "rest");
}

TEST(Loader, ResolvesClusterNamesToIndices) {
  const auto bootstrap = MustLoad(
      "clusters: [{name: a, endpoints: ['127.0.0.1:1']}, {name: b, endpoints: ['127.0.0.1:2']}]\n"
      "listeners:\n"
      "  - {address: ':80', http: {routes: [{match: {prefix: /}, route: {cluster: b}}]}}\n"
      "  - {address: ':81', tcp: {cluster: b}}\n");
  EXPECT_EQ(std::get<RouteAction>(FirstRoute(*bootstrap).action).cluster_index, 1u);
  EXPECT_EQ(bootstrap->listeners[1].filter_chains[0].filters[0].tcp_proxy->cluster_index, 1u);
}

TEST(Loader, ReadsConnectionManagers) {
  const auto bootstrap = MustLoad(WithHttp(
      "routes: [], stat_prefix: in, codecs: [toy, h1], request_timeout: 1m, server_name: '', "
      "via: w, xff_num_trusted_hops: 2, path_with_escaped_slashes_action: KEEP_UNCHANGED, "
      "common_http_protocol_options: {idle_timeout: 2s, max_requests_per_connection: 9}, "
      "http_protocol_options: {accept_http_10: false, default_host_for_http_10: d}, "
      "upgrade_configs: [WebSocket], access_log: [stdout, /dev/stderr, /var/log/a.log]"));
  const HttpConnectionManager& http = FirstHttp(*bootstrap);
  EXPECT_EQ(http.stat_prefix, "in");
  EXPECT_THAT(http.codecs, ElementsAre("toy", "h1"));
  EXPECT_EQ(http.request_timeout, Milliseconds(60'000));
  EXPECT_EQ(http.server_name, "");
  EXPECT_EQ(http.via, "w");
  EXPECT_EQ(http.xff_num_trusted_hops, 2u);
  EXPECT_EQ(http.path_with_escaped_slashes_action, EscapedSlashes::kKeepUnchanged);
  EXPECT_EQ(http.idle_timeout, Milliseconds(2'000));
  EXPECT_EQ(http.max_requests_per_connection, 9u);
  EXPECT_FALSE(http.accept_http_10);
  EXPECT_EQ(http.default_host_for_http_10, "d");
  EXPECT_EQ(http.upgrade_configs.at(0).upgrade_type, "websocket");
  ASSERT_THAT(http.access_log, SizeIs(3));
  EXPECT_EQ(http.access_log[0].sink, AccessLog::Sink::kStdout);
  EXPECT_EQ(http.access_log[1].sink, AccessLog::Sink::kStderr);
  EXPECT_EQ(http.access_log[2].path, "/var/log/a.log");
}

TEST(Loader, ReadsHttpFiltersAndLeavesTheirKeysToThem) {
  const auto bootstrap = MustLoad(
      WithHttp("http_filters: [health_check, {name: my.plugin, disabled: true, typed_config: {a: "
               "[1]}}, router], "
               "routes: [{match: {prefix: /}, route: {cluster: app}, typed_per_filter_config: "
               "{my.plugin: {a: [2]}, health_check: {disabled: true}}}]"));
  const HttpConnectionManager& http = FirstHttp(*bootstrap);
  ASSERT_THAT(http.http_filters, SizeIs(3));
  EXPECT_EQ(http.http_filters[0].type, "health_check");
  EXPECT_EQ(http.http_filters[0].typed_config, nullptr);
  EXPECT_EQ(http.http_filters[1].type, "my.plugin");
  EXPECT_TRUE(http.http_filters[1].disabled);
  ASSERT_NE(http.http_filters[1].typed_config, nullptr);
  EXPECT_EQ(http.http_filters[1].typed_config->UnreadKeys().at(0).path, "a");
  EXPECT_EQ(http.http_filters[2].name, "mux");
  const auto& per_filter = FirstRoute(*bootstrap).typed_per_filter_config;
  ASSERT_THAT(per_filter, SizeIs(2));
  EXPECT_EQ(per_filter[0].filter, "my.plugin");
  EXPECT_EQ(per_filter[0].typed_config->Find("a")->At(0)->AsInt(), 2);
  EXPECT_TRUE(per_filter[1].disabled);
  EXPECT_EQ(per_filter[1].typed_config, nullptr);
}

TEST(Loader, ReadsNetworkFilters) {
  const auto bootstrap = MustLoad(
      "listeners:\n"
      "  - {address: ':80', filters: [echo]}\n"
      "  - {address: ':81', filters: [my_plugin, {name: direct_response, typed_config: {response: "
      "{inline_string: hi}}}]}\n");
  EXPECT_EQ(bootstrap->listeners[0].filter_chains[0].filters[0].type, "echo");
  const auto& filters = bootstrap->listeners[1].filter_chains[0].filters;
  ASSERT_THAT(filters, SizeIs(2));
  EXPECT_EQ(filters[0].type, "my_plugin");
  EXPECT_EQ(filters[1].typed_config->Find("response")->Find("inline_string")->text(), "hi");
  EXPECT_EQ(filters[1].http, nullptr);
}

TEST(Loader, ReadsLocalReplies) {
  const auto bootstrap = MustLoad(WithHttp(
      "routes: [], local_reply_config: {body_format: {text_format: '%RESPONSE_CODE%: 5%% "
      "%LOCAL_REPLY_BODY%', content_type: text/html}, mappers: [{status_codes: [503, 400-499], "
      "status_code: 500, body: b, body_format_override: '%RESPONSE_CODE_DETAILS%'}, {filter: "
      "{status_code_filter: {comparison: {op: NE, value: {default_value: 500, runtime_key: "
      "k}}}}}]}"));
  const LocalReplyConfig& reply = FirstHttp(*bootstrap).local_reply_config;
  EXPECT_EQ(reply.body_format.content_type, "text/html");
  ASSERT_THAT(reply.body_format.pieces, SizeIs(3));
  EXPECT_EQ(reply.body_format.pieces[0].kind, FormatPiece::Kind::kResponseCode);
  EXPECT_EQ(reply.body_format.pieces[1].literal, ": 5% ");
  EXPECT_EQ(reply.body_format.pieces[2].kind, FormatPiece::Kind::kLocalReplyBody);
  ASSERT_THAT(reply.mappers, SizeIs(2));
  EXPECT_EQ(reply.mappers[0].status[1].min, 400u);
  EXPECT_EQ(reply.mappers[0].status[1].max, 499u);
  EXPECT_EQ(reply.mappers[0].status_code, 500u);
  EXPECT_EQ(reply.mappers[0].body, "b");
  EXPECT_EQ(reply.mappers[0].body_format->pieces[0].kind, FormatPiece::Kind::kResponseCodeDetails);
  ASSERT_THAT(reply.mappers[1].status, SizeIs(2));
  EXPECT_EQ(reply.mappers[1].status[0].max, 499u);
  EXPECT_EQ(reply.mappers[1].status[1].min, 501u);
}

TEST(Loader, ReadsClusters) {
  const auto bootstrap = MustLoad(WithCluster(
      "endpoints: [{address: '[::1]:9', weight: 3}, 'unix:/s'], lb_policy: LEAST_REQUEST, "
      "least_request_lb_config: {choice_count: 5}, connect_timeout: 100ms, idle_timeout: 0s, "
      "protocol: toy, circuit_breakers: {max_connections: 7, max_pending_requests: 0}"));
  const Cluster& cluster = bootstrap->clusters.at(0);
  EXPECT_EQ(cluster.endpoints[0].address.ToString(), "[::1]:9");
  EXPECT_EQ(cluster.endpoints[0].hostname, "::1");
  EXPECT_EQ(cluster.endpoints[0].weight, 3u);
  EXPECT_EQ(cluster.endpoints[1].address.ToString(), "unix:/s");
  EXPECT_EQ(cluster.lb_policy, LbPolicy::kLeastRequest);
  EXPECT_EQ(cluster.choice_count, 5u);
  EXPECT_EQ(cluster.connect_timeout, Milliseconds(100));
  EXPECT_EQ(cluster.idle_timeout, Milliseconds(0));
  EXPECT_EQ(cluster.protocol, "toy");
  EXPECT_EQ(cluster.circuit_breakers.max_connections, 7u);
  EXPECT_EQ(cluster.circuit_breakers.max_pending_requests, 0u);
}

TEST(Loader, ResolvesHostNamesWithIpv4First) {
  const auto bootstrap = MustLoad(WithCluster("endpoints: ['both.example:8', 'six.example:9']"));
  const auto& endpoints = bootstrap->clusters.at(0).endpoints;
  EXPECT_EQ(endpoints[0].address.ToString(), "192.0.2.7:8");
  EXPECT_EQ(endpoints[0].hostname, "both.example");
  ASSERT_THAT(endpoints[0].additional_addresses, SizeIs(1));
  EXPECT_EQ(endpoints[0].additional_addresses[0].ToString(), "[2001:db8::7]:8");
  EXPECT_EQ(endpoints[1].address.ToString(), "[2001:db8::7]:9");
  EXPECT_THAT(endpoints[1].additional_addresses, SizeIs(0));
}

TEST(Loader, AsksForEachHostNameOnce) {
  int asked = 0;
  LoadOptions options = TestOptions();
  options.resolve = [&](const std::string&, std::uint16_t port, std::string*) {
    ++asked;
    return std::vector<Address>{*ParseIp("192.0.2.1", port)};
  };
  const LoadResult result = LoadString(
      WithCluster("endpoints: ['a.example:1', 'a.example:2', 'b.example:1']"), "t", options);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(result.bootstrap->clusters[0].endpoints[1].address.ToString(), "192.0.2.1:2");
}

TEST(Loader, ResolvesThroughTheSystemByDefault) {
  const LoadResult result = LoadString(WithCluster("endpoints: ['localhost:9']"), "t");
  ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
  EXPECT_EQ(result.bootstrap->clusters[0].endpoints[0].address.port, 9);
}

TEST(Loader, ReadsListenersAndLimits) {
  const auto bootstrap = MustLoad(
      "listeners: [{name: l, address: {socket_address: {address: '::', port_value: 80, "
      "ipv4_compat: "
      "true}}, filters: [echo], connection_limit: 0, tcp_backlog_size: 7, enable_reuse_port: "
      "false}, "
      "{address: {pipe: {path: /s, mode: 0660}}, filters: [echo]}]\n"
      "admin: {address: '127.0.0.1:1'}\n"
      "limits: {max_connections: 5, max_memory: 1GiB, max_body_bytes_per_worker: 8MiB, "
      "slow_hook: 20ms}\n"
      "node: {id: x, cluster: y}\n");
  const Listener& listener = bootstrap->listeners.at(0);
  EXPECT_EQ(listener.address.ToString(), "[::]:80");
  EXPECT_TRUE(listener.ipv4_compat);
  EXPECT_EQ(listener.connection_limit, 0u);
  EXPECT_EQ(listener.tcp_backlog_size, 7u);
  EXPECT_FALSE(listener.enable_reuse_port);
  EXPECT_EQ(bootstrap->listeners[1].address.mode, 0660u);
  EXPECT_EQ(bootstrap->listeners[1].name, "unix:/s");
  EXPECT_EQ(bootstrap->admin->address.port, 1);
  EXPECT_EQ(bootstrap->limits.max_connections, 5u);
  EXPECT_EQ(bootstrap->limits.max_memory_bytes, 1u << 30);
  EXPECT_EQ(bootstrap->limits.max_body_bytes_per_worker, 8u << 20);
  EXPECT_EQ(bootstrap->limits.slow_hook, std::chrono::milliseconds(20));
}

TEST(Loader, ExpandsTheEnvironmentInAnyScalar) {
  const LoadResult result = Load(
      "listeners:\n"
      "  - address: ${HOST:-127.0.0.1}:${PORT}\n"
      "    tcp:\n"
      "      cluster: app\n"
      "      idle_timeout: ${IDLE:-5m}\n"
      "clusters: [{name: app, endpoints: ['127.0.0.1:1'], connect_timeout: '${NONE:-1s}'}]\n",
      {{"PORT", "8443"}});
  ASSERT_TRUE(result.ok()) << result.diagnostics.Print();
  EXPECT_EQ(result.bootstrap->listeners[0].address.ToString(), "127.0.0.1:8443");
  EXPECT_EQ(result.bootstrap->listeners[0].filter_chains[0].filters[0].tcp_proxy->idle_timeout,
            Milliseconds(300'000));
  EXPECT_EQ(result.bootstrap->clusters[0].connect_timeout, Milliseconds(1'000));
}

TEST(Loader, LoadsTenThousandVirtualHosts) {
  std::string text =
      "clusters: [{name: app, endpoints: ['127.0.0.1:9']}]\n"
      "listeners:\n  - address: ':80'\n    http:\n      virtual_hosts:\n";
  for (int i = 0; i < 10'000; ++i) {
    text += "        - {domains: ['h" + std::to_string(i) +
            ".example'], routes: [{match: {prefix: /}, route: {cluster: app}}]}\n";
  }
  const auto bootstrap = MustLoad(text);
  EXPECT_THAT(FirstHttp(*bootstrap).route_config->virtual_hosts, SizeIs(10'000));
}

TEST(LoadFile, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(LoadFile("/nonexistent/weir.yaml").diagnostics.Print(),
            "/nonexistent/weir.yaml: the file cannot be read: No such file or directory\n");
  EXPECT_EQ(LoadFile("/tmp").diagnostics.Print(),
            "/tmp: the file cannot be read: it is a directory\n");
}

TEST(LoadFile, AStreamWithoutEndIsRefusedAsTooLarge) {
  EXPECT_THAT(LoadFile("/dev/zero").diagnostics.Print(), HasSubstr("the file is larger than"));
}

TEST(LoadFile, ALongFileIsReadToItsEnd) {
  const std::string path = ::testing::TempDir() + "weir-long.yaml";
  std::ofstream(path) << "# " << std::string(300'000, 'x') << "\nnosuchkey: 1\n";
  EXPECT_THAT(LoadFile(path).diagnostics.Print(), HasSubstr("weir-long.yaml:2:1:"));
  std::remove(path.c_str());
}

TEST(LoaderCodecs, CodecTypeStandsForCodecs) {
  const auto codecs = [](const std::string& type) {
    const auto bootstrap = MustLoad(WithHttp("routes: [], codec_type: " + type));
    return FirstHttp(*bootstrap).codecs;
  };
  EXPECT_EQ(codecs("AUTO"), DefaultCodecs());
  EXPECT_THAT(codecs("HTTP1"), ElementsAre("h1"));
  EXPECT_THAT(codecs("HTTP2"), ElementsAre("h2"));
}

TEST(LoaderCodecs, AutoAtAClusterIsHttp2WhereItIsAgreedOnAndElseHttp1) {
  EXPECT_THAT(CodecsOfProtocol("auto"), ElementsAre("h2", "h1"));
  EXPECT_THAT(CodecsOfProtocol("downstream"), ElementsAre("h2", "h1"));
  EXPECT_THAT(CodecsOfProtocol("toy"), ElementsAre("toy"));
}

}  // namespace
}  // namespace weir::config::testing
