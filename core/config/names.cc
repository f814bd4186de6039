#include "core/config/names.h"

namespace weir::config {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/";
constexpr std::string_view kNetworkPrefix = "envoy.filters.network.";
constexpr std::string_view kHttpPrefix = "envoy.filters.http.";
constexpr std::string_view kListenerPrefix = "envoy.filters.listener.";

bool Is(const char* known, std::string_view name) {
  return *known != '\0' && name == known;
}

}  // namespace

const std::vector<FilterName>& KnownFilters() {
  static const std::vector<FilterName> filters = {
      {FilterKind::kNetwork, "connection_limit",
       "envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit", "", Terminal::kNo},
      {FilterKind::kNetwork, "direct_response",
       "envoy.extensions.filters.network.direct_response.v3.Config", "", Terminal::kYes},
      {FilterKind::kNetwork, "echo", "envoy.extensions.filters.network.echo.v3.Echo", "",
       Terminal::kYes},
      {FilterKind::kNetwork, "http_connection_manager",
       "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", "",
       Terminal::kYes},
      {FilterKind::kNetwork, "rbac", "envoy.extensions.filters.network.rbac.v3.RBAC", "",
       Terminal::kNo},
      {FilterKind::kNetwork, "tcp_proxy", "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
       "", Terminal::kYes},
      {FilterKind::kHttp, "basic_auth", "envoy.extensions.filters.http.basic_auth.v3.BasicAuth",
       "envoy.extensions.filters.http.basic_auth.v3.BasicAuthPerRoute", Terminal::kNo},
      {FilterKind::kHttp, "buffer", "envoy.extensions.filters.http.buffer.v3.Buffer",
       "envoy.extensions.filters.http.buffer.v3.BufferPerRoute", Terminal::kNo},
      {FilterKind::kHttp, "compressor", "envoy.extensions.filters.http.compressor.v3.Compressor",
       "envoy.extensions.filters.http.compressor.v3.CompressorPerRoute", Terminal::kNo},
      {FilterKind::kHttp, "cors", "envoy.extensions.filters.http.cors.v3.Cors",
       "envoy.extensions.filters.http.cors.v3.CorsPolicy", Terminal::kNo},
      {FilterKind::kHttp, "decompressor",
       "envoy.extensions.filters.http.decompressor.v3.Decompressor", "", Terminal::kNo},
      {FilterKind::kHttp, "direct_response", "", "", Terminal::kEither},
      {FilterKind::kHttp, "ext_authz", "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
       "envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute", Terminal::kNo},
      {FilterKind::kHttp, "fault", "envoy.extensions.filters.http.fault.v3.HTTPFault",
       "envoy.extensions.filters.http.fault.v3.HTTPFault", Terminal::kNo},
      {FilterKind::kHttp, "header_mutation",
       "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
       "envoy.extensions.filters.http.header_mutation.v3.HeaderMutationPerRoute", Terminal::kNo},
      {FilterKind::kHttp, "health_check",
       "envoy.extensions.filters.http.health_check.v3.HealthCheck", "", Terminal::kNo},
      {FilterKind::kHttp, "ip_allow", "", "", Terminal::kNo},
      {FilterKind::kHttp, "local_ratelimit",
       "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
       "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit", Terminal::kNo},
      {FilterKind::kHttp, "mux", "envoy.extensions.filters.http.router.v3.Router", "",
       Terminal::kYes},
      {FilterKind::kHttp, "rbac", "envoy.extensions.filters.http.rbac.v3.RBAC",
       "envoy.extensions.filters.http.rbac.v3.RBACPerRoute", Terminal::kNo},
      {FilterKind::kListener, "proxy_protocol",
       "envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol", "", Terminal::kNo},
  };
  return filters;
}

std::string CanonicalFilterName(FilterKind kind, std::string_view name) {
  const std::string_view prefix = kind == FilterKind::kNetwork ? kNetworkPrefix
                                  : kind == FilterKind::kHttp  ? kHttpPrefix
                                                               : kListenerPrefix;
  if (name.substr(0, prefix.size()) == prefix) name.remove_prefix(prefix.size());
  if (kind == FilterKind::kHttp && name == "router") name = "mux";
  return std::string(name);
}

const FilterName* FindFilter(FilterKind kind, std::string_view type) {
  for (const FilterName& filter : KnownFilters()) {
    if (filter.kind == kind && type == filter.type) return &filter;
  }
  return nullptr;
}

const FilterName* FindFilterByMessage(FilterKind kind, std::string_view type_url) {
  const std::string_view message = MessageOf(type_url);
  for (const FilterName& filter : KnownFilters()) {
    if (filter.kind != kind) continue;
    if (Is(filter.message, message) || Is(filter.per_route, message)) return &filter;
  }
  return nullptr;
}

std::string_view MessageOf(std::string_view type_url) {
  if (type_url.substr(0, kTypePrefix.size()) == kTypePrefix) {
    type_url.remove_prefix(kTypePrefix.size());
  }
  return type_url;
}

Terminal TerminalOf(FilterKind kind, std::string_view type) {
  const FilterName* filter = FindFilter(kind, type);
  return filter == nullptr ? Terminal::kEither : filter->terminal;
}

std::string_view Http1Codec() {
  return "h1";
}

std::string_view Http2Codec() {
  return "h2";
}

const std::vector<std::string>& DefaultCodecs() {
  static const std::vector<std::string> codecs = {"h2", "h1"};
  return codecs;
}

std::string_view DefaultProtocol() {
  return "h1";
}

std::vector<std::string> CodecsOfProtocol(std::string_view protocol) {
  if (protocol == kAutoProtocol || protocol == kDownstreamProtocol)
    return {std::string(Http2Codec()), std::string(Http1Codec())};
  return {std::string(protocol)};
}

}  // namespace weir::config
