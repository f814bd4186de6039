#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/admin/addresses.h"
#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/query.h"

namespace weir::admin {
namespace {

const char* PolicyName(config::LbPolicy policy) {
  return policy == config::LbPolicy::kLeastRequest ? "LEAST_REQUEST" : "ROUND_ROBIN";
}

// The endpoints of each cluster: those of the configuration, with what the workers say of them, and
// behind them those that only the workers know.
using ByCluster = std::map<std::string, std::vector<EndpointFacts>, std::less<>>;

ByCluster EndpointsOf(const config::Bootstrap& bootstrap, Host* host) {
  ByCluster clusters;
  for (EndpointFacts& facts : host->Endpoints()) {
    auto& list = clusters[facts.cluster];
    list.push_back(std::move(facts));
  }
  for (const config::Cluster& cluster : bootstrap.clusters) {
    auto& list = clusters[cluster.name];
    if (!list.empty()) continue;
    // No worker has answered: this is all that is known.
    for (const config::Endpoint& endpoint : cluster.endpoints) {
      EndpointFacts facts;
      facts.cluster = cluster.name;
      facts.address = endpoint.address;
      facts.hostname = endpoint.hostname;
      facts.weight = endpoint.weight;
      list.push_back(std::move(facts));
    }
  }
  return clusters;
}

// The stats of each cluster, their names without the prefix.
using StatsByCluster = std::map<std::string, std::vector<std::pair<std::string, uint64_t>>>;

StatsByCluster StatsOf(const config::Bootstrap& bootstrap, const observe::StatRegistry& stats) {
  std::map<std::string, std::string, std::less<>> prefixes;  // to the cluster's name
  for (const config::Cluster& cluster : bootstrap.clusters)
    prefixes.emplace(observe::StatRegistry::ScopePrefix("cluster", cluster.name), cluster.name);
  StatsByCluster clusters;
  stats.ForEach([&](const std::string& name, observe::StatKind kind, uint64_t value) {
    if (kind == observe::StatKind::kHistogram || name.compare(0, 8, "cluster.") != 0) return;
    for (size_t dot = name.rfind('.'); dot > 7; dot = name.rfind('.', dot - 1)) {
      const auto found = prefixes.find(std::string_view(name).substr(0, dot + 1));
      if (found == prefixes.end()) continue;
      clusters[found->second].emplace_back(name.substr(dot + 1), value);
      return;
    }
  });
  return clusters;
}

// Envoy's names and order.
std::vector<std::pair<std::string_view, uint64_t>> TotalsOf(const EndpointFacts& facts) {
  return {{"cx_connect_fail", facts.cx_connect_fail},
          {"cx_total", facts.cx_total},
          {"rq_error", facts.rq_error},
          {"rq_success", facts.rq_success},
          {"rq_timeout", facts.rq_timeout},
          {"rq_total", facts.rq_total}};
}

void WriteEndpoint(const EndpointFacts& facts, JsonWriter* out) {
  out->BeginObject();
  out->Key("address");
  WriteAddress(facts.address, out);
  out->Field("hostname", facts.hostname);
  out->Field("weight", facts.weight);
  out->Field("healthy", facts.healthy);
  out->Key("health_flags");
  out->BeginArray();
  if (!facts.healthy) out->String("unhealthy");
  out->EndArray();
  out->Key("stats");
  out->BeginObject();
  out->Field("cx_active", facts.connections);
  out->Field("rq_active", facts.active_requests);
  for (const auto& [name, value] : TotalsOf(facts)) out->Field(name, value);
  out->EndObject();
  out->EndObject();
}

void WriteCluster(const config::Cluster& cluster, const ByCluster& endpoints,
                  const StatsByCluster& stats, JsonWriter* out) {
  out->BeginObject();
  out->Field("name", cluster.name);
  out->Field("lb_policy", PolicyName(cluster.lb_policy));
  out->Key("stats");
  out->BeginObject();
  if (const auto found = stats.find(cluster.name); found != stats.end()) {
    for (const auto& [name, value] : found->second) out->Field(name, value);
  }
  out->EndObject();
  out->Key("circuit_breakers");
  out->BeginObject();
  out->Field("max_connections", cluster.circuit_breakers.max_connections);
  out->Field("max_pending_requests", cluster.circuit_breakers.max_pending_requests);
  out->Field("max_requests", cluster.circuit_breakers.max_requests);
  out->EndObject();
  out->Key("host_statuses");
  out->BeginArray();
  if (const auto found = endpoints.find(cluster.name); found != endpoints.end()) {
    for (const EndpointFacts& facts : found->second) WriteEndpoint(facts, out);
  }
  out->EndArray();
  out->EndObject();
}

void PrintEndpoint(const EndpointFacts& facts, std::string* text) {
  const std::string before = facts.cluster + "::" + facts.address.ToString() + "::";
  const auto line = [&](const char* key, const std::string& value) {
    *text += before + key + "::" + value + "\n";
  };
  line("cx_active", std::to_string(facts.connections));
  line("rq_active", std::to_string(facts.active_requests));
  for (const auto& [name, value] : TotalsOf(facts))
    line(std::string(name).c_str(), std::to_string(value));
  line("hostname", facts.hostname);
  line("health_flags", facts.healthy ? "healthy" : "/unhealthy");
  line("weight", std::to_string(facts.weight));
}

void PrintCluster(const config::Cluster& cluster, const ByCluster& endpoints,
                  const StatsByCluster& stats, std::string* text) {
  const auto line = [&](const std::string& key, const std::string& value) {
    *text += cluster.name + "::" + key + "::" + value + "\n";
  };
  line("lb_policy", PolicyName(cluster.lb_policy));
  const config::CircuitBreakers& limits = cluster.circuit_breakers;
  line("default_priority::max_connections", std::to_string(limits.max_connections));
  line("default_priority::max_pending_requests", std::to_string(limits.max_pending_requests));
  line("default_priority::max_requests", std::to_string(limits.max_requests));
  if (const auto found = stats.find(cluster.name); found != stats.end()) {
    for (const auto& [name, value] : found->second) line(name, std::to_string(value));
  }
  if (const auto found = endpoints.find(cluster.name); found != endpoints.end()) {
    for (const EndpointFacts& facts : found->second) PrintEndpoint(facts, text);
  }
}

}  // namespace

Reply ClustersPage(std::string_view query, Host* host) {
  Query wanted;
  std::string error = wanted.Parse(query, {"format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const bool json = wanted.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  const std::shared_ptr<const config::Bootstrap> bootstrap = host->Config();
  const ByCluster endpoints = EndpointsOf(*bootstrap, host);
  const StatsByCluster stats = StatsOf(*bootstrap, host->Stats());
  std::string text;
  if (!json) {
    for (const config::Cluster& cluster : bootstrap->clusters)
      PrintCluster(cluster, endpoints, stats, &text);
    return Answer(200, std::move(text));
  }
  JsonWriter out(&text);
  out.BeginObject();
  out.Key("cluster_statuses");
  out.BeginArray();
  for (const config::Cluster& cluster : bootstrap->clusters)
    WriteCluster(cluster, endpoints, stats, &out);
  out.EndArray();
  out.EndObject();
  return AnswerJson(text + "\n");
}

}  // namespace weir::admin
