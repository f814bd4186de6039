#include <algorithm>
#include <iterator>
#include <type_traits>

#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

constexpr std::uint64_t kMaxDirectBody = 16 << 20;
constexpr const char* kHeaderFeature =
    "changing fields on routes (the filter header_mutation does)";

template <class S>
Keys<S> FieldChanges() {
  return {
      MissingKey<S>("request_headers_to_add", kHeaderFeature),
      MissingKey<S>("request_headers_to_remove", kHeaderFeature),
      MissingKey<S>("response_headers_to_add", kHeaderFeature),
      MissingKey<S>("response_headers_to_remove", kHeaderFeature),
  };
}

template <class S>
Key<S> PerFilterKey(const char* doc) {
  return CustomKey<S>(
      "typed_per_filter_config", "map of filter names",
      [](Context& c, const Field& f, S* s) {
        ReadPerFilterConfigs(c, f, &s->typed_per_filter_config);
      },
      [](const S& s) { return PrintPerFilterConfigs(s.typed_per_filter_config); }, doc);
}

template <class S>
Keys<S> Join(Keys<S> rows, Keys<S> more) {
  std::move(more.begin(), more.end(), std::back_inserter(rows));
  return rows;
}

// --- virtual hosts ---

// Exact, "*.suffix", "*-suffix", "prefix.*" or "*": at most one star, at one end.
bool IsDomain(std::string_view domain) {
  if (domain.empty()) return false;
  const std::size_t star = domain.find('*');
  if (star == std::string_view::npos) return true;
  return domain.find('*', star + 1) == std::string_view::npos &&
         (star == 0 || star + 1 == domain.size());
}

void ReadDomain(Context& c, const Field& field, VirtualHost* out) {
  std::string domain;
  const std::size_t before = c.diagnostics().count();
  ReadText(c, field, &domain);
  if (c.diagnostics().count() != before) return;
  if (!IsDomain(domain) || domain.find_first_of(" /\\@?#") != std::string::npos) {
    return c.AddExpected(field, "a host name, *.suffix, prefix.* or *");
  }
  for (char& ch : domain) {
    if (ch >= 'A' && ch <= 'Z') ch = static_cast<char>(ch - 'A' + 'a');
  }
  out->domains.push_back(std::move(domain));
}

void ReadDomains(Context& c, const Field& field, VirtualHost* out) {
  if (field.node().is_scalar()) return ReadDomain(c, field, out);
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) ReadDomain(c, element, out);
  if (field.node().size() == 0) c.AddExpected(field, "at least one domain");
}

std::shared_ptr<const Node> PrintDomains(const VirtualHost& host) {
  auto list = Node::Sequence({});
  for (const std::string& domain : host.domains) list->Add("", {}, PrintText(domain));
  return list;
}

template <class T>
std::shared_ptr<const Node> PrintList(const Keys<T>& keys, const std::vector<T>& items) {
  auto list = Node::Sequence({});
  for (const T& item : items) list->Add("", {}, PrintKeys(keys, item));
  return list;
}

Keys<VirtualHost> MissingVirtualHostRows() {
  using V = VirtualHost;
  return {
      MissingKey<V>("require_tls", "requiring TLS", "NONE"),
      MissingKey<V>("retry_policy", "retry policies"),
      MissingKey<V>("hedge_policy", "hedging"),
      MissingKey<V>("rate_limits", "rate limits"),
      MissingKey<V>("matcher", "matchers"),
      MissingKey<V>("virtual_clusters", "virtual clusters"),
      MissingKey<V>("cors", "CORS"),
      MissingKey<V>("include_request_attempt_count", "x-envoy-attempt-count", "false"),
      MissingKey<V>("include_attempt_count_in_response", "x-envoy-attempt-count", "false"),
      MissingKey<V>("request_mirror_policies", "mirrored requests"),
      MissingKey<V>("per_request_buffer_limit_bytes", "this key; max_request_bytes is near it"),
      MissingKey<V>("request_body_buffer_limit", "this key; max_request_bytes is near it"),
      MissingKey<V>("metadata", "metadata of virtual hosts"),
  };
}

using Kind = RouteMatch::Kind;

// --- routes ---

template <class A>
Key<Route> ActionKey(const char* name, const Keys<A>& (*keys)(), const char* type,
                     const char* doc) {
  return CustomKey<Route>(
      name, type,
      [keys](Context& c, const Field& f, Route* r) {
        A action;
        if constexpr (std::is_same_v<A, RedirectAction>) {
          CheckOneOf(c, f, {"https_redirect", "scheme_redirect"}, false);
          CheckOneOf(c, f, {"path_redirect", "prefix_rewrite", "regex_rewrite"}, false);
        }
        ReadMap(c, f, keys(), &action);
        r->action = std::move(action);
      },
      [keys](const Route& r) -> std::shared_ptr<const Node> {
        const A* action = std::get_if<A>(&r.action);
        return action == nullptr ? nullptr : PrintKeys(keys(), *action);
      },
      doc);
}

void ReadMatch(Context& c, const Field& field, Route* out) {
  if (field.node().is_map()) {
    CheckOneOf(c, field,
               {"path", "prefix", "path_separated_prefix", "safe_regex", "connect_matcher",
                "path_match_policy"},
               true);
  }
  ReadMap(c, field, RouteMatchKeys(), &out->match);
}

// What a route's match and its action must agree on.
void CheckRoute(Context& c, const Field& field, const Route& route) {
  const bool rewritable =
      route.match.kind != Kind::kSafeRegex && route.match.kind != Kind::kConnect;
  const auto* forward = std::get_if<RouteAction>(&route.action);
  const auto* redirect = std::get_if<RedirectAction>(&route.action);
  const bool rewrites = (forward != nullptr && !forward->prefix_rewrite.empty()) ||
                        (redirect != nullptr && !redirect->prefix_rewrite.empty());
  if (rewrites && !rewritable) {
    c.Add(field.key_mark,
          std::string(field.key) + " has prefix_rewrite, but its match is no prefix",
          "match with prefix, path or path_separated_prefix");
  }
  if (route.match.kind == Kind::kConnect && forward != nullptr) {
    const auto& upgrades = forward->upgrade_configs;
    const bool allowed = std::any_of(upgrades.begin(), upgrades.end(), [](const UpgradeConfig& u) {
      return u.upgrade_type == "connect";
    });
    if (!allowed) {
      c.Add(field.key_mark, std::string(field.key) + " matches CONNECT but does not allow it",
            "upgrade_configs with upgrade_type CONNECT in its route");
    }
  }
}

void ReadRoute(Context& c, const Field& field, std::vector<Route>* out) {
  Route route;
  route.mark = field.key_mark;
  CheckOneOf(c, field, {"route", "redirect", "direct_response", "non_forwarding_action"},
             field.node().is_map());
  ReadMap(c, field, RouteKeys(), &route);
  CheckRoute(c, field, route);
  out->push_back(std::move(route));
}

Keys<Route> MissingRouteRows() {
  using R = Route;
  return {
      MissingKey<R>("non_forwarding_action", "routes without an action"),
      MissingKey<R>("filter_action", "filter actions"),
      MissingKey<R>("metadata", "metadata of routes"),
      MissingKey<R>("decorator", "tracing"),
      MissingKey<R>("tracing", "tracing"),
      MissingKey<R>("stat_prefix", "counters of routes"),
      MissingKey<R>("per_request_buffer_limit_bytes", "this key; max_request_bytes is near it"),
      MissingKey<R>("request_body_buffer_limit", "this key; max_request_bytes is near it"),
  };
}

// A filter of the chain by the name a route gives it; the filter's own name wins over its type.
const HttpFilter* FindInChain(const std::vector<HttpFilter>& filters, const std::string& name) {
  for (const HttpFilter& filter : filters) {
    if (filter.name == name) return &filter;
  }
  for (const HttpFilter& filter : filters) {
    if (filter.type == name) return &filter;
  }
  return nullptr;
}

void MatchOne(Context& c, const std::vector<HttpFilter>& filters, PerFilterConfig* config) {
  const HttpFilter* filter = FindInChain(filters, config->filter);
  if (filter == nullptr) {
    std::vector<std::string_view> names;
    for (const HttpFilter& known : filters) names.push_back(known.name);
    c.Add(config->mark,
          "typed_per_filter_config is for " + Quote(config->filter) +
              ", which is no filter of http_filters",
          "", NearestName(config->filter, names));
    return;
  }
  config->filter = filter->name;
  if (filter->type == "mux") {
    c.Add(config->mark, "the filter mux takes no configuration per route");
  }
  const Node* type_url =
      config->typed_config == nullptr ? nullptr : config->typed_config->Find("@type");
  if (type_url == nullptr) return;
  const FilterName* known = FindFilterByMessage(FilterKind::kHttp, type_url->text());
  if (known == nullptr || filter->type != known->type) {
    c.Add(type_url->mark(),
          "@type " + Quote(type_url->text()) + " is not that of filter " + Quote(filter->name));
  }
}

}  // namespace

const Keys<Route>& RouteKeys() {
  using R = Route;
  static const Keys<R> keys = Join<R>(
      Join<R>(
          {
              TextKey("name", &R::name, "A name for logs."),
              CustomKey<R>(
                  "match", "route match", ReadMatch,
                  [](const R& r) { return PrintKeys(RouteMatchKeys(), r.match); },
                  "Which requests the route takes.")
                  .Required(),
              ActionKey<RouteAction>("route", RouteActionKeys, "route action",
                                     "Forward to a cluster."),
              ActionKey<RedirectAction>("redirect", RedirectActionKeys, "redirect action",
                                        "Answer with a redirect."),
              ActionKey<DirectResponseAction>("direct_response", DirectResponseActionKeys,
                                              "direct response", "Answer with a fixed response."),
              OptionalBytesKey("max_request_bytes", &R::max_request_bytes,
                               "A longer request body: 413. Default: the virtual host's.")
                  .Limit("http.*.downstream_rq_too_large"),
              PerFilterKey<R>("What filters do differently on this route."),
          },
          MissingRouteRows()),
      FieldChanges<R>());
  return keys;
}

const Keys<VirtualHost>& VirtualHostKeys() {
  using V = VirtualHost;
  static const Keys<V> keys = Join<V>(
      Join<V>(
          {
              TextKey("name", &V::name, "A name; default: the first domain."),
              CustomKey<V>("domains", "list of domains", ReadDomains, PrintDomains,
                           "Exact, *.suffix, prefix.* or *. The exact, then the longest wins.")
                  .Required(),
              CustomKey<V>(
                  "routes", "list of routes",
                  [](Context& c, const Field& f, V* v) { ReadRoutes(c, f, &v->routes); },
                  [](const V& v) { return PrintList(RouteKeys(), v.routes); },
                  "The first that matches wins."),
              OptionalBytesKey("max_request_bytes", &V::max_request_bytes,
                               "A longer request body: 413. Default: no limit.")
                  .Limit("http.*.downstream_rq_too_large"),
              PerFilterKey<V>("What filters do differently on this virtual host."),
          },
          MissingVirtualHostRows()),
      FieldChanges<V>());
  return keys;
}

const Keys<RouteConfiguration>& RouteConfigurationKeys() {
  using C = RouteConfiguration;
  static const Keys<C> keys = Join<C>(
      {
          TextKey("name", &C::name, "A name for messages."),
          CustomKey<C>(
              "virtual_hosts", "list of virtual hosts",
              [](Context& c, const Field& f, C* r) { ReadVirtualHosts(c, f, &r->virtual_hosts); },
              [](const C& r) { return PrintList(VirtualHostKeys(), r.virtual_hosts); },
              "The virtual hosts."),
          PerFilterKey<C>("What filters do differently on all of these routes."),
          BytesKey("max_direct_response_body_size_bytes", &C::max_direct_response_body_size_bytes,
                   0, kMaxDirectBody, "The longest body of a direct_response.")
              .Limit(""),
          BoolKey("ignore_port_in_host_matching", &C::ignore_port_in_host_matching,
                  "host:port matches the domain host."),
          MissingKey<C>("validate_clusters", "routes to unknown clusters", "true"),
          MissingKey<C>("vhds", "virtual hosts by discovery"),
          MissingKey<C>("internal_only_headers", "internal fields"),
          MissingKey<C>("most_specific_header_mutations_wins", kHeaderFeature, "false"),
          MissingKey<C>("ignore_path_parameters_in_path_matching", "path parameters", "false"),
          MissingKey<C>("request_mirror_policies", "mirrored requests"),
          MissingKey<C>("cluster_specifier_plugins", "cluster specifier plugins"),
          MissingKey<C>("metadata", "metadata of routes"),
      },
      FieldChanges<C>());
  return keys;
}

void ReadRoutes(Context& c, const Field& field, std::vector<Route>* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) ReadRoute(c, element, out);
}

void ReadVirtualHosts(Context& c, const Field& field, std::vector<VirtualHost>* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    VirtualHost host;
    host.mark = element.key_mark;
    ReadMap(c, element, VirtualHostKeys(), &host);
    if (host.name.empty() && !host.domains.empty()) host.name = host.domains.front();
    out->push_back(std::move(host));
  }
}

void ReadRouteConfiguration(Context& c, const Field& field, RouteConfiguration* out) {
  ReadMap(c, field, RouteConfigurationKeys(), out);
}

void MatchPerFilterConfigs(Context& c, const std::vector<HttpFilter>& filters,
                           RouteConfiguration* routes) {
  for (PerFilterConfig& config : routes->typed_per_filter_config) MatchOne(c, filters, &config);
  for (VirtualHost& host : routes->virtual_hosts) {
    for (PerFilterConfig& config : host.typed_per_filter_config) MatchOne(c, filters, &config);
    for (Route& route : host.routes) {
      for (PerFilterConfig& config : route.typed_per_filter_config) MatchOne(c, filters, &config);
    }
  }
}

}  // namespace weir::config
