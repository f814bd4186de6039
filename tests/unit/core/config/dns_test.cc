#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/config/config_testing.h"

namespace weir::config::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(DnsClusters, LeaveTheirNamesToBeLookedUp) {
  // What the loader itself cannot resolve.
  const auto bootstrap = MustLoad(
      WithCluster("endpoints: ['gone.example:8', '127.0.0.1:9', {address: 'six.example:7', "
                  "weight: 3}], type: STRICT_DNS"));
  const Cluster& cluster = bootstrap->clusters.at(0);
  EXPECT_EQ(cluster.type, ClusterType::kStrictDns);
  EXPECT_EQ(cluster.endpoints[0].lookup, Endpoint::Lookup::kAddress);
  EXPECT_EQ(cluster.endpoints[0].hostname, "gone.example");
  EXPECT_EQ(cluster.endpoints[0].address.port, 8);
  EXPECT_EQ(cluster.endpoints[1].lookup, Endpoint::Lookup::kNone);
  EXPECT_EQ(cluster.endpoints[2].weight, 3u);
  EXPECT_EQ(cluster.dns_refresh_rate, Milliseconds(5'000));
  EXPECT_FALSE(cluster.respect_dns_ttl);
}

TEST(DnsClusters, TakeServicesInShortAndInLong) {
  const auto bootstrap = MustLoad(WithCluster(
      "type: STRICT_DNS, load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: "
      "{socket_address: {address: _http._tcp.web.example, port_value: 0}}}}, {endpoint: {address: "
      "_grpc._tcp.web.example}}]}]}"));
  const auto& endpoints = bootstrap->clusters.at(0).endpoints;
  for (const Endpoint& endpoint : endpoints) {
    EXPECT_EQ(endpoint.lookup, Endpoint::Lookup::kService);
    EXPECT_EQ(endpoint.hostname, "web.example");
  }
  EXPECT_EQ(endpoints[0].service, "_http._tcp.web.example");
  EXPECT_EQ(endpoints[1].service, "_grpc._tcp.web.example");
}

TEST(DnsClusters, ReadEnvoysKeys) {
  const auto bootstrap = MustLoad(WithCluster(
      "type: LOGICAL_DNS, endpoints: ['a.example:1'], dns_refresh_rate: 2s, "
      "dns_failure_refresh_rate: {base_interval: 1s, max_interval: 9s}, respect_dns_ttl: true, "
      "dns_jitter: 0.5s, dns_min_refresh_rate: 3s, dns_lookup_family: V6_ONLY, max_dns_hosts: 7, "
      "wait_for_warm_on_init: false, use_tcp_for_dns_lookups: true, dns_resolvers: "
      "['127.0.0.1:53', {socket_address: {address: '::1', port_value: 54}}]"));
  const Cluster& cluster = bootstrap->clusters.at(0);
  EXPECT_EQ(cluster.dns_failure_base, Milliseconds(1'000));
  EXPECT_EQ(cluster.dns_failure_max, Milliseconds(9'000));
  EXPECT_EQ(cluster.dns_jitter, Milliseconds(500));
  EXPECT_EQ(cluster.dns_min_refresh_rate, Milliseconds(3'000));
  EXPECT_EQ(cluster.dns_lookup_family, DnsFamily::kV6Only);
  EXPECT_EQ(cluster.max_dns_hosts, 7u);
  EXPECT_FALSE(cluster.wait_for_warm_on_init);
  ASSERT_TRUE(cluster.dns_resolver.has_value());
  EXPECT_TRUE(cluster.dns_resolver->use_tcp);
  ASSERT_EQ(cluster.dns_resolver->servers.size(), 2u);
  EXPECT_EQ(cluster.dns_resolver->servers[1].ToString(), "[::1]:54");
}

constexpr char kTyped[] =
    "typed_dns_resolver_config: {name: envoy.network.dns_resolver.cares, typed_config: {'@type': "
    "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig, "
    "resolvers: [{socket_address: {address: 127.0.0.1, port_value: 53}}], dns_resolver_options: "
    "{no_default_search_domain: true}, query_timeout_seconds: 2, query_tries: 3}}";

TEST(DnsClusters, TheResolverOfTheBootstrapIsForThoseThatHaveNone) {
  const auto bootstrap = MustLoad(
      "listeners: [{address: ':80', filters: [echo]}]\nclusters: [{name: a, type: STRICT_DNS, "
      "endpoints: ['a.example:1']}, {name: b, type: STRICT_DNS, endpoints: ['a.example:1'], "
      "dns_resolvers: ['127.0.0.1:99']}]\n" +
      std::string(kTyped));
  const DnsResolver& resolver = *bootstrap->clusters.at(0).dns_resolver;
  EXPECT_EQ(resolver.servers.at(0).port, 53);
  EXPECT_TRUE(resolver.no_search_domain);
  EXPECT_EQ(resolver.query_timeout_s, 2u);
  EXPECT_EQ(resolver.query_tries, 3u);
  EXPECT_EQ(bootstrap->clusters.at(1).dns_resolver->servers.at(0).port, 99);
}

TEST(DnsClusters, TheLongFormMeansTheSame) {
  const auto first = MustLoad(WithCluster(
      "type: STRICT_DNS, endpoints: ['a.example:1', _http._tcp.b.example, '127.0.0.1:2'], "
      "dns_failure_refresh_rate: {base_interval: 1s}, dns_lookup_family: ALL, respect_dns_ttl: "
      "true, dns_jitter: 1s, max_dns_hosts: 9, " +
      std::string(kTyped)));
  const std::string expanded = Expand(*first);
  const LoadResult second = Load(expanded);
  ASSERT_TRUE(second.ok()) << second.diagnostics.Print() << expanded;
  EXPECT_EQ(Expand(*second.bootstrap), expanded);
  EXPECT_EQ(second.bootstrap->clusters.at(0).endpoints[1].service, "_http._tcp.b.example");
  EXPECT_EQ(second.bootstrap->clusters.at(0).dns_resolver, first->clusters.at(0).dns_resolver);
}

TEST(DnsClusters, MistakesAreNamed) {
  EXPECT_THAT(Mistakes(WithCluster("type: STRICT_DNS, endpoints: ['a.example:0']")),
              ElementsAre(HasSubstr("has port 0")));
  EXPECT_THAT(Mistakes(WithCluster("type: STRICT_DNS, endpoints: ['_http._tcp.a.example:80']")),
              IsEmpty())
      << "with a port it is a host name like any other";
  EXPECT_THAT(Mistakes(WithCluster("endpoints: [_http._tcp.a.example]")),
              ElementsAre(HasSubstr("expected an address")));
  EXPECT_THAT(Mistakes(WithCluster("type: LOGICAL_DNS, endpoints: ['a.example:1', 'b.example:1']")),
              ElementsAre(HasSubstr("LOGICAL_DNS has 2 endpoints; expected exactly one")));
  EXPECT_THAT(Mistakes(WithCluster("type: LOGICAL_DNS, endpoints: [_http._tcp.a.example]")),
              ElementsAre(HasSubstr("has the service name \"_http._tcp.a.example\"")));
  EXPECT_THAT(
      Mistakes(WithCluster("type: STRICT_DNS, endpoints: ['a.example:1'], "
                           "dns_failure_refresh_rate: {base_interval: 2s, max_interval: "
                           "1s}, dns_resolvers: ['127.0.0.1:0', 'unix:/s', 'a.example:1']")),
      ElementsAre(HasSubstr("max_interval is below base_interval"),
                  HasSubstr("the IP address and port of a DNS server"),
                  HasSubstr("the IP address and port of a DNS server"),
                  HasSubstr("is the host name")));
  EXPECT_THAT(Mistakes(WithCluster("type: STRICT_DNS, endpoints: ['a.example:1'], "
                                   "dns_refresh_rate: 0s")),
              ElementsAre(HasSubstr("a duration from 0.001s")));
}

}  // namespace
}  // namespace weir::config::testing
