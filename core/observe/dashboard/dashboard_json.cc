#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/observe/dashboard/dashboard.h"

namespace weir::observe {
namespace {

using nlohmann::json;

double Rounded(double value) {
  return std::round(value * 1000) / 1000;
}

// Without a value there is no percentile: null.
void AddPercentiles(const HistogramTotals& time, json* to) {
  const bool any = time.count() != 0;
  for (const auto& [key, fraction] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}})
    (*to)[key] = any ? json(Rounded(time.Percentile(fraction))) : json(nullptr);
}

const char* Name(config::RouteMatch::Kind kind) {
  switch (kind) {
    case config::RouteMatch::Kind::kPath:
      return "path";
    case config::RouteMatch::Kind::kPrefix:
      return "prefix";
    case config::RouteMatch::Kind::kPathSeparatedPrefix:
      return "path_separated_prefix";
    case config::RouteMatch::Kind::kSafeRegex:
      return "safe_regex";
    case config::RouteMatch::Kind::kConnect:
      break;
  }
  return "connect";
}

std::string RedirectText(const config::RedirectAction& redirect) {
  std::string text = std::to_string(redirect.response_code);
  const std::string scheme = redirect.https_redirect ? "https" : redirect.scheme_redirect;
  if (!scheme.empty()) text += " " + scheme + "://";
  if (scheme.empty() && !redirect.host_redirect.empty()) text += " //";
  text += redirect.host_redirect;
  if (redirect.port_redirect != 0) text += ":" + std::to_string(redirect.port_redirect);
  const std::string& path =
      redirect.path_redirect.empty() ? redirect.prefix_rewrite : redirect.path_redirect;
  if (!path.empty() && scheme.empty() && redirect.host_redirect.empty()) text += " ";
  return text + path;
}

json RouteJson(const config::Route& route) {
  json made = {
      {"name", route.name}, {"match", Name(route.match.kind)}, {"value", route.match.value}};
  if (const auto* forward = std::get_if<config::RouteAction>(&route.action)) {
    made["action"] = "cluster";
    made["to"] = forward->cluster;
  } else if (const auto* redirect = std::get_if<config::RedirectAction>(&route.action)) {
    made["action"] = "redirect";
    made["to"] = RedirectText(*redirect);
  } else {
    made["action"] = "direct_response";
    made["to"] = std::to_string(std::get<config::DirectResponseAction>(route.action).status);
  }
  return made;
}

json HostsJson(const config::RouteConfiguration& routes, size_t* room, size_t* left_off) {
  json hosts = json::array();
  for (const config::VirtualHost& host : routes.virtual_hosts) {
    if (*room == 0) {
      *left_off += host.routes.size();
      continue;
    }
    json list = json::array();
    for (const config::Route& route : host.routes) {
      if (*room == 0) {
        ++*left_off;
        continue;
      }
      --*room;
      list.push_back(RouteJson(route));
    }
    hosts.push_back({{"name", host.name}, {"domains", host.domains}, {"routes", std::move(list)}});
  }
  return hosts;
}

json FilterJson(const std::string& name, const std::string& type, bool disabled) {
  json made = {{"name", name}, {"type", type}};
  if (disabled) made["disabled"] = true;
  return made;
}

json FiltersJson(const config::Listener& listener, const config::FilterChain& chain) {
  json filters = json::array();
  for (const auto& filter : listener.listener_filters)
    filters.push_back(FilterJson(filter.name, filter.type, false));
  for (const auto& filter : chain.filters) {
    if (filter.http == nullptr) filters.push_back(FilterJson(filter.name, filter.type, false));
  }
  if (const auto& http = chain.filters.back().http) {
    for (const auto& filter : http->http_filters) {
      if (!filter.type.empty())
        filters.push_back(FilterJson(filter.name, filter.type, filter.disabled));
    }
  }
  return filters;
}

}  // namespace

// The parts of the answer. Called with the dashboard's lock held.
struct DashboardJson {
  DashboardJson(const Dashboard& dashboard, const DashboardFacts& facts) : of(dashboard) {
    for (const EndpointState& endpoint : facts.endpoints)
      endpoints[endpoint.cluster].push_back(&endpoint);
  }

  void AddHttp(const std::string& prefix, json* to) {
    const auto found = of.http_.find(prefix);
    if (found == of.http_.end()) return;
    const StatWindow& window = found->second;
    json& made = *to;
    made["requests"] = Rounded(window.Rate(kHttpRequests));
    made["requests_total"] = window.Value(kHttpRequests);
    made["errors_4xx"] = Rounded(window.Rate(kHttp4xx));
    made["errors_5xx"] = Rounded(window.Rate(kHttp5xx));
    made["no_route"] = Rounded(window.Rate(kHttpNoRoute));
    made["received"] = Rounded(window.Rate(kHttpReceived));
    made["sent"] = Rounded(window.Rate(kHttpSent));
    made["active"] = window.Value(kHttpActive);
    AddPercentiles(window.Recent(), to);
  }

  void AddTcp(const std::string& prefix, json* to) {
    const auto found = of.tcp_.find(prefix);
    if (found == of.tcp_.end()) return;
    (*to)["received"] = Rounded(found->second.Rate(kTcpReceived));
    (*to)["sent"] = Rounded(found->second.Rate(kTcpSent));
    (*to)["no_route"] = Rounded(found->second.Rate(kTcpNoRoute));
  }

  json Chain(const config::Listener& listener, const config::FilterChain& chain) {
    const config::NetworkFilter& last = chain.filters.back();
    json made = {{"name", chain.name},
                 {"tls", chain.tls != nullptr},
                 {"kind", last.type},
                 {"filters", FiltersJson(listener, chain)}};
    if (last.http != nullptr) {
      made["codecs"] = last.http->codecs;
      made["stat_prefix"] = last.http->stat_prefix;
      AddHttp(last.http->stat_prefix, &made);
      if (last.http->route_config != nullptr)
        made["hosts"] = HostsJson(*last.http->route_config, &route_room, &routes_left_off);
    } else if (last.tcp_proxy != nullptr) {
      made["stat_prefix"] = last.tcp_proxy->stat_prefix;
      made["cluster"] = last.tcp_proxy->cluster;
      AddTcp(last.tcp_proxy->stat_prefix, &made);
    }
    return made;
  }

  json Listeners() {
    json list = json::array();
    for (size_t i = 0; i < of.listeners_.size(); ++i) {
      const config::Listener& listener = of.config_->listeners[i];
      const StatWindow& window = of.listeners_[i].window;
      const auto bound = of.bound_.find(listener.name);
      json made = {
          {"name", listener.name},
          {"address", bound != of.bound_.end() ? bound->second : listener.address.ToString()},
          {"connections", window.Value(kListenerConnections)},
          {"connection_limit", listener.connection_limit},
          {"accepted", Rounded(window.Rate(kListenerAccepted))},
          {"overflow", Rounded(window.Rate(kListenerOverflow))}};
      json chains = json::array();
      for (const auto& chain : listener.filter_chains) chains.push_back(Chain(listener, chain));
      made["chains"] = std::move(chains);
      list.push_back(std::move(made));
    }
    return list;
  }

  bool TakeEndpoint() {
    if (endpoint_room == 0) {
      ++endpoints_left_off;
      return false;
    }
    --endpoint_room;
    return true;
  }

  static json EndpointJson(const std::string& address, const std::string& hostname, uint32_t weight,
                           const char* state) {
    json made = {{"address", address}, {"weight", weight}, {"state", state}};
    if (!hostname.empty()) made["hostname"] = hostname;
    return made;
  }

  json Endpoints(const config::Cluster& cluster) {
    json list = json::array();
    const auto found = endpoints.find(cluster.name);
    if (found == endpoints.end()) {
      for (const config::Endpoint& endpoint : cluster.endpoints) {
        if (!TakeEndpoint()) continue;
        list.push_back(EndpointJson(endpoint.address.ToString(), endpoint.hostname, endpoint.weight,
                                    "unknown"));
      }
      return list;
    }
    for (const EndpointState* endpoint : found->second) {
      if (!TakeEndpoint()) continue;
      json made = EndpointJson(endpoint->address, endpoint->hostname, endpoint->weight,
                               endpoint->healthy ? "healthy" : "unhealthy");
      made["connections"] = endpoint->connections;
      made["active"] = endpoint->active;
      list.push_back(std::move(made));
    }
    return list;
  }

  json Clusters() {
    json list = json::array();
    for (size_t i = 0; i < of.clusters_.size(); ++i) {
      const config::Cluster& cluster = of.config_->clusters[i];
      const StatWindow& window = of.clusters_[i].window;
      json made = {
          {"name", cluster.name},
          {"lb_policy",
           cluster.lb_policy == config::LbPolicy::kRoundRobin ? "round robin" : "least request"},
          {"protocol", cluster.protocol},
          {"tls", cluster.tls != nullptr},
          {"requests", Rounded(window.Rate(kClusterRequests))},
          {"requests_total", window.Value(kClusterRequests)},
          {"active", window.Value(kClusterActive)},
          {"pending", window.Value(kClusterPending)},
          {"connections", window.Value(kClusterConnections)},
          {"errors_5xx", Rounded(window.Rate(kCluster5xx))},
          {"connect_failures", Rounded(window.Rate(kClusterConnectFail))},
          {"timeouts", Rounded(window.Rate(kClusterTimeout) + window.Rate(kClusterConnectTimeout))},
          {"retries", Rounded(window.Rate(kClusterRetry))},
          {"resets", Rounded(window.Rate(kClusterReset))},
          {"overflow",
           Rounded(window.Rate(kClusterOverflow) + window.Rate(kClusterPendingOverflow))},
          {"members", window.Value(kClusterMembers)},
          {"healthy", window.Value(kClusterHealthy)}};
      AddPercentiles(window.Recent(), &made);
      made["endpoints"] = Endpoints(cluster);
      list.push_back(std::move(made));
    }
    return list;
  }

  // Those whose hooks ran since the start.
  json Plugins() {
    json list = json::array();
    for (const auto& [name, window] : of.plugins_) {
      const HistogramTotals recent = window.Recent();
      json made = {{"name", name},
                   {"hooks", Rounded(window.CountRate())},
                   {"busy_us", Rounded(window.SumRate())},
                   {"slow_total", window.Value(kPluginSlow)}};
      AddPercentiles(recent, &made);
      list.push_back(std::move(made));
    }
    return list;
  }

  json Totals() {
    const auto stat = [&](const char* name, StatKind kind) {
      return of.registry_->Sum(of.registry_->Define(name, kind));
    };
    json made = {{"workers", stat("server.concurrency", StatKind::kGauge)},
                 {"uptime", stat("server.uptime", StatKind::kGauge)},
                 {"connections", stat("server.total_connections", StatKind::kGauge)},
                 {"memory_resident", stat("server.memory_resident", StatKind::kGauge)},
                 {"memory_pinned", stat("server.memory_pinned", StatKind::kGauge)}};
    return made;
  }

  json Samples(uint64_t since) {
    json rows = json::array();
    for (const Dashboard::Sample& s : of.samples_) {
      if (s.number <= since) continue;
      json row = {s.number,
                  s.unix_ms,
                  Rounded(s.requests),
                  Rounded(s.errors_4xx),
                  Rounded(s.errors_5xx),
                  s.connections,
                  s.active,
                  std::round(s.received),
                  std::round(s.sent)};
      for (const double p : {s.p50, s.p90, s.p99})
        row.push_back(s.timed != 0 ? json(Rounded(p)) : json(nullptr));
      rows.push_back(std::move(row));
    }
    return {{"fields",
             {"number", "unix_ms", "requests", "errors_4xx", "errors_5xx", "connections", "active",
              "received", "sent", "p50", "p90", "p99"}},
            {"rows", std::move(rows)}};
  }

  const Dashboard& of;
  std::map<std::string_view, std::vector<const EndpointState*>> endpoints;
  size_t route_room = Dashboard::kMaxRoutes;
  size_t endpoint_room = Dashboard::kMaxEndpoints;
  size_t routes_left_off = 0;
  size_t endpoints_left_off = 0;
};

std::string Dashboard::Json(const DashboardFacts& facts, uint64_t since) const {
  const std::lock_guard lock(mutex_);
  DashboardJson parts(*this, facts);
  json made = {{"version", facts.version},
               {"state", facts.state},
               {"generation", generation_},
               {"sample_ms", kSampleMs},
               {"window_ms", kSampleMs * StatWindow::kSteps},
               {"kept_ms", kSampleMs * kSamples},
               {"server", parts.Totals()},
               {"listeners", json::array()},
               {"clusters", json::array()}};
  if (config_ != nullptr) {
    made["listeners"] = parts.Listeners();
    made["clusters"] = parts.Clusters();
    made["left_off"] = {{"listeners", config_->listeners.size() - listeners_.size()},
                        {"clusters", config_->clusters.size() - clusters_.size()},
                        {"routes", parts.routes_left_off},
                        {"endpoints", parts.endpoints_left_off}};
  }
  made["plugins"] = parts.Plugins();
  made["samples"] = parts.Samples(since);
  // Names of the configuration need not be UTF-8.
  return made.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace weir::observe
