#include "tests/unit/core/config/config_testing.h"

// Envoy's own shape: names, @type, nesting.

namespace weir::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Chain(const std::string& name, const std::string& type, const std::string& keys) {
  return "static_resources:\n"
         "  listeners:\n"
         "  - name: l\n"
         "    address: {socket_address: {address: 127.0.0.1, port_value: 80}}\n"
         "    filter_chains:\n"
         "    - filters:\n"
         "      - name: " +
         name +
         "\n"
         "        typed_config: {'@type': " +
         type + ", " + keys +
         "}\n"
         "  clusters:\n"
         "  - name: app\n"
         "    load_assignment:\n"
         "      cluster_name: app\n"
         "      endpoints:\n"
         "      - lb_endpoints:\n"
         "        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}\n";
}

constexpr const char* kHttpType =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
    "HttpConnectionManager";
constexpr const char* kTcpType =
    "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
constexpr const char* kRouterType =
    "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";

TEST(EnvoyFiles, NamesLoseTheirPrefix) {
  const auto bootstrap =
      MustLoad(Chain("envoy.filters.network.tcp_proxy", kTcpType, "stat_prefix: t, cluster: app"));
  const NetworkFilter& filter = bootstrap->listeners.at(0).filter_chains.at(0).filters.at(0);
  EXPECT_EQ(filter.name, "tcp_proxy");
  EXPECT_EQ(filter.type, "tcp_proxy");
  EXPECT_EQ(filter.tcp_proxy->stat_prefix, "t");
}

TEST(EnvoyFiles, TheTypeDecidesWhereTheNameIsFree) {
  const auto bootstrap = MustLoad(Chain(
      "ingress", kHttpType,
      std::string(
          "stat_prefix: h, route_config: {virtual_hosts: []}, http_filters: [{name: my_router, "
          "typed_config: {'@type': ") +
          kRouterType + "}}]"));
  EXPECT_EQ(bootstrap->listeners.at(0).filter_chains.at(0).filters.at(0).type,
            "http_connection_manager");
  EXPECT_EQ(FirstHttp(*bootstrap).http_filters.at(0).name, "my_router");
  EXPECT_EQ(FirstHttp(*bootstrap).http_filters.at(0).type, "mux");
}

TEST(EnvoyFiles, TypeAndNameMustAgree) {
  EXPECT_THAT(
      Mistakes(Chain("envoy.filters.network.tcp_proxy", kHttpType, "stat_prefix: t, cluster: app")),
      ElementsAre(
          HasSubstr("8:33 @type \"type.googleapis.com/envoy.extensions.filters.network.ht")));
}

TEST(EnvoyFiles, AnUnknownTypeIsNamed) {
  EXPECT_THAT(Mistakes(Chain(
                  "envoy.filters.network.redis_proxy",
                  "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy",
                  "stat_prefix: r")),
              ElementsAre(HasSubstr("is of no filter that Weir has")));
}

TEST(EnvoyFiles, TheRoutersSwitchesAreNotIgnored) {
  const auto with = [](const std::string& keys) {
    return Mistakes(Chain("envoy.filters.network.http_connection_manager", kHttpType,
                          std::string("stat_prefix: h, route_config: {}, http_filters: [{name: "
                                      "envoy.filters.http.router, typed_config: {'@type': ") +
                              kRouterType + ", " + keys + "}}]"));
  };
  EXPECT_THAT(with("start_child_span: false"), IsEmpty());
  EXPECT_THAT(with("start_child_span: true"),
              ElementsAre(HasSubstr("feature that Weir does not have")));
}

TEST(EnvoyFiles, ProtocolOptionsOfAClusterAreRead) {
  const std::string options =
      "endpoints: ['127.0.0.1:1'], typed_extension_protocol_options: "
      "{envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
      "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, ";
  const auto bootstrap = MustLoad(WithCluster(
      options +
      "explicit_http_config: {http_protocol_options: {}}, common_http_protocol_options: "
      "{idle_timeout: 9s, max_requests_per_connection: 4}}}"));
  EXPECT_EQ(bootstrap->clusters.at(0).idle_timeout, Milliseconds(9'000));
  EXPECT_EQ(bootstrap->clusters.at(0).max_requests_per_connection, 4u);
  EXPECT_EQ(bootstrap->clusters.at(0).protocol, "h1");
}

// The rest of a cluster whose HttpProtocolOptions are these.
std::string WithProtocolOptions(const std::string& keys) {
  return WithCluster(
      "endpoints: ['127.0.0.1:1'], typed_extension_protocol_options: "
      "{envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {'@type': "
      "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, " +
      keys + "}}");
}

// "codec{key: value, ...}" for each, in order.
std::string Print(const std::vector<CodecOptions>& options) {
  std::string text;
  for (const CodecOptions& one : options) {
    text += one.codec + "{";
    for (const Node::Entry& entry : one.node->entries())
      text += entry.key + ": " + entry.value->text() + ", ";
    text += "}";
  }
  return text;
}

TEST(EnvoyFiles, ExplicitHttpConfigSaysWhichProtocolABackendSpeaks) {
  const auto protocol = [](const std::string& keys) {
    return MustLoad(WithProtocolOptions(keys))->clusters.at(0).protocol;
  };
  EXPECT_EQ(protocol("explicit_http_config: {http2_protocol_options: {}}"), "h2");
  EXPECT_EQ(protocol("explicit_http_config: {http_protocol_options: {}}"), "h1");
  EXPECT_EQ(protocol("auto_config: {http_protocol_options: {}, http2_protocol_options: {}}"),
            "auto");
  EXPECT_EQ(protocol("auto_config: {}"), "auto");
}

TEST(EnvoyFiles, ExplicitHttpConfigNamesOneProtocol) {
  EXPECT_THAT(Mistakes(WithProtocolOptions("explicit_http_config: {}")), SizeIs(1));
  EXPECT_THAT(Mistakes(WithProtocolOptions("explicit_http_config: {http_protocol_options: {}, "
                                           "http2_protocol_options: {}}")),
              SizeIs(1));
  EXPECT_THAT(Mistakes(WithProtocolOptions("auto_config: {}, explicit_http_config: "
                                           "{http2_protocol_options: {}}")),
              SizeIs(1));
}

TEST(EnvoyFiles, TheClientsProtocolToBackendsTakesTheOptionsOfBoth) {
  EXPECT_EQ(
      MustLoad(WithProtocolOptions("use_downstream_protocol_config: {}"))->clusters.at(0).protocol,
      "downstream");
  const auto with_options = MustLoad(WithProtocolOptions(
      "use_downstream_protocol_config: {http_protocol_options: {}, http2_protocol_options: "
      "{max_concurrent_streams: 9, hpack_table_size: 0}}"));
  EXPECT_EQ(with_options->clusters.at(0).protocol, "downstream");
  EXPECT_EQ(with_options->clusters.at(0).max_concurrent_streams, 9u);
  EXPECT_EQ(Print(with_options->clusters.at(0).codec_options), "h2{hpack_table_size: 0, }");
  EXPECT_THAT(Mistakes(WithProtocolOptions("use_downstream_protocol_config: {}, auto_config: {}")),
              SizeIs(1));
  EXPECT_THAT(
      Mistakes(WithProtocolOptions("use_downstream_protocol_config: {http3_protocol_options: {}}")),
      ElementsAre(HasSubstr("HTTP/3 to backends")));
}

TEST(EnvoyFiles, Http2OptionsBecomeThoseOfTheCodec) {
  const std::string options =
      "{max_concurrent_streams: 7, initial_stream_window_size: 70000, "
      "initial_connection_window_size: 80000, hpack_table_size: 0, connection_keepalive: "
      "{interval: 30s, timeout: 1.5s}}";
  const std::string expected =
      "h2{initial_stream_window_size: 70000, initial_connection_window_size: 80000, "
      "hpack_table_size: 0, keepalive_interval_ms: 30000, keepalive_timeout_ms: 1500, }";
  const auto upstream = MustLoad(
      WithProtocolOptions("explicit_http_config: {http2_protocol_options: " + options + "}"));
  EXPECT_EQ(upstream->clusters.at(0).max_concurrent_streams, 7u);
  EXPECT_EQ(Print(upstream->clusters.at(0).codec_options), expected);
  const auto downstream = MustLoad(WithHttp("routes: [], http2_protocol_options: " + options));
  EXPECT_EQ(FirstHttp(*downstream).max_concurrent_streams, 7u);
  EXPECT_EQ(Print(FirstHttp(*downstream).codec_options), expected);
}

TEST(EnvoyFiles, AnOptionOfACodecIsGivenOnce) {
  EXPECT_THAT(Mistakes(WithHttp("routes: [], http2_protocol_options: {hpack_table_size: 1}, "
                                "codec_options: {h2: {hpack_table_size: 2}}")),
              ElementsAre(HasSubstr("option \"hpack_table_size\" of codec \"h2\" is given twice")));
}

TEST(EnvoyFiles, PerRouteConfigurationIsUnwrapped) {
  const auto bootstrap = MustLoad(WithHttp(
      "http_filters: [{name: envoy.filters.http.header_mutation, typed_config: {'@type': "
      "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation}}, "
      "mux], "
      "routes: [{match: {prefix: /}, route: {cluster: app}, typed_per_filter_config: "
      "{envoy.filters.http.header_mutation: {'@type': "
      "type.googleapis.com/envoy.config.route.v3.FilterConfig, "
      "disabled: true, config: {'@type': "
      "type.googleapis.com/"
      "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute, a: 1}}}}]"));
  const PerFilterConfig& config = FirstRoute(*bootstrap).typed_per_filter_config.at(0);
  EXPECT_EQ(config.filter, "header_mutation");
  EXPECT_TRUE(config.disabled);
  ASSERT_EQ(config.typed_config->UnreadKeys().size(), 1u);
  EXPECT_EQ(config.typed_config->UnreadKeys()[0].key, "a");
}

TEST(EnvoyFiles, AccessLogsAreRead) {
  const auto bootstrap = MustLoad(
      WithHttp("routes: [], access_log: [{name: envoy.access_loggers.file, typed_config: {'@type': "
               "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: "
               "/dev/stdout}}, "
               "{name: any, typed_config: {'@type': "
               "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StderrAccessLog}}]"));
  EXPECT_EQ(FirstHttp(*bootstrap).access_log.at(0).sink, AccessLog::Sink::kStdout);
  EXPECT_EQ(FirstHttp(*bootstrap).access_log.at(1).sink, AccessLog::Sink::kStderr);
  EXPECT_THAT(
      Mistakes(WithHttp("routes: [], access_log: [{name: envoy.access_loggers.open_telemetry}]")),
      ElementsAre(HasSubstr("is no access log that Weir has")));
}

constexpr const char* kEcho = "listeners: [{name: in, address: ':80', filters: [echo]}]\n";

TEST(EnvoyFiles, RuntimeLayersSetConnectionLimits) {
  for (const char* layer :
       {"envoy: {resource_limits: {listener: {in: {connection_limit: 7}}}}, overload: "
        "{global_downstream_max_connections: 9}",
        "envoy.resource_limits.listener.in.connection_limit: 7, "
        "overload.global_downstream_max_connections: 9",
        "envoy.resource_limits: {listener.in: {connection_limit: 7}}, overload: "
        "{global_downstream_max_connections: 9}"}) {
    const auto bootstrap =
        MustLoad(std::string(kEcho) + "layered_runtime: {layers: [{name: s, static_layer: {" +
                 layer + "}}, {name: a, admin_layer: {}}]}");
    EXPECT_EQ(bootstrap->listeners.at(0).connection_limit, 7u);
    EXPECT_EQ(bootstrap->limits.max_connections, 9u);
  }
}

TEST(EnvoyFiles, OtherRuntimeKeysAreNamed) {
  const auto with = [](const std::string& layer) {
    return Mistakes(std::string(kEcho) + "layered_runtime: {layers: [" + layer + "]}");
  };
  EXPECT_THAT(with("{static_layer: {re2: {max_program_size: {error_level: 1}}}}"),
              ElementsAre(HasSubstr(
                  "2:69 runtime key \"re2.max_program_size.error_level\" is none that Weir has")));
  EXPECT_THAT(with("{static_layer: {envoy.resource_limits.listener.im.connection_limit: 1}}"),
              ElementsAre("2:44 there is no listener \"im\" to limit; did you mean in"));
  EXPECT_THAT(with("{rtds_layer: {}}"), ElementsAre(HasSubstr("runtime keys by discovery")));
}

TEST(EnvoyFiles, TheConnectionMonitorSetsTheLimit) {
  const auto bootstrap = MustLoad(
      std::string(kEcho) +
      "overload_manager: {refresh_interval: 0.25s, resource_monitors: [{name: "
      "envoy.resource_monitors.global_downstream_max_connections, typed_config: {'@type': "
      "type.googleapis.com/"
      "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, "
      "max_active_downstream_connections: 1000}}]}");
  EXPECT_EQ(bootstrap->limits.max_connections, 1000u);
  EXPECT_THAT(Mistakes(std::string(kEcho) +
                       "overload_manager: {resource_monitors: [{name: "
                       "envoy.resource_monitors.cpu_utilization}], actions: [{name: a}]}"),
              ElementsAre(HasSubstr("resource monitor \"envoy.resource_monitors.cpu_utilization\""),
                          HasSubstr("overload actions")));
}

}  // namespace
}  // namespace weir::config::testing
