#include "filters/http/rbac/rbac.h"

#include <gmock/gmock.h>

#include "tests/unit/filters/http/rbac/rbac_world.h"

namespace weir::filters::rbac {
namespace {

using kit::World;

class RbacTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
};

constexpr char kReaders[] = R"(
rules:
  policies:
    readers:
      permissions:
      - and_rules: {rules: [{header: {name: ':method', string_match: {exact: GET}}},
                            {url_path: {path: {prefix: /data/}}}]}
      principals: [{remote_ip: {address_prefix: 10.0.0.0, prefix_len: 8}}]
)";

TEST_F(RbacTest, AllowLetsThroughWhatAPolicyMatches) {
  const kit::FakeConfig config = Load(kReaders);
  EXPECT_TRUE(Allowed(config, Request().Path("/data/1")));
  EXPECT_FALSE(Allowed(config, Request().Path("/admin")));
  EXPECT_FALSE(Allowed(config, Request().Path("/data/1").From("172.16.0.1:1")));
  EXPECT_EQ(World().counters["rbac.allowed"], 1u);
  EXPECT_EQ(World().counters["rbac.denied"], 2u);
}

TEST_F(RbacTest, DenyKeepsOutWhatAPolicyMatches) {
  const kit::FakeConfig config = Load(R"(
rules: {action: DENY, policies: {p: {permissions: [{url_path: {path: {exact: /x}}}],
                                     principals: [{any: true}]}}}
)");
  EXPECT_FALSE(Allowed(config, Request().Path("/x")));
  EXPECT_FALSE(Allowed(config, Request().Path("/x?y=1"))) << "the query is no part of it";
  EXPECT_TRUE(Allowed(config, Request().Path("/y")));
}

TEST_F(RbacTest, RulesWithoutPolicies) {
  EXPECT_FALSE(Allowed(Load("rules: {}"), Request())) << "nothing is allowed";
  EXPECT_TRUE(Allowed(Load("rules: {action: DENY}"), Request())) << "nothing is denied";
  EXPECT_TRUE(Allowed(Load("rules_stat_prefix: x"), Request())) << "there are no rules";
}

TEST_F(RbacTest, DetailsNameThePolicy) {
  Request none;
  EXPECT_FALSE(Allowed(Load("rules: {}"), none));
  EXPECT_EQ(none.reply_details, "rbac_access_denied_matched_policy[none]");
  Request named;
  EXPECT_FALSE(Allowed(Load(R"(
rules: {action: DENY, policies: {"no one\there": {permissions: [{any: true}],
                                                 principals: [{any: true}]}}}
)"),
                       named));
  EXPECT_EQ(named.reply_details, "rbac_access_denied_matched_policy[no_one_here]");
}

TEST_F(RbacTest, PoliciesAreAskedInTheOrderOfTheirNames) {
  Request request;
  EXPECT_FALSE(Allowed(Load(R"(
rules:
  action: DENY
  policies:
    b: {permissions: [{any: true}], principals: [{any: true}]}
    a: {permissions: [{any: true}], principals: [{any: true}]}
)"),
                       request));
  EXPECT_EQ(request.reply_details, "rbac_access_denied_matched_policy[a]");
}

TEST_F(RbacTest, LogMarksAndLetsThrough) {
  const kit::FakeConfig config = Load(R"(
rules: {action: LOG, policies: {p: {permissions: [{url_path: {path: {exact: /x}}}],
                                    principals: [{any: true}]}}}
)");
  Request seen;
  EXPECT_TRUE(Allowed(config, seen.Path("/x")));
  EXPECT_EQ((seen.metadata[{"envoy.common", "access_log_hint"}]), "true");
  Request other;
  EXPECT_TRUE(Allowed(config, other));
  EXPECT_EQ((other.metadata[{"envoy.common", "access_log_hint"}]), "false");
  EXPECT_EQ(World().counters["rbac.allowed"], 2u);
}

TEST_F(RbacTest, ShadowRulesAreTriedAndCountedOnly) {
  const kit::FakeConfig config = Load(R"(
rules: {action: DENY}
rules_stat_prefix: main
shadow_rules:
  policies: {p: {permissions: [{url_path: {path: {exact: /x}}}], principals: [{any: true}]}}
shadow_rules_stat_prefix: next.
)");
  Request in;
  EXPECT_TRUE(Allowed(config, in.Path("/x")));
  Request out;
  EXPECT_TRUE(Allowed(config, out));
  EXPECT_EQ(World().counters["rbac.main.allowed"], 2u);
  EXPECT_EQ(World().counters["rbac.next.shadow_allowed"], 1u);
  EXPECT_EQ(World().counters["rbac.next.shadow_denied"], 1u);
  const std::string space = "envoy.filters.http.rbac";
  EXPECT_EQ((in.metadata[{space, "next.shadow_engine_result"}]), "allowed");
  EXPECT_EQ((in.metadata[{space, "next.shadow_effective_policy_id"}]), "p");
  EXPECT_EQ((in.metadata[{space, "main.enforced_engine_result"}]), "allowed");
  EXPECT_EQ((out.metadata[{space, "next.shadow_engine_result"}]), "denied");
  EXPECT_EQ(out.metadata.count({space, "next.shadow_effective_policy_id"}), 0u);
}

TEST_F(RbacTest, PoliciesAreCountedWhenAsked) {
  const kit::FakeConfig config = Load(R"(
track_per_rule_stats: true
rules_stat_prefix: m
rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}}
)");
  EXPECT_TRUE(Allowed(config, Request()));
  EXPECT_EQ(World().counters["rbac.m.policy.p.allowed"], 1u);
}

TEST_F(RbacTest, ARouteHasItsOwnRulesOrNone) {
  const kit::FakeConfig config = Load("rules: {}");
  const kit::FakeConfig open = Load("{}", /*per_route=*/true);
  const kit::FakeConfig own = Load("rbac: {rules: {action: DENY}}", /*per_route=*/true);
  const kit::FakeConfig shut = Load("rbac: {rules: {}}", /*per_route=*/true);
  for (const auto& [route, allowed] : {std::pair(&open, true), {&own, true}, {&shut, false}}) {
    ASSERT_TRUE(route->ok()) << route->errors();
    Request request;
    request.route_config = route->get();
    EXPECT_EQ(Allowed(config, request), allowed);
  }
}

TEST_F(RbacTest, AnAnswerThatTheHostRefusesFailsTheRequest) {
  const kit::FakeConfig config = Load("rules: {}");
  Request request;
  request.failure = WEIR_ERROR;
  alignas(16) unsigned char self[sizeof(HttpRbac)] = {};
  ASSERT_EQ(kHttpRbacApi.create(self, config.get(), request.handle()), WEIR_OK);
  EXPECT_LT(kHttpRbacApi.request_headers(self, request.handle(), 1), 0);
  kHttpRbacApi.destroy(self);
}

TEST_F(RbacTest, AndOrNot) {
  const std::string get = "{header: {name: ':method', exact_match: GET}}";
  const std::string a = "{header: {name: x-a}}";
  const std::string both = "{and_rules: {rules: [" + get + ", " + a + "]}}";
  EXPECT_TRUE(Permits(both, Request().Field("x-a", "")));
  EXPECT_FALSE(Permits(both, Request()));
  const std::string either = "{or_rules: {rules: [{header: {name: x-b}}, " + a + "]}}";
  EXPECT_TRUE(Permits(either, Request().Field("x-a", "")));
  EXPECT_TRUE(Permits(either, Request().Field("x-b", "")));
  EXPECT_FALSE(Permits(either, Request()));
  EXPECT_FALSE(Permits("{not_rule: " + a + "}", Request().Field("x-a", "")));
  EXPECT_TRUE(Permits("{not_rule: " + a + "}", Request()));
  EXPECT_TRUE(Knows("{and_ids: {ids: [{any: true}, {not_id: {header: {name: x-a}}}]}}", Request()));
  EXPECT_FALSE(Knows("{or_ids: {ids: [{header: {name: x-a}}]}}", Request()));
}

TEST_F(RbacTest, AddressesOfTheClient) {
  const std::string range = "{address_prefix: 10.0.0.0, prefix_len: 8}";
  EXPECT_TRUE(Knows("{remote_ip: " + range + "}", Request()));
  EXPECT_FALSE(Knows("{direct_remote_ip: " + range + "}", Request()));
  EXPECT_TRUE(Knows("{direct_remote_ip: 192.0.2.0/24}", Request()));
  EXPECT_TRUE(Knows("{source_ip: 192.0.2.0/24}", Request()));
  EXPECT_FALSE(Knows("{source_ip: " + range + "}", Request()));
  EXPECT_FALSE(Knows("{remote_ip: 0.0.0.0/0}", Request().From("/run/app.sock")));
  EXPECT_TRUE(Knows("{remote_ip: '2001:db8::/32'}", Request().From("[2001:db8::7]:99")));
}

TEST_F(RbacTest, ListsOfAddressesAreLookedUpTogether) {
  std::string ids;
  for (int i = 0; i < 5000; ++i) {
    const std::string ip = "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".9";
    ids += std::string(i % 2 == 0 ? "{remote_ip: " : "{direct_remote_ip: ") + ip + "}, ";
  }
  const kit::FakeConfig config =
      Load("rules: {policies: {p: {permissions: [{any: true}], principals: [" + ids + "]}}}");
  EXPECT_TRUE(Allowed(config, Request().From("10.19.248.9:1")));
  EXPECT_FALSE(Allowed(config, Request().From("10.19.249.9:1")))
      << "that one is a direct_remote_ip";
  EXPECT_FALSE(Allowed(config, Request().From("10.19.248.8:1")));
  Request direct;
  direct.attributes[WEIR_ATTR_DIRECT_ADDRESS] = "10.19.249.9:1";
  EXPECT_TRUE(Allowed(config, direct));
}

TEST_F(RbacTest, AddressesInsideOfANotOrAnAndStayApart) {
  const std::string in_both =
      "{and_ids: {ids: [{remote_ip: 10.0.0.0/8}, {remote_ip: 10.1.0.0/16}]}}";
  EXPECT_TRUE(Knows(in_both, Request()));
  EXPECT_FALSE(Knows(in_both, Request().From("10.2.0.1:1")));
  const std::string but = "{remote_ip: 192.168.0.0/16}, {not_id: {remote_ip: 10.0.0.0/8}}";
  EXPECT_FALSE(Knows(but, Request()));
  EXPECT_TRUE(Knows(but, Request().From("11.0.0.1:1")));
}

TEST_F(RbacTest, WhereItGoesTo) {
  EXPECT_TRUE(Permits("{destination_ip: 198.51.100.0/24}", Request()));
  EXPECT_FALSE(Permits("{destination_ip: 192.0.2.0/24}", Request()));
  EXPECT_TRUE(Permits("{destination_port: 8443}", Request()));
  EXPECT_FALSE(Permits("{destination_port: 443}", Request()));
  EXPECT_TRUE(Permits("{destination_port_range: {start: 8443, end: 8444}}", Request()));
  EXPECT_FALSE(Permits("{destination_port_range: {start: 8000, end: 8443}}", Request()));
  Request named;
  named.attributes[WEIR_ATTR_REQUESTED_SERVER_NAME] = "api.example.com";
  EXPECT_TRUE(Permits("{requested_server_name: {suffix: .Example.com}}", named));
  EXPECT_FALSE(Permits("{requested_server_name: {suffix: .example.com}}", Request()));
  EXPECT_TRUE(Permits("{requested_server_name: {exact: ''}}", Request()));
}

TEST_F(RbacTest, NamesOfTheClientsCertificate) {
  const std::string any = "{authenticated: {}}";
  const std::string spiffe = "{authenticated: {principal_name: {exact: 'spiffe://a/b'}}}";
  EXPECT_FALSE(Knows(any, Request()));
  EXPECT_TRUE(Knows(any, Request().Certificate("", "", "CN=x")));
  EXPECT_TRUE(Knows(spiffe, Request().Certificate("spiffe://z,spiffe://a/b", "", "CN=x")));
  EXPECT_TRUE(Knows(spiffe, Request().Certificate("", "spiffe://a/b", "CN=x")));
  EXPECT_FALSE(Knows(spiffe, Request().Certificate("spiffe://a/bc", "a.test", "CN=x")));
  EXPECT_TRUE(Knows("{authenticated: {principal_name: {contains: CN=x}}}",
                    Request().Certificate("spiffe://z", "", "CN=x,O=y")));
}

TEST_F(RbacTest, NamesOfACertificateThatWasNotVerifiedAreNone) {
  Request request;
  request.Certificate("spiffe://a/b", "", "").numbers[WEIR_NUMBER_PEER_VERIFIED] = 0;
  EXPECT_FALSE(Knows("{authenticated: {principal_name: {exact: 'spiffe://a/b'}}}", request));
  EXPECT_FALSE(Knows("{authenticated: {}}", request));
}

TEST_F(RbacTest, WhatOtherFiltersNoted) {
  const auto rule = [](const std::string& value) {
    return "{metadata: {filter: jwt, path: [{key: role}], value: " + value + "}}";
  };
  Request admin;
  admin.metadata[{"jwt", "role"}] = "admin";
  EXPECT_TRUE(Knows(rule("{string_match: {exact: admin}}"), admin));
  EXPECT_FALSE(Knows(rule("{string_match: {exact: admin}}"), Request()));
  EXPECT_TRUE(Knows(rule("{present_match: true}"), admin));
  EXPECT_FALSE(Knows(rule("{present_match: true}"), Request()));
  EXPECT_TRUE(Knows(rule("{string_match: {exact: admin}}, invert: true"), Request()));
  Request flag;
  flag.metadata[{"jwt", "role"}] = "true";
  EXPECT_TRUE(Permits(rule("{bool_match: true}"), flag));
}

}  // namespace
}  // namespace weir::filters::rbac
