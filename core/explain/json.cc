#include "core/explain/json.h"

#include <nlohmann/json.hpp>

#include "core/explain/words.h"

namespace weir::explain {
namespace {

using Json = nlohmann::ordered_json;

Json ToJson(const config::Node& node) {
  if (node.is_scalar()) {
    if (!node.quoted()) {
      if (const auto number = node.AsInt()) return *number;
      if (const auto flag = node.AsBool()) return *flag;
    }
    return node.text();
  }
  if (node.is_null()) return nullptr;
  Json made = node.is_map() ? Json::object() : Json::array();
  for (const config::Node::Entry& entry : node.entries()) {
    if (node.is_map())
      made[entry.key] = ToJson(*entry.value);
    else
      made.push_back(ToJson(*entry.value));
  }
  return made;
}

Json RequestJson(const Explanation& e) {
  Json fields = Json::array();
  for (const auto& [name, value] : e.request.fields)
    fields.push_back({{"name", name}, {"value", value}});
  return {{"method", e.request.method},       {"url", e.request.url},
          {"authority", e.request.authority}, {"target", e.request.target},
          {"fields", std::move(fields)},      {"normalized_authority", e.authority},
          {"normalized_path", e.path}};
}

Json ListenersJson(const Explanation& e) {
  Json all = Json::array();
  for (const ListenerStep& step : e.listeners)
    all.push_back({{"name", step.listener->name},
                   {"address", step.listener->address.ToString()},
                   {"line", step.listener->mark.line},
                   {"chosen", step.chosen},
                   {"reason", step.why}});
  return all;
}

Json TlsJson(const Explanation& e, int64_t now) {
  const config::FilterChain& chain = *e.chain.chain;
  if (chain.tls == nullptr) return nullptr;
  Json certificates = Json::array();
  for (const CertificateStep& step : e.chain.certificates) {
    Json one = {{"file", step.file}, {"names", step.facts.names}, {"for_host", step.names_host}};
    if (step.facts.ok)
      one["days_left"] = DaysUntil(step.facts.not_after, now);
    else
      one["error"] = step.facts.error;
    certificates.push_back(std::move(one));
  }
  return {{"minimum_version", TlsVersionWord(chain.tls->tls_minimum_protocol_version)},
          {"maximum_version", TlsVersionWord(chain.tls->tls_maximum_protocol_version)},
          {"alpn", e.chain.alpn},
          {"require_client_certificate", chain.tls->require_client_certificate},
          {"certificates", std::move(certificates)}};
}

template <class T>
Json NamesJson(const std::vector<T>& filters) {
  Json all = Json::array();
  for (const T& filter : filters)
    all.push_back({{"name", filter.name}, {"type", filter.type}, {"line", filter.mark.line}});
  return all;
}

Json ChainJson(const Explanation& e, int64_t now) {
  if (e.listener == nullptr) return nullptr;
  return {{"name", e.chain.chain->name},
          {"tls", TlsJson(e, now)},
          {"codecs", e.chain.codecs},
          {"listener_filters", NamesJson(e.listener->listener_filters)},
          {"network_filters", NamesJson(e.chain.chain->filters)}};
}

Json VirtualHostsJson(const Explanation& e) {
  Json all = Json::array();
  for (const VirtualHostStep& step : e.virtual_hosts) {
    Json domains = Json::array();
    for (const DomainStep& domain : step.domains)
      domains.push_back({{"domain", domain.domain}, {"matches", domain.matches}});
    all.push_back({{"name", step.host->name},
                   {"line", step.host->mark.line},
                   {"domains", std::move(domains)},
                   {"chosen", step.chosen},
                   {"by_domain", step.domain},
                   {"reason", step.why}});
  }
  return all;
}

Json RoutesJson(const Explanation& e) {
  Json all = Json::array();
  for (const RouteStep& step : e.routes) {
    const config::Route& route = step.route->config();
    all.push_back({{"number", step.number},
                   {"name", route.name},
                   {"line", route.mark.line},
                   {"match",
                    {{"kind", MatchWord(route.match.kind)},
                     {"value", route.match.value},
                     {"case_sensitive", route.match.case_sensitive}}},
                   {"action", ActionWord(*step.route)},
                   {"chosen", step.chosen},
                   {"asked", step.asked},
                   {"reason", step.why}});
  }
  return all;
}

Json FiltersJson(const Explanation& e) {
  Json all = Json::array();
  for (const HttpFilterStep& step : e.filters) {
    Json own = nullptr;
    if (step.own != nullptr) {
      own = {{"from", step.own_from}, {"line", step.own->mark.line}};
      own["config"] =
          step.own->typed_config == nullptr ? Json(nullptr) : ToJson(*step.own->typed_config);
    }
    all.push_back({{"name", step.filter->name},
                   {"type", step.filter->type},
                   {"line", step.filter->mark.line},
                   {"runs", step.runs},
                   {"reason", step.why},
                   {"per_route", std::move(own)}});
  }
  return all;
}

Json ClusterJson(const Explanation& e) {
  if (e.cluster == nullptr) return nullptr;
  const config::Cluster& cluster = *e.cluster;
  Json endpoints = Json::array();
  for (const config::Endpoint& endpoint : cluster.endpoints)
    endpoints.push_back({{"address", EndpointText(endpoint)},
                         {"looked_up", endpoint.lookup != config::Endpoint::Lookup::kNone},
                         {"hostname", endpoint.hostname},
                         {"weight", endpoint.weight},
                         {"line", endpoint.mark.line}});
  Json tls = nullptr;
  if (cluster.tls != nullptr) tls = {{"sni", cluster.tls->sni}, {"verify", cluster.tls->verify}};
  return {{"name", cluster.name},
          {"line", cluster.mark.line},
          {"protocol", cluster.protocol},
          {"lb_policy", LbPolicyWord(cluster.lb_policy)},
          {"tls", std::move(tls)},
          {"proxy_protocol", ProxyProtocolWord(cluster.proxy_protocol)},
          {"connect_timeout_ms", cluster.connect_timeout.count()},
          {"endpoints", std::move(endpoints)}};
}

Json AnswerJson(const Explanation& e) {
  Json answer = {{"kind", AnswerWord(e.answer.kind)},
                 {"status", e.answer.status == 0 ? Json(nullptr) : Json(e.answer.status)},
                 {"details", e.answer.details},
                 {"location", e.answer.location}};
  if (e.answer.kind == Answer::Kind::kForward) {
    answer["upstream_authority"] = e.upstream_authority;
    answer["upstream_path"] = e.upstream_path;
  }
  return answer;
}

template <class Steps>
Json Chosen(const Steps& steps, const Json& all) {
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].chosen) return all[i];
  }
  return nullptr;
}

}  // namespace

std::string PrintJson(const Explanation& e, int64_t now) {
  Json json = {{"file", e.file}, {"matched", e.matched()}, {"request", RequestJson(e)}};
  json["listeners"] = ListenersJson(e);
  json["listener"] = Chosen(e.listeners, json["listeners"]);
  json["filter_chain"] = ChainJson(e, now);
  json["virtual_hosts"] = VirtualHostsJson(e);
  json["virtual_host"] = Chosen(e.virtual_hosts, json["virtual_hosts"]);
  json["routes"] = RoutesJson(e);
  json["route"] = Chosen(e.routes, json["routes"]);
  json["http_filters"] = FiltersJson(e);
  json["settings"] = Json::array();
  for (const Setting& setting : e.settings)
    json["settings"].push_back(
        {{"name", setting.name}, {"value", setting.value}, {"from", setting.from}});
  json["cluster"] = ClusterJson(e);
  json["answer"] = AnswerJson(e);
  json["notes"] = e.notes;
  // What a command line has need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weir::explain
