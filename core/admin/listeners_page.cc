#include <map>
#include <string>
#include <utility>
#include <variant>

#include "core/admin/addresses.h"
#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

std::string MatchText(const config::RouteMatch& match) {
  using Kind = config::RouteMatch::Kind;
  switch (match.kind) {
    case Kind::kPath:
      return "path " + match.value;
    case Kind::kPrefix:
      return "prefix " + match.value;
    case Kind::kPathSeparatedPrefix:
      return "path_separated_prefix " + match.value;
    case Kind::kSafeRegex:
      return "safe_regex " + match.value;
    case Kind::kConnect:
      break;
  }
  return "connect_matcher";
}

std::string ActionText(const config::Route& route) {
  if (const auto* forward = std::get_if<config::RouteAction>(&route.action))
    return "cluster " + forward->cluster;
  if (const auto* redirect = std::get_if<config::RedirectAction>(&route.action))
    return "redirect " + std::to_string(redirect->response_code);
  const auto* direct = std::get_if<config::DirectResponseAction>(&route.action);
  return "direct_response " + std::to_string(direct == nullptr ? 0 : direct->status);
}

void WriteRoute(const config::Route& route, JsonWriter* out) {
  out->BeginObject();
  out->Field("name", route.name);
  out->Field("match", MatchText(route.match));
  out->Field("action", ActionText(route));
  out->Key("cluster");
  if (const auto* forward = std::get_if<config::RouteAction>(&route.action)) {
    out->String(forward->cluster);
  } else {
    out->Null();
  }
  out->EndObject();
}

void WriteVirtualHosts(const config::HttpConnectionManager& http, JsonWriter* out) {
  for (const config::VirtualHost& host : http.route_config->virtual_hosts) {
    out->BeginObject();
    out->Field("name", host.name);
    out->Key("domains");
    out->BeginArray();
    for (const std::string& domain : host.domains) out->String(domain);
    out->EndArray();
    out->Key("routes");
    out->BeginArray();
    for (const config::Route& route : host.routes) WriteRoute(route, out);
    out->EndArray();
    out->EndObject();
  }
}

// What serves the listener's connections: the last network filter.
struct Terminal {
  const config::HttpConnectionManager* http = nullptr;
  const config::TcpProxy* tcp = nullptr;

  explicit Terminal(const config::FilterChain& chain) {
    if (chain.filters.empty()) return;
    http = chain.filters.back().http.get();
    tcp = chain.filters.back().tcp_proxy.get();
  }
  std::string prefix() const {
    return http != nullptr ? http->stat_prefix : tcp != nullptr ? tcp->stat_prefix : "";
  }
};

void WriteNames(const config::FilterChain& chain, const Terminal& terminal, JsonWriter* out) {
  out->Key("filters");
  out->BeginArray();
  for (const config::NetworkFilter& filter : chain.filters) out->String(filter.name);
  out->EndArray();
  out->Key("http_filters");
  out->BeginArray();
  if (terminal.http != nullptr) {
    for (const config::HttpFilter& filter : terminal.http->http_filters) out->String(filter.name);
  }
  out->EndArray();
}

using Bound = std::map<std::string, config::Address, std::less<>>;

const config::Address& AddressOf(const config::Listener& listener, const Bound& bound) {
  const auto found = bound.find(listener.name);
  return found == bound.end() ? listener.address : found->second;
}

void WriteListener(const config::Listener& listener, const Bound& bound, JsonWriter* out) {
  const config::FilterChain& chain = listener.filter_chains.front();
  const Terminal terminal(chain);
  out->BeginObject();
  out->Field("name", listener.name);
  out->Key("local_address");
  WriteAddress(AddressOf(listener, bound), out);
  out->Field("tls", chain.tls != nullptr);
  out->Field("stat_prefix", terminal.prefix());
  WriteNames(chain, terminal, out);
  out->Key("virtual_hosts");
  out->BeginArray();
  if (terminal.http != nullptr) WriteVirtualHosts(*terminal.http, out);
  out->EndArray();
  out->Key("cluster");
  if (terminal.tcp != nullptr) {
    out->String(terminal.tcp->cluster);
  } else {
    out->Null();
  }
  out->EndObject();
}

void PrintListener(const config::Listener& listener, const Bound& bound, std::string* text) {
  const Terminal terminal(listener.filter_chains.front());
  *text += listener.name + "::" + AddressOf(listener, bound).ToString() + "\n";
  if (terminal.tcp != nullptr) *text += "  tcp_proxy -> cluster " + terminal.tcp->cluster + "\n";
  if (terminal.http == nullptr) return;
  for (const config::VirtualHost& host : terminal.http->route_config->virtual_hosts) {
    *text += "  " + host.name + ":";
    for (const std::string& domain : host.domains) *text += " " + domain;
    *text += "\n";
    for (const config::Route& route : host.routes)
      *text += "    " + MatchText(route.match) + " -> " + ActionText(route) + "\n";
  }
}

}  // namespace

Reply ListenersPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const std::shared_ptr<const config::Bootstrap> bootstrap = host->Config();
  const Bound bound = host->Bound();
  std::string text;
  if (!json) {
    for (const config::Listener& listener : bootstrap->listeners)
      PrintListener(listener, bound, &text);
    return Answer(200, std::move(text));
  }
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("listener_statuses");
  out.BeginArray();
  for (const config::Listener& listener : bootstrap->listeners)
    WriteListener(listener, bound, &out);
  out.EndArray();
  out.EndObject();
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
