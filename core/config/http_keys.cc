#include <algorithm>

#include "core/config/codec_keys.h"
#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

using H = HttpConnectionManager;

void ReadCodecType(Context& c, const Field& field, H* out) {
  switch (ReadEnum(c, field, {"AUTO", "HTTP1", "HTTP2"}, {"HTTP3"})) {
    case 0:
      out->codecs = DefaultCodecs();
      return;
    case 1:
      out->codecs = {std::string(Http1Codec())};
      return;
    case 2:
      out->codecs = {std::string(Http2Codec())};
      return;
    default:
      return;
  }
}

void ReadCodecs(Context& c, const Field& field, H* out) {
  if (!ExpectList(c, field)) return;
  out->codecs.clear();
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    std::string name;
    ReadPluginName(c, element, &name);
    if (std::find(out->codecs.begin(), out->codecs.end(), name) != out->codecs.end()) {
      c.Add(element.key_mark, "codec " + Quote(name) + " is named twice");
    }
    if (!name.empty()) out->codecs.push_back(std::move(name));
  }
  if (field.node().size() == 0) c.AddExpected(field, "at least one codec");
}

std::shared_ptr<const Node> PrintCodecs(const H& h) {
  auto list = Node::Sequence({});
  for (const std::string& codec : h.codecs) list->Add("", {}, PrintText(codec));
  return list;
}

std::shared_ptr<RouteConfiguration> NewRoutes(Context& c, H* out) {
  auto routes = std::make_shared<RouteConfiguration>();
  c.route_configs.push_back(routes);
  out->route_config = routes;
  return routes;
}

void ReadRouteConfigKey(Context& c, const Field& field, H* out) {
  ReadRouteConfiguration(c, field, NewRoutes(c, out).get());
}

void ReadVirtualHostsKey(Context& c, const Field& field, H* out) {
  ReadVirtualHosts(c, field, &NewRoutes(c, out)->virtual_hosts);
}

void ReadRoutesKey(Context& c, const Field& field, H* out) {
  VirtualHost host;
  host.name = "default";
  host.domains = {"*"};
  host.mark = field.key_mark;
  ReadRoutes(c, field, &host.routes);
  NewRoutes(c, out)->virtual_hosts.push_back(std::move(host));
}

Keys<H> CommonOptions() {
  return {
      DurationKey("idle_timeout", &H::idle_timeout, "A connection without streams is closed.")
          .Limit("http.*.downstream_cx_idle_timeout"),
      DurationKey("max_connection_duration", &H::max_connection_duration,
                  "A connection this old is drained and closed.")
          .Limit("http.*.downstream_cx_max_duration_reached"),
      DurationKey("max_stream_duration", &H::max_stream_duration,
                  "A stream this old is ended: 408 or 504 when no answer has begun, else a reset.")
          .Limit("http.*.downstream_rq_max_duration_reached"),
      IntKey("max_headers_count", &H::max_headers_count, 1, 10'000,
             "More fields in a request: 431.")
          .Limit("http.*.downstream_rq_4xx"),
      IntKey("max_requests_per_connection", &H::max_requests_per_connection, 0, UINT32_MAX,
             "The connection closes after this many requests; 0: no limit.")
          .Limit("http.*.downstream_cx_max_requests_reached"),
      EnumKey<H, HeadersWithUnderscores>(
          "headers_with_underscores_action", &H::headers_with_underscores_action,
          {{"ALLOW", HeadersWithUnderscores::kAllow},
           {"REJECT_REQUEST", HeadersWithUnderscores::kRejectRequest},
           {"DROP_HEADER", HeadersWithUnderscores::kDropHeader}},
          {}, "What to do with a request field whose name has an underscore."),
      MissingKey<H>("max_response_headers_kb", "this key here; it is a cluster's"),
  };
}

Keys<H> Http1Options() {
  return {
      BoolKey("accept_http_10", &H::accept_http_10, "Serve HTTP/1.0; false: 505."),
      CustomKey<H>(
          "default_host_for_http_10", "host",
          [](Context& c, const Field& f, H* h) { ReadHost(c, f, &h->default_host_for_http_10); },
          [](const H& h) {
            return h.default_host_for_http_10.empty() ? nullptr
                                                      : PrintText(h.default_host_for_http_10);
          },
          "The host of an HTTP/1.0 request without one; empty: 400."),
      BoolKey("enable_trailers", &H::enable_trailers, "Pass trailers on; false: drop them."),
      MissingKey<H>("allow_absolute_url", "refusing targets in absolute form", "true"),
      MissingKey<H>("header_key_format", "upper case in field names"),
      MissingKey<H>("allow_chunked_length", "content-length beside chunked", "false"),
      MissingKey<H>("send_fully_qualified_url", "absolute form to backends", "false"),
      MissingKey<H>("override_stream_error_on_invalid_http_message",
                    "keeping a connection after an invalid message", "false"),
      MissingKey<H>("ignore_http_11_upgrade", "ignored upgrades"),
      MissingKey<H>("allow_custom_methods", "this switch; every method token is taken"),
      MissingKey<H>("use_balsa_parser", "a choice of parsers"),
  };
}

Keys<H> BasicRows() {
  return {
      TextKey("stat_prefix", &H::stat_prefix, "The prefix of its counters: http.<stat_prefix>."),
      CustomKey<H>("codec_type", "AUTO, HTTP1 or HTTP2", ReadCodecType, nullptr,
                   "Which protocols a connection may speak, by Envoy's names.")
          .Shorthand(),
      CustomKey<H>(
          "codecs", "list of codec names", ReadCodecs, PrintCodecs,
          "Which codec plugins may serve a connection, in order of preference. ALPN decides, "
          "else the client's first bytes, else it is the last."),
      CustomKey<H>(
          "codec_options", "mapping",
          [](Context& c, const Field& f, H* h) { ReadCodecOptions(c, f, &h->codec_options); },
          [](const H& h) { return PrintCodecOptions(h.codec_options); },
          "By the name of a codec: the keys that its plugin reads."),
      CustomKey<H>(
          "http_filters", "list of HTTP filters",
          [](Context& c, const Field& f, H* h) { ReadHttpFilters(c, f, &h->http_filters); },
          [](const H& h) { return PrintHttpFilters(h.http_filters); },
          "The HTTP filters, in order; the last is terminal. Default: mux alone."),
  };
}

Keys<H> RouteRows() {
  return {
      CustomKey<H>(
          "route_config", "route configuration", ReadRouteConfigKey,
          [](const H& h) -> std::shared_ptr<const Node> {
            if (h.route_config == nullptr) return nullptr;
            return PrintKeys(RouteConfigurationKeys(), *h.route_config);
          },
          "Virtual hosts and their routes."),
      CustomKey<H>("virtual_hosts", "list of virtual hosts", ReadVirtualHostsKey, nullptr,
                   "Short for route_config with these virtual_hosts.")
          .Shorthand(),
      CustomKey<H>("routes", "list of routes", ReadRoutesKey, nullptr,
                   "Short for route_config with one virtual host for every domain.")
          .Shorthand(),
      MissingKey<H>("rds", "routes by discovery"),
      MissingKey<H>("scoped_routes", "scoped routes"),
  };
}

Keys<H> TimeoutRows() {
  return {
      DurationKey("request_headers_timeout", &H::request_headers_timeout,
                  "From the first byte of a head to its end; 408.")
          .Limit("http.*.downstream_rq_header_timeout"),
      DurationKey("request_timeout", &H::request_timeout,
                  "From the first byte of a request to its end; 408.")
          .Limit("http.*.downstream_rq_timeout"),
      DurationKey(
          "stream_idle_timeout", &H::stream_idle_timeout,
          "A stream without a byte either way; 408 while the request is incomplete, else 504.")
          .Limit("http.*.downstream_rq_idle_timeout"),
      DurationKey("drain_timeout", &H::drain_timeout,
                  "Between the two steps of closing a connection.")
          .Limit(""),
      DurationKey("delayed_close_timeout", &H::delayed_close_timeout,
                  "How long to wait for the peer's end after a closing answer.")
          .Limit(""),
      IntKey("max_request_headers_kb", &H::max_request_headers_kb, 1, 8192,
             "A larger request head: 431.")
          .Limit("http.*.downstream_rq_4xx"),
      IntKey("min_request_body_rate", &H::min_request_body_rate, 0, 1'000'000'000,
             "Bytes a second; a slower request body: 408. 0: off.")
          .Limit("http.*.downstream_rq_slow_body"),
      DurationKey("min_request_body_rate_window", &H::min_request_body_rate_window,
                  "The time over which the rate is averaged.", Milliseconds(1'000),
                  Milliseconds(3'600'000)),
      GroupKey<H>("common_http_protocol_options", CommonOptions(), "For every protocol."),
      GroupKey<H>("http_protocol_options", Http1Options(), "For HTTP/1."),
      GroupKey<H>("http2_protocol_options", Http2Rows<H>(),
                  "For HTTP/2, and for any codec with several streams on a connection."),
      MissingKey<H>("http3_protocol_options", "HTTP/3"),
      MissingKey<H>("stream_flush_timeout", "a flush timeout of its own"),
  };
}

Keys<H> PathRows() {
  return {
      BoolKey("normalize_path", &H::normalize_path,
              "Remove dot segments and unescape unreserved characters before anything looks."),
      BoolKey("merge_slashes", &H::merge_slashes, "`//` in a path becomes `/`."),
      EnumKey<H, EscapedSlashes>(
          "path_with_escaped_slashes_action", &H::path_with_escaped_slashes_action,
          {{"KEEP_UNCHANGED", EscapedSlashes::kKeepUnchanged},
           {"REJECT_REQUEST", EscapedSlashes::kRejectRequest},
           {"UNESCAPE_AND_REDIRECT", EscapedSlashes::kUnescapeAndRedirect},
           {"UNESCAPE_AND_FORWARD", EscapedSlashes::kUnescapeAndForward},
           // What Envoy calls its default, which here is the safe one.
           {"IMPLEMENTATION_SPECIFIC_DEFAULT", EscapedSlashes::kUnescapeAndRedirect}},
          {}, "What to do with %2F and %5C in a path."),
      BoolKey("strip_matching_host_port", &H::strip_matching_host_port,
              "Drop the authority's port when it is the listener's."),
      BoolKey("strip_any_host_port", &H::strip_any_host_port, "Drop the authority's port."),
      BoolKey("strip_trailing_host_dot", &H::strip_trailing_host_dot,
              "Drop the dot after the authority's host."),
  };
}

Keys<H> FieldRows() {
  return {
      TextKey("server_name", &H::server_name, "The server field."),
      EnumKey<H, ServerHeader>("server_header_transformation", &H::server_header_transformation,
                               {{"OVERWRITE", ServerHeader::kOverwrite},
                                {"APPEND_IF_ABSENT", ServerHeader::kAppendIfAbsent},
                                {"PASS_THROUGH", ServerHeader::kPassThrough}},
                               {}, "When the server field is written."),
      TextKey("via", &H::via, "Appended to via in both directions; empty: not."),
      BoolKey("use_remote_address", &H::use_remote_address,
              "The client's address is the connection's, not what x-forwarded-for says."),
      IntKey("xff_num_trusted_hops", &H::xff_num_trusted_hops, 0, 1000,
             "How many proxies in front are trusted to have written x-forwarded-for."),
      BoolKey("skip_xff_append", &H::skip_xff_append, "Leave x-forwarded-for as it came."),
      BoolKey("generate_request_id", &H::generate_request_id, "Write x-request-id."),
      BoolKey("preserve_external_request_id", &H::preserve_external_request_id,
              "Keep an x-request-id that came from outside."),
      BoolKey("always_set_request_id_in_response", &H::always_set_request_id_in_response,
              "Write x-request-id into every response."),
      BoolKey("proxy_100_continue", &H::proxy_100_continue,
              "Relay Expect and the backend's 100; false: answer 100 here."),
  };
}

Keys<H> PartRows() {
  return {
      CustomKey<H>(
          "upgrade_configs", "list of upgrades",
          [](Context& c, const Field& f, H* h) { ReadUpgradeConfigs(c, f, &h->upgrade_configs); },
          [](const H& h) { return PrintUpgradeConfigs(h.upgrade_configs); },
          "Which upgrades are allowed; others are refused with 403."),
      CustomKey<H>(
          "access_log", "list of access logs",
          [](Context& c, const Field& f, H* h) { ReadAccessLogs(c, f, &h->access_log); },
          [](const H& h) { return PrintAccessLogs(h.access_log); },
          "Where each request's line goes: stdout, stderr or a file's path."),
      CustomKey<H>(
          "local_reply_config", "local reply configuration",
          [](Context& c, const Field& f, H* h) {
            ReadMap(c, f, LocalReplyConfigKeys(), &h->local_reply_config);
          },
          [](const H& h) { return PrintKeys(LocalReplyConfigKeys(), h.local_reply_config); },
          "The form of the answers that Weir itself makes."),
      CustomKey<H>(
          "@type", "string", [](Context&, const Field&, H*) {}, nullptr,
          "Checked against the filter's name.")
          .Shorthand(),
  };
}

Keys<H> MissingRows() {
  return {
      MissingKey<H>("tracing", "tracing"),
      MissingKey<H>("add_user_agent", "a user-agent of its own", "false"),
      MissingKey<H>("internal_address_config", "internal addresses"),
      MissingKey<H>("forward_client_cert_details", "client certificates", "SANITIZE"),
      MissingKey<H>("set_current_client_cert_details", "client certificates"),
      MissingKey<H>("scheme_header_transformation", "rewriting the scheme"),
      MissingKey<H>("stream_error_on_invalid_http_message",
                    "keeping a connection after an invalid message", "false"),
      MissingKey<H>("original_ip_detection_extensions", "extensions of address detection"),
      MissingKey<H>("early_header_mutation_extensions", "early header mutation"),
      MissingKey<H>("append_x_forwarded_port", "x-forwarded-port", "false"),
      MissingKey<H>("append_local_overload", "x-envoy-local-overloaded", "false"),
      MissingKey<H>("proxy_status_config", "the proxy-status field"),
      MissingKey<H>("access_log_options", "access log options"),
      MissingKey<H>("access_log_flush_interval", "access log options"),
      MissingKey<H>("flush_access_log_on_new_request", "access log options", "false"),
      MissingKey<H>("request_id_extension", "extensions of request ids"),
      MissingKey<H>("path_normalization_options", "other path normalisations"),
      MissingKey<H>("represent_ipv4_remote_address_as_ipv4_mapped_ipv6", "mapped addresses",
                    "false"),
      MissingKey<H>("forward_proto_config", "x-forwarded-proto by port"),
      MissingKey<H>("typed_header_validation_config", "extensions of header validation"),
  };
}

// The Mux's typed_config: nothing in it can be set yet.
void CheckMuxConfig(Context& c, HttpFilter* filter) {
  if (filter->type != "mux" || filter->typed_config == nullptr) return;
  using F = HttpFilter;
  static const Keys<F> keys = {
      CustomKey<F>(
          "@type", "string", [](Context&, const Field&, F*) {}, nullptr, ""),
      MissingKey<F>("dynamic_stats", "a switch for dynamic stats", "true"),
      MissingKey<F>("start_child_span", "tracing", "false"),
      MissingKey<F>("upstream_log", "upstream access logs"),
      MissingKey<F>("upstream_log_options", "upstream access logs"),
      MissingKey<F>("suppress_envoy_headers", "a switch for x-envoy fields", "false"),
      MissingKey<F>("strict_check_headers", "checks of x-envoy fields"),
      MissingKey<F>("respect_expected_rq_timeout", "x-envoy-expected-rq-timeout-ms", "false"),
      MissingKey<F>("suppress_grpc_request_failure_code_stats", "gRPC stats", "false"),
      MissingKey<F>("upstream_http_filters", "filters on the upstream side"),
      MissingKey<F>("reject_connect_request_early_data", "early data", "false"),
  };
  ReadMap(c, {"typed_config", filter->typed_config->mark(), filter->typed_config}, keys, filter);
}

// Fills in what may be left out, and checks what no single key can.
void Complete(Context& c, const Field& field, H* h) {
  if (h->codecs.empty()) h->codecs = DefaultCodecs();
  if (!HasKey(field.node(), "http_filters")) {
    HttpFilter mux;
    mux.name = "mux";
    mux.type = "mux";
    mux.mark = h->mark;
    h->http_filters.push_back(std::move(mux));
  }
  for (HttpFilter& filter : h->http_filters) {
    CheckMuxConfig(c, &filter);
    if (filter.type == "mux") filter.typed_config = nullptr;
  }
  const bool routed = std::any_of(h->http_filters.begin(), h->http_filters.end(),
                                  [](const HttpFilter& f) { return f.type == "mux"; });
  if (h->route_config == nullptr) {
    if (routed && !HasKey(field.node(), "rds") && !HasKey(field.node(), "scoped_routes")) {
      c.Add(field.key_mark, std::string(field.key) + " has no routes",
            "route_config, virtual_hosts or routes");
    }
    h->route_config = std::make_shared<RouteConfiguration>();
  }
}

}  // namespace

const Keys<HttpConnectionManager>& HttpConnectionManagerKeys() {
  static const Keys<H> keys = [] {
    Keys<H> all;
    for (Keys<H> rows : {BasicRows(), RouteRows(), TimeoutRows(), PathRows(), FieldRows(),
                         PartRows(), MissingRows()}) {
      std::move(rows.begin(), rows.end(), std::back_inserter(all));
    }
    return all;
  }();
  return keys;
}

std::shared_ptr<HttpConnectionManager> ReadHttpConnectionManager(Context& c, const Field& field,
                                                                 const std::string& name) {
  auto http = std::make_shared<HttpConnectionManager>();
  http->mark = field.key_mark;
  http->stat_prefix = name;
  if (!field.node().is_map()) {
    ExpectMap(c, field);
    return http;
  }
  CheckOneOf(c, field, {"route_config", "virtual_hosts", "routes", "rds", "scoped_routes"}, false);
  CheckOneOf(c, field, {"codec_type", "codecs"}, false);
  const std::size_t routes_before = c.route_configs.size();
  ReadMap(c, field, HttpConnectionManagerKeys(), http.get());
  Complete(c, field, http.get());
  if (http->stat_prefix.empty()) {
    c.Add(field.key_mark, std::string(field.key) + " has no stat_prefix", "stat_prefix (string)");
  }
  for (std::size_t i = routes_before; i < c.route_configs.size(); ++i) {
    MatchPerFilterConfigs(c, http->http_filters, c.route_configs[i].get());
  }
  return http;
}

}  // namespace weir::config
