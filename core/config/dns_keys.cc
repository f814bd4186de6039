// The keys of clusters whose names are looked up while the proxy runs.

#include "core/config/names.h"
#include "core/config/tables.h"

namespace weir::config {
namespace {

constexpr const char* kCaresConfig =
    "envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig";

void ReadServers(Context& c, const Field& field, DnsResolver* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    const std::size_t before = c.diagnostics().count();
    Address address;
    ReadLiteralAddress(c, element, &address, nullptr);
    if (c.diagnostics().count() != before) continue;
    if (address.kind == Address::Kind::kUnix || address.port == 0) {
      c.Add(element.node().mark(), std::string(element.key) + " is " + Quote(address.ToString()),
            "the IP address and port of a DNS server, as 127.0.0.1:53");
      continue;
    }
    out->servers.push_back(address);
  }
}

std::shared_ptr<const Node> PrintServers(const DnsResolver& resolver) {
  if (resolver.servers.empty()) return nullptr;
  auto list = Node::Sequence({});
  for (const Address& server : resolver.servers) list->Add("", {}, PrintAddress(server, false));
  return list;
}

Keys<DnsResolver> OptionRows() {
  using R = DnsResolver;
  return {
      GroupKey<R>("dns_resolver_options",
                  {BoolKey("use_tcp_for_dns_lookups", &R::use_tcp, "DNS over TCP."),
                   BoolKey("no_default_search_domain", &R::no_search_domain,
                           "Names are complete: no search domain is tried.")},
                  "Options of the resolver."),
      CustomKey<R>("resolvers", "list of addresses", ReadServers, PrintServers,
                   "The DNS servers; none: those of /etc/resolv.conf."),
  };
}

const Keys<DnsResolver>& CaresKeys() {
  using R = DnsResolver;
  static const Keys<R> keys = [] {
    Keys<R> rows = OptionRows();
    rows.push_back(CustomKey<R>(
        "@type", "string",
        [](Context& c, const Field& f, R*) {
          if (MessageOf(f.node().text()) != kCaresConfig) c.AddExpected(f, kCaresConfig);
        },
        [](const R&) { return PrintText(std::string("type.googleapis.com/") + kCaresConfig); },
        ""));
    rows.push_back(IntKey("query_timeout_seconds", &R::query_timeout_s, 1, 60,
                          "The first wait for a server's answer; then it is asked again.")
                       .Limit("cluster.*.update_failure"));
    rows.push_back(IntKey("query_tries", &R::query_tries, 1, 10,
                          "How often a server is asked before the lookup has failed.")
                       .Limit("cluster.*.update_failure"));
    rows.push_back(
        MissingKey<R>("use_resolvers_as_fallback", "servers beside the system's", "false"));
    rows.push_back(MissingKey<R>("filter_unroutable_families", "this switch", "false"));
    rows.push_back(MissingKey<R>("udp_max_queries", "this limit"));
    rows.push_back(MissingKey<R>("rotate_nameservers", "this switch", "false"));
    rows.push_back(MissingKey<R>("edns0_max_payload_size", "this limit"));
    rows.push_back(MissingKey<R>("max_udp_channel_duration", "this limit"));
    rows.push_back(MissingKey<R>("reinit_channel_on_timeout", "this switch"));
    return rows;
  }();
  return keys;
}

template <class S>
DnsResolver* Resolver(S* owner) {
  if (!owner->dns_resolver) owner->dns_resolver.emplace();
  return &*owner->dns_resolver;
}

template <class S>
void ReadTyped(Context& c, const Field& field, S* out) {
  static const Keys<DnsResolver> keys = {
      CustomKey<DnsResolver>(
          "name", "string", [](Context&, const Field& f, DnsResolver*) { f.node().MarkRead(); },
          nullptr, ""),
      CustomKey<DnsResolver>(
          "typed_config", "mapping",
          [](Context& c2, const Field& f, DnsResolver* r) { ReadMap(c2, f, CaresKeys(), r); },
          nullptr, "")
          .Required(),
  };
  ReadMap(c, field, keys, Resolver(out));
}

std::shared_ptr<const Node> PrintTyped(const DnsResolver& resolver) {
  return PrintMap({{"name", PrintText("envoy.network.dns_resolver.cares")},
                   {"typed_config", PrintKeys(CaresKeys(), resolver)}});
}

template <class S>
Keys<S> ResolverRows() {
  return {
      CustomKey<S>(
          "typed_dns_resolver_config", "CaresDnsResolverConfig", ReadTyped<S>,
          [](const S& s) { return s.dns_resolver ? PrintTyped(*s.dns_resolver) : nullptr; },
          "Whom to ask: resolvers, dns_resolver_options {use_tcp_for_dns_lookups, "
          "no_default_search_domain}, query_timeout_seconds (5), query_tries (4)."),
      CustomKey<S>(
          "dns_resolution_config", "mapping",
          [](Context& c, const Field& f, S* s) {
            static const Keys<DnsResolver> keys = OptionRows();
            ReadMap(c, f, keys, Resolver(s));
          },
          nullptr, "The same without the timeouts.")
          .Shorthand(),
      CustomKey<S>(
          "use_tcp_for_dns_lookups", "boolean",
          [](Context& c, const Field& f, S* s) { ReadBool(c, f, &Resolver(s)->use_tcp); }, nullptr,
          "Short for the resolver's option.")
          .Shorthand(),
  };
}

void ReadFailureRate(Context& c, const Field& field, Cluster* out) {
  using C = Cluster;
  static constexpr Milliseconds kLeast{1};
  static const Keys<C> keys = {
      DurationKey("base_interval", &C::dns_failure_base, "", kLeast).Required(),
      DurationKey("max_interval", &C::dns_failure_max, "", kLeast),
  };
  ReadMap(c, field, keys, out);
  if (out->dns_failure_max.count() != 0 && out->dns_failure_max < out->dns_failure_base)
    c.Add(field.key_mark, "max_interval is below base_interval", "at least base_interval");
}

std::shared_ptr<const Node> PrintFailureRate(const Cluster& cluster) {
  if (cluster.dns_failure_base.count() == 0) return nullptr;
  return PrintMap(
      {{"base_interval", PrintDuration(cluster.dns_failure_base)},
       {"max_interval",
        cluster.dns_failure_max.count() == 0 ? nullptr : PrintDuration(cluster.dns_failure_max)}});
}

}  // namespace

Keys<Cluster> DnsRows() {
  using C = Cluster;
  static constexpr Milliseconds kLeast{1};
  Keys<C> rows = {
      DurationKey("dns_refresh_rate", &C::dns_refresh_rate, "How often names are looked up.",
                  kLeast)
          .Limit("cluster.*.update_attempt"),
      CustomKey<C>("dns_failure_refresh_rate", "{base_interval, max_interval}", ReadFailureRate,
                   PrintFailureRate,
                   "After a lookup that failed or found nothing: the first wait, which doubles up "
                   "to max_interval (10 × base_interval), less up to a half of it by chance. "
                   "Default: dns_refresh_rate."),
      BoolKey("respect_dns_ttl", &C::respect_dns_ttl,
              "Look up again when the shortest TTL of the answer is over, not after "
              "dns_refresh_rate; but not sooner than dns_min_refresh_rate."),
      DurationKey("dns_min_refresh_rate", &C::dns_min_refresh_rate, "The least that a TTL may say.",
                  kLeast)
          .Limit("cluster.*.update_attempt"),
      DurationKey("dns_jitter", &C::dns_jitter,
                  "Up to so much later, by chance, is each lookup of a name that was found.")
          .Limit("cluster.*.update_attempt"),
      EnumKey<C, DnsFamily>("dns_lookup_family", &C::dns_lookup_family,
                            {{"AUTO", DnsFamily::kAuto},
                             {"V4_ONLY", DnsFamily::kV4Only},
                             {"V6_ONLY", DnsFamily::kV6Only},
                             {"V4_PREFERRED", DnsFamily::kV4Preferred},
                             {"ALL", DnsFamily::kAll}},
                            {},
                            "Which addresses of a name are taken. AUTO is V4_PREFERRED: IPv4, and "
                            "IPv6 where there is none."),
      IntKey("max_dns_hosts", &C::max_dns_hosts, 1, 4096,
             "Addresses that the names of a cluster may have together; those beyond are left out.")
          .Limit("cluster.*.update_truncated"),
      BoolKey("wait_for_warm_on_init", &C::wait_for_warm_on_init,
              "Listeners wait for the first answer, for at most limits.dns_warm_timeout."),
      CustomKey<C>(
          "dns_resolvers", "list of addresses",
          [](Context& c, const Field& f, C* cluster) { ReadServers(c, f, Resolver(cluster)); },
          nullptr, "Short for the resolvers of typed_dns_resolver_config.")
          .Shorthand(),
  };
  for (Key<C>& row : ResolverRows<C>()) rows.push_back(std::move(row));
  return rows;
}

Keys<Bootstrap> DnsBootstrapRows() {
  return ResolverRows<Bootstrap>();
}

void CheckDnsCluster(Context& c, const Field& field, const Cluster& cluster) {
  if (cluster.type != ClusterType::kLogicalDns) return;
  if (cluster.endpoints.size() != 1) {
    c.Add(field.key_mark,
          std::string(field.key) + " of type LOGICAL_DNS has " +
              std::to_string(cluster.endpoints.size()) + " endpoints",
          "exactly one; or type STRICT_DNS");
  } else if (cluster.endpoints[0].lookup == Endpoint::Lookup::kService) {
    c.Add(field.key_mark,
          std::string(field.key) + " of type LOGICAL_DNS has the service name " +
              Quote(cluster.endpoints[0].service),
          "a host name and port; or type STRICT_DNS");
  }
}

}  // namespace weir::config
