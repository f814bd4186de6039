#include "core/config/codec_keys.h"
#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

constexpr std::uint32_t kMinBuffer = 16 * 1024;
constexpr std::uint32_t kMaxBuffer = 1U << 30;
constexpr const char* kHttpProtocolOptions =
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

Keys<Cluster> ConnectionRows() {
  using C = Cluster;
  return {
      DurationKey("idle_timeout", &C::idle_timeout, "An idle kept connection is closed.")
          .Limit("cluster.*.upstream_cx_idle_timeout"),
      IntKey("max_requests_per_connection", &C::max_requests_per_connection, 0, UINT32_MAX,
             "A connection is closed after this many requests; 0: no limit.")
          .Limit("cluster.*.upstream_cx_max_requests"),
      IntKey("max_response_headers_kb", &C::max_response_headers_kb, 1, 8192,
             "A larger response head: 502.")
          .Limit("cluster.*.upstream_cx_protocol_error"),
      IntKey("max_headers_count", &C::max_headers_count, 1, 10'000,
             "More fields in a response: 502.")
          .Limit("cluster.*.upstream_cx_protocol_error"),
  };
}

const Keys<Cluster>& Http1Rows() {
  using C = Cluster;
  static const Keys<C> rows = {
      MissingKey<C>("header_key_format", "upper case in field names"),
      MissingKey<C>("enable_trailers", "this switch; trailers always pass", "true"),
      MissingKey<C>("allow_chunked_length", "content-length beside chunked", "false"),
      MissingKey<C>("send_fully_qualified_url", "absolute form to backends", "false"),
      MissingKey<C>("accept_http_10", "HTTP/1.0 to backends", "false"),
      MissingKey<C>("override_stream_error_on_invalid_http_message",
                    "keeping a connection after an invalid message", "false"),
  };
  return rows;
}

// The options of HTTP/1 and HTTP/2 inside explicit_http_config or auto_config. That they are there
// says which protocols are spoken.
Key<Cluster> ProtocolKey(const char* name, const Keys<Cluster>& rows, std::string_view protocol) {
  return CustomKey<Cluster>(
      name, "mapping",
      [&rows, protocol](Context& c, const Field& f, Cluster* cluster) {
        cluster->protocol = protocol;
        if (!f.node().is_null()) ReadMap(c, f, rows, cluster);
      },
      nullptr, "");
}

void ReadExplicitConfig(Context& c, const Field& field, Cluster* out) {
  static const Keys<Cluster> http2 = Http2Rows<Cluster>();
  static const Keys<Cluster> keys = {
      ProtocolKey("http_protocol_options", Http1Rows(), Http1Codec()),
      ProtocolKey("http2_protocol_options", http2, Http2Codec()),
      MissingKey<Cluster>("http3_protocol_options", "HTTP/3 to backends"),
  };
  ReadMap(c, field, keys, out);
  CheckOneOf(c, field,
             {"http_protocol_options", "http2_protocol_options", "http3_protocol_options"}, true);
}

void ReadAutoConfig(Context& c, const Field& field, Cluster* out) {
  static const Keys<Cluster> http2 = Http2Rows<Cluster>();
  static const Keys<Cluster> keys = {
      ProtocolKey("http_protocol_options", Http1Rows(), kAutoProtocol),
      ProtocolKey("http2_protocol_options", http2, kAutoProtocol),
      MissingKey<Cluster>("http3_protocol_options", "HTTP/3 to backends"),
      MissingKey<Cluster>("alternate_protocols_cache_options", "HTTP/3 to backends"),
  };
  out->protocol = kAutoProtocol;
  if (!field.node().is_null()) ReadMap(c, field, keys, out);
}

void ReadDownstreamConfig(Context& c, const Field& field, Cluster* out) {
  static const Keys<Cluster> http2 = Http2Rows<Cluster>();
  static const Keys<Cluster> keys = {
      ProtocolKey("http_protocol_options", Http1Rows(), kDownstreamProtocol),
      ProtocolKey("http2_protocol_options", http2, kDownstreamProtocol),
      MissingKey<Cluster>("http3_protocol_options", "HTTP/3 to backends"),
  };
  out->protocol = kDownstreamProtocol;
  if (!field.node().is_null()) ReadMap(c, field, keys, out);
}

const Keys<Cluster>& HttpProtocolOptionsKeys() {
  using C = Cluster;
  static const Keys<C> common = [] {
    Keys<C> rows = ConnectionRows();
    rows.push_back(MissingKey<C>("max_connection_duration", "the age of backend connections"));
    rows.push_back(MissingKey<C>("max_stream_duration", "this key here; it is a route's"));
    rows.push_back(MissingKey<C>("headers_with_underscores_action", "this key here", "ALLOW"));
    return rows;
  }();
  static const Keys<C> keys = {
      CustomKey<C>(
          "@type", "string",
          [](Context& c, const Field& f, C*) {
            if (MessageOf(f.node().text()) != kHttpProtocolOptions) {
              c.AddExpected(f, kHttpProtocolOptions);
            }
          },
          nullptr, ""),
      CustomKey<C>("explicit_http_config", "mapping", ReadExplicitConfig, nullptr, ""),
      GroupKey<C>("common_http_protocol_options", common, ""),
      CustomKey<C>("auto_config", "mapping", ReadAutoConfig, nullptr, ""),
      CustomKey<C>("use_downstream_protocol_config", "mapping", ReadDownstreamConfig, nullptr, ""),
      MissingKey<C>("upstream_http_protocol_options", "SNI from the request's host"),
      MissingKey<C>("http_filters", "filters on the upstream side"),
      MissingKey<C>("header_validation_config", "extensions of header validation"),
      MissingKey<C>("outlier_detection", "outlier detection"),
  };
  return keys;
}

void ReadExtensionOptions(Context& c, const Field& field, Cluster* out) {
  static const Keys<Cluster> keys = {
      CustomKey<Cluster>(
          kHttpProtocolOptions, "mapping",
          [](Context& c2, const Field& f, Cluster* cluster) {
            CheckOneOf(c2, f,
                       {"explicit_http_config", "auto_config", "use_downstream_protocol_config"},
                       false);
            ReadMap(c2, f, HttpProtocolOptionsKeys(), cluster);
          },
          nullptr, ""),
  };
  ReadMap(c, field, keys, out);
}

void ReadThresholds(Context& c, const Field& field, CircuitBreakers* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  bool given = false;
  for (const Field& element : Elements(field, &names)) {
    if (given) c.Add(element.key_mark, "thresholds of priority DEFAULT are given twice");
    given = true;
    ReadMap(c, element, CircuitBreakersKeys(), out);
  }
}

// Envoy's {thresholds: [...]}, or the limits themselves.
void ReadCircuitBreakers(Context& c, const Field& field, Cluster* out) {
  static const Keys<CircuitBreakers> keys = {
      CustomKey<CircuitBreakers>("thresholds", "list", ReadThresholds, nullptr, ""),
      MissingKey<CircuitBreakers>("per_host_thresholds", "limits per endpoint"),
  };
  const bool envoy = HasKey(field.node(), "thresholds") ||
                     HasKey(field.node(), "per_host_thresholds") || field.node().size() == 0;
  ReadMap(c, field, envoy ? keys : CircuitBreakersKeys(), &out->circuit_breakers);
}

std::shared_ptr<const Node> PrintCircuitBreakers(const Cluster& cluster) {
  auto list = Node::Sequence({});
  list->Add("", {}, PrintKeys(CircuitBreakersKeys(), cluster.circuit_breakers));
  return PrintMap({{"thresholds", list}});
}

Keys<Cluster> BasicRows() {
  using C = Cluster;
  static constexpr Milliseconds kMinConnect{1};
  static constexpr Milliseconds kMaxConnect{3'600'000};
  return {
      TextKey("name", &C::name, "What routes call it.").Required(),
      EnumKey<C, ClusterType>("type", &C::type,
                              {{"STATIC", ClusterType::kStatic},
                               {"STRICT_DNS", ClusterType::kStrictDns},
                               {"LOGICAL_DNS", ClusterType::kLogicalDns}},
                              {"EDS", "ORIGINAL_DST"},
                              "STATIC: host names in endpoints are resolved once at start. The "
                              "others look them up again and again: see docs/dns.md."),
      CustomKey<C>("endpoints", "list of addresses, or of {address, weight}", ReadShortEndpoints,
                   nullptr, "Short for load_assignment.")
          .Shorthand(),
      CustomKey<C>("load_assignment", "load assignment", ReadLoadAssignment, PrintLoadAssignment,
                   "The endpoints as Envoy writes them."),
      EnumKey<C, LbPolicy>(
          "lb_policy", &C::lb_policy,
          {{"ROUND_ROBIN", LbPolicy::kRoundRobin}, {"LEAST_REQUEST", LbPolicy::kLeastRequest}},
          {"RING_HASH", "RANDOM", "MAGLEV", "CLUSTER_PROVIDED", "LOAD_BALANCING_POLICY_CONFIG"},
          "How an endpoint is chosen."),
      GroupKey<C>("least_request_lb_config",
                  {IntKey("choice_count", &C::choice_count, 2, 100,
                          "How many random endpoints are compared."),
                   MissingKey<C>("active_request_bias", "a bias of least request"),
                   MissingKey<C>("slow_start_config", "slow start"),
                   MissingKey<C>("locality_lb_config", "localities"),
                   MissingKey<C>("enable_full_scan", "a full scan of endpoints", "false")},
                  "For LEAST_REQUEST."),
      DurationKey("connect_timeout", &C::connect_timeout,
                  "To connect to an endpoint; then another "
                  "is tried.",
                  kMinConnect, kMaxConnect)
          .Limit("cluster.*.upstream_cx_connect_timeout"),
      IntKey("max_connect_attempts", &C::max_connect_attempts, 1, 10,
             "Attempts to connect for one request; then 503.")
          .Limit("cluster.*.upstream_cx_connect_attempts_exceeded"),
      CustomKey<C>(
          "protocol", "codec name or auto",
          [](Context& c, const Field& f, C* cluster) { ReadPluginName(c, f, &cluster->protocol); },
          [](const C& cluster) { return PrintText(cluster.protocol); },
          "The codec plugin that speaks to the backends: h1, h2, … auto: h2 where a TLS handshake "
          "settles it, else h1. downstream: h2 for requests of HTTP/2, h1 for others."),
      CustomKey<C>(
          "codec_options", "mapping",
          [](Context& c, const Field& f, C* cluster) {
            ReadCodecOptions(c, f, &cluster->codec_options);
          },
          [](const C& cluster) { return PrintCodecOptions(cluster.codec_options); },
          "By the name of a codec: the keys that its plugin reads."),
      IntKey("max_concurrent_streams", &C::max_concurrent_streams, 1, kMostStreams,
             "Streams of one connection at once, where its codec takes several; the backend may "
             "allow fewer. Beyond them another connection is opened."),
      IntKey(
          "max_busy_connections", &C::max_busy_connections, 1, 1000,
          "Connections that streams share are busy with 64 KiB that wait for the backend to read "
          "or for its window of the whole connection. When all of an endpoint are, another one is "
          "opened, up to this many on each worker.")
          .Limit("cluster.*.upstream_cx_busy"),
      CustomKey<C>("circuit_breakers", "circuit breakers", ReadCircuitBreakers,
                   PrintCircuitBreakers, "Limits of the cluster, all workers together."),
      IntKey("per_connection_buffer_limit_bytes", &C::per_connection_buffer_limit_bytes, kMinBuffer,
             kMaxBuffer, "What is buffered for one connection, each way.")
          .Limit("cluster.*.upstream_flow_control_paused_reading_total"),
      CustomKey<C>("typed_extension_protocol_options", "mapping", ReadExtensionOptions, nullptr,
                   "HttpProtocolOptions, as Envoy writes them.")
          .Shorthand(),
  };
}

constexpr const char* kProxySocket =
    "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

// Envoy's wrapper around another transport socket.
struct ProxySocket {
  ProxyProtocol version = ProxyProtocol::kV1;
  std::shared_ptr<const TlsContext> tls;
};

Key<ProxySocket> IgnoredType() {
  return CustomKey<ProxySocket>(
             "@type", "string", [](Context&, const Field&, ProxySocket*) {}, nullptr, "")
      .Shorthand();
}

void ReadProxySocket(Context& c, const Field& field, Cluster* cluster) {
  static const Keys<ProxySocket> config = {
      EnumKey("version", &ProxySocket::version,
              {{"V1", ProxyProtocol::kV1}, {"V2", ProxyProtocol::kV2}}, {}, ""),
      MissingKey<ProxySocket>("pass_through_tlvs", "TLVs to backends"),
      MissingKey<ProxySocket>("added_tlvs", "TLVs to backends"),
  };
  static const Keys<ProxySocket> keys = {
      IgnoredType(),
      CustomKey<ProxySocket>(
          "config", "mapping",
          [](Context& c2, const Field& f, ProxySocket* s) { ReadMap(c2, f, config, s); }, nullptr,
          ""),
      CustomKey<ProxySocket>(
          "transport_socket", "transport socket",
          [](Context& c2, const Field& f, ProxySocket* s) {
            s->tls = ReadTransportSocket(c2, f, true);
          },
          nullptr, "")
          .Required(),
      MissingKey<ProxySocket>("allow_unspecified_address", "this switch", "false"),
      MissingKey<ProxySocket>("tlv_as_pool_key", "TLVs to backends", "false"),
  };
  ProxySocket socket;
  ReadMap(c, field, keys, &socket);
  cluster->proxy_protocol = socket.version;
  cluster->tls = socket.tls;
}

// typed_config of a transport socket that is the wrapper; null: it is another one.
const Node::Entry* FindProxySocket(const Node& socket) {
  if (!socket.is_map()) return nullptr;
  for (const Node::Entry& entry : socket.entries()) {
    if (entry.key != "typed_config" || !entry.value->is_map()) continue;
    for (const Node::Entry& inner : entry.value->entries()) {
      if (inner.key == "@type" && MessageOf(inner.value->text()) == kProxySocket) return &entry;
    }
  }
  return nullptr;
}

void ReadClusterSocket(Context& c, const Field& field, Cluster* cluster) {
  const Node::Entry* proxy = FindProxySocket(field.node());
  if (proxy == nullptr) {
    cluster->tls = ReadTransportSocket(c, field, true);
    return;
  }
  for (const Node::Entry& entry : field.node().entries()) {
    entry.read = true;
    if (entry.key != "name" && &entry != proxy)
      AddUnknownKey(c, entry, field.key, {"name", "typed_config"});
  }
  ReadProxySocket(c, EntryField(*proxy), cluster);
}

Keys<Cluster> TlsRows() {
  using C = Cluster;
  return {
      CustomKey<C>(
          "transport_socket", "transport socket", ReadClusterSocket,
          [](const C& cluster) { return PrintTransportSocket(cluster.tls.get(), true); },
          "UpstreamTlsContext: TLS to the backends; or ProxyProtocolUpstreamTransport with one "
          "inside, for proxy_protocol."),
      EnumKey(
          "proxy_protocol", &C::proxy_protocol,
          {{"none", ProxyProtocol::kNone}, {"v1", ProxyProtocol::kV1}, {"v2", ProxyProtocol::kV2}},
          {},
          "The header of the PROXY protocol with which each connection begins, before TLS. "
          "Such a connection is for one downstream connection alone."),
      CustomKey<C>(
          "tls", "TLS in short",
          [](Context& c, const Field& f, C* cluster) { cluster->tls = ReadShortTls(c, f, true); },
          nullptr,
          "Short for transport_socket: `{}`, or sni, ca, cert, key, verify, subject_alt_names, and "
          "keys of UpstreamTlsContext.")
          .Shorthand(),
  };
}

Keys<Cluster> MissingRows() {
  using C = Cluster;
  return {
      MissingKey<C>("transport_socket_matches", "TLS by endpoint"),
      MissingKey<C>("health_checks", "active health checks"),
      MissingKey<C>("outlier_detection", "outlier detection"),
      MissingKey<C>("common_lb_config", "options of load balancing"),
      MissingKey<C>("round_robin_lb_config", "slow start"),
      MissingKey<C>("ring_hash_lb_config", "RING_HASH"),
      MissingKey<C>("maglev_lb_config", "MAGLEV"),
      MissingKey<C>("lb_subset_config", "subsets of a cluster"),
      MissingKey<C>("load_balancing_policy", "load balancing policies as extensions"),
      MissingKey<C>("cluster_type", "cluster types as extensions"),
      MissingKey<C>("eds_cluster_config", "endpoints by discovery"),
      MissingKey<C>("http_protocol_options",
                    "this key; typed_extension_protocol_options or protocol say it"),
      MissingKey<C>("http2_protocol_options",
                    "this key; typed_extension_protocol_options or protocol say it"),
      MissingKey<C>("common_http_protocol_options",
                    "this key; typed_extension_protocol_options has it"),
      MissingKey<C>("upstream_http_protocol_options", "SNI from the request's host"),
      MissingKey<C>("protocol_selection", "the client's protocol to backends",
                    "USE_CONFIGURED_PROTOCOL"),
      MissingKey<C>("upstream_connection_options", "TCP options of backend connections"),
      MissingKey<C>("upstream_bind_config", "a source address"),
      MissingKey<C>("close_connections_on_host_health_failure", "active health checks", "false"),
      MissingKey<C>("ignore_health_on_host_removal", "active health checks", "false"),
      MissingKey<C>("connection_pool_per_downstream_connection", "a pool per client", "false"),
      MissingKey<C>("preconnect_policy", "connecting ahead"),
      MissingKey<C>("track_cluster_stats", "further counters"),
      MissingKey<C>("track_timeout_budgets", "further counters", "false"),
      MissingKey<C>("alt_stat_name", "another name in counters"),
      MissingKey<C>("metadata", "metadata of clusters"),
      MissingKey<C>("filters", "network filters on the upstream side"),
      MissingKey<C>("hosts", "the hosts of v2 files; load_assignment or endpoints name them"),
      MissingKey<C>("cleanup_interval", "ORIGINAL_DST"),
      MissingKey<C>("original_dst_lb_config", "ORIGINAL_DST"),
  };
}

}  // namespace

const Keys<CircuitBreakers>& CircuitBreakersKeys() {
  using B = CircuitBreakers;
  static const Keys<B> keys = {
      MissingKey<B>("priority", "priorities", "DEFAULT"),
      IntKey("max_connections", &B::max_connections, 1, UINT32_MAX,
             "Open connections; a request beyond waits.")
          .Limit("cluster.*.upstream_cx_overflow"),
      IntKey("max_pending_requests", &B::max_pending_requests, 0, UINT32_MAX,
             "Requests that wait for a connection; 503 beyond.")
          .Limit("cluster.*.upstream_rq_pending_overflow"),
      IntKey("max_requests", &B::max_requests, 1, UINT32_MAX, "Requests in flight; 503 beyond.")
          .Limit("cluster.*.upstream_rq_overflow"),
      MissingKey<B>("max_retries", "retry policies", "3"),
      MissingKey<B>("retry_budget", "retry policies"),
      MissingKey<B>("max_connection_pools", "a limit of pools"),
      MissingKey<B>("track_remaining", "further counters", "false"),
  };
  return keys;
}

const Keys<Cluster>& ClusterKeys() {
  static const Keys<Cluster> keys = [] {
    Keys<Cluster> all = BasicRows();
    for (Key<Cluster>& key : TlsRows()) all.push_back(std::move(key));
    for (Key<Cluster>& key : DnsRows()) all.push_back(std::move(key));
    for (Key<Cluster>& key : ConnectionRows()) all.push_back(std::move(key));
    for (Key<Cluster>& key : MissingRows()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

}  // namespace weir::config
