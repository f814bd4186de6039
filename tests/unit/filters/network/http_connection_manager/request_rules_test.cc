#include "filters/network/http_connection_manager/request_rules.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

// What the backend gets of a request with these fields behind its host.
std::string Forwarded(HcmWorld* world, const std::string& fields, const std::string& path = "/") {
  world->Ask("GET " + path + " HTTP/1.1\r\nhost: a\r\n" + fields + "\r\n");
  return world->worker.dialer.last().Written();
}

constexpr char kDetails[] =
    "local_reply_config: { body_format: { text_format: '%RESPONSE_CODE_DETAILS%' } }";

std::string Details(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(RequestRules, TheClientsAddressIsAppendedToXForwardedFor) {
  HcmWorld world;
  EXPECT_EQ(FieldOf(Forwarded(&world, ""), "x-forwarded-for"), "10.9.8.7");
  EXPECT_EQ(FieldOf(Forwarded(&world, "x-forwarded-for: 1.1.1.1, 2.2.2.2\r\n"), "x-forwarded-for"),
            "1.1.1.1, 2.2.2.2, 10.9.8.7");
  // Several lines are one list.
  EXPECT_EQ(FieldOf(Forwarded(&world, "x-forwarded-for: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n"),
                    "x-forwarded-for"),
            "1.1.1.1|2.2.2.2, 10.9.8.7");
}

TEST(RequestRules, BehindAProxyXForwardedForIsLeftAlone) {
  HcmWorld world("use_remote_address: false");
  EXPECT_EQ(FieldOf(Forwarded(&world, "x-forwarded-for: 1.1.1.1\r\n"), "x-forwarded-for"),
            "1.1.1.1");
  EXPECT_EQ(FieldOf(Forwarded(&world, ""), "x-forwarded-for"), "(none)");
}

TEST(RequestRules, SkipXffAppendIsAboutTheAddressAlone) {
  HcmWorld world("skip_xff_append: true");
  EXPECT_EQ(FieldOf(Forwarded(&world, "x-forwarded-proto: https\r\n"), "x-forwarded-proto"),
            "http");
  EXPECT_EQ(FieldOf(Forwarded(&world, "x-forwarded-for: 1.1.1.1\r\n"), "x-forwarded-for"),
            "1.1.1.1");
}

TEST(RequestRules, XForwardedProtoIsTheConnectionsNotTheClients) {
  HcmWorld edge;
  EXPECT_EQ(FieldOf(Forwarded(&edge, "x-forwarded-proto: https\r\n"), "x-forwarded-proto"), "http");
  HcmWorld trusting("xff_num_trusted_hops: 1");
  EXPECT_EQ(FieldOf(Forwarded(&trusting, "x-forwarded-proto: https\r\n"), "x-forwarded-proto"),
            "https");
  EXPECT_EQ(FieldOf(Forwarded(&trusting, ""), "x-forwarded-proto"), "http");
  HcmWorld inner("use_remote_address: false");
  EXPECT_EQ(FieldOf(Forwarded(&inner, "x-forwarded-proto: https\r\n"), "x-forwarded-proto"),
            "https");
}

TEST(RequestRules, EveryRequestHasAnIdOfItsOwn) {
  HcmWorld world;
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    const std::string id = FieldOf(Forwarded(&world, "x-request-id: mine\r\n"), "x-request-id");
    EXPECT_EQ(id.size(), 36u) << id;
    EXPECT_EQ(id[14], '4') << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 20u);
}

TEST(RequestRules, ARequestIdIsPreservedWhereTheClientIsTrusted) {
  HcmWorld preserving("preserve_external_request_id: true");
  EXPECT_EQ(FieldOf(Forwarded(&preserving, "x-request-id: mine\r\n"), "x-request-id"), "mine");
  EXPECT_EQ(FieldOf(Forwarded(&preserving, ""), "x-request-id").size(), 36u);
  HcmWorld inner("use_remote_address: false");
  EXPECT_EQ(FieldOf(Forwarded(&inner, "x-request-id: mine\r\n"), "x-request-id"), "mine");
  HcmWorld off("generate_request_id: false");
  EXPECT_EQ(FieldOf(Forwarded(&off, ""), "x-request-id"), "(none)");
}

TEST(RequestRules, TheResponseCarriesTheIdWhereAsked) {
  HcmWorld world("always_set_request_id_in_response: true");
  Client& client = world.Connect();
  world.Send(client, kGet);
  const std::string id = FieldOf(world.backend(0).Written(), "x-request-id");
  world.Answer(0, kOk);
  EXPECT_EQ(FieldOf(world.Got(client), "x-request-id"), id);
}

TEST(RequestRules, ControlFieldsOfClientsAreDropped) {
  HcmWorld world;
  const std::string got = Forwarded(
      &world, "x-envoy-retry-on: 5xx\r\nx-envoy-: kept\r\nX-Envoy-Internal: true\r\nx-env: y\r\n");
  EXPECT_EQ(FieldOf(got, "x-envoy-retry-on"), "(none)");
  EXPECT_EQ(FieldOf(got, "x-envoy-internal"), "(none)");
  EXPECT_EQ(got.find("X-Envoy-Internal"), std::string::npos);
  EXPECT_EQ(FieldOf(got, "x-env"), "y");
}

TEST(RequestRules, FieldsThatAskForAFaultStayForTheFilterThatIsToldToHeedThem) {
  HcmWorld world;
  const std::string got = Forwarded(&world, "x-envoy-fault-delay-request: 5\r\n");
  EXPECT_EQ(FieldOf(got, "x-envoy-fault-delay-request"), "5");
}

TEST(RequestRules, NamesWithUnderscoresAreRefused) {
  HcmWorld world(kDetails);
  const std::string got = world.Ask("GET / HTTP/1.1\r\nhost: a\r\nx_y: 1\r\n\r\n");
  EXPECT_EQ(got.find("HTTP/1.1 400 "), 0u) << got;
  EXPECT_EQ(Details(got), "http1.unexpected_underscore");
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(world.Stat("downstream_rq_rejected_underscore"), 1u);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

TEST(RequestRules, NamesWithUnderscoresMayBeDroppedOrAllowed) {
  HcmWorld dropping(
      "common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER }");
  const std::string dropped = Forwarded(&dropping, "x_y: 1\r\nx-y: 2\r\n");
  EXPECT_EQ(FieldOf(dropped, "x_y"), "(none)");
  EXPECT_EQ(FieldOf(dropped, "x-y"), "2");
  HcmWorld allowing("common_http_protocol_options: { headers_with_underscores_action: ALLOW }");
  EXPECT_EQ(FieldOf(Forwarded(&allowing, "x_y: 1\r\n"), "x_y"), "1");
}

TEST(RequestRules, AnAuthorityIsWantedAndNormalised) {
  HcmWorld world(kDetails);
  world.Ask("GET / HTTP/1.1\r\nhost: EXAMPLE.com:80\r\n\r\n");
  EXPECT_EQ(FieldOf(world.worker.dialer.last().Written(), "host"), "example.com:80");
  // The second time from the cache, or not: the same.
  world.Ask("GET / HTTP/1.1\r\nhost: EXAMPLE.com:80\r\n\r\n");
  EXPECT_EQ(FieldOf(world.worker.dialer.last().Written(), "host"), "example.com:80");
  world.Ask("GET / HTTP/1.1\r\nhost: example.com:80\r\n\r\n");
  world.Ask("GET / HTTP/1.1\r\nhost: example.com:80\r\n\r\n");
  EXPECT_EQ(FieldOf(world.worker.dialer.last().Written(), "host"), "example.com:80");
  for (const char* host : {"a b", "a:0x", "a:99999", "a/b", "[::1", "a@b", "a:"}) {
    const std::string got = world.Ask("GET / HTTP/1.1\r\nhost: " + std::string(host) + "\r\n\r\n");
    EXPECT_EQ(got.find("HTTP/1.1 400 "), 0u) << host << got;
  }
  EXPECT_EQ(world.worker.dialer.count(), 4u);
}

TEST(RequestRules, PortsAndDotsAreStrippedWhereAsked) {
  HcmWorld matching("strip_matching_host_port: true\nstrip_trailing_host_dot: true");
  for (const char* host : {"example.com:80", "example.com.", "example.com.:80"}) {
    matching.Ask("GET / HTTP/1.1\r\nhost: " + std::string(host) + "\r\n\r\n");
    EXPECT_EQ(FieldOf(matching.worker.dialer.last().Written(), "host"), "example.com") << host;
  }
  matching.Ask("GET / HTTP/1.1\r\nhost: example.com:81\r\n\r\n");
  EXPECT_EQ(FieldOf(matching.worker.dialer.last().Written(), "host"), "example.com:81");
  HcmWorld any("strip_any_host_port: true");
  any.Ask("GET / HTTP/1.1\r\nhost: example.com:81\r\n\r\n");
  EXPECT_EQ(FieldOf(any.worker.dialer.last().Written(), "host"), "example.com");
}

TEST(RequestRules, PathsAreNormalisedBeforeRoutes) {
  HcmWorld world("",
                 "[{ match: { prefix: /admin }, direct_response: { status: 403 } }, "
                 "{ match: { prefix: / }, route: { cluster: app } }]");
  EXPECT_EQ(world.Ask("GET /x/../admin HTTP/1.1\r\nhost: a\r\n\r\n").find("HTTP/1.1 403"), 0u);
  EXPECT_EQ(world.Ask("GET //admin HTTP/1.1\r\nhost: a\r\n\r\n").find("HTTP/1.1 403"), 0u);
  EXPECT_EQ(world.Ask("GET /%61dmin HTTP/1.1\r\nhost: a\r\n\r\n").find("HTTP/1.1 403"), 0u);
  EXPECT_EQ(Forwarded(&world, "", "/a/./b/../c?x=../y").find("GET /a/c?x=../y HTTP/1.1"), 0u);
}

TEST(RequestRules, EscapedSlashesAreRedirectedUnescaped) {
  HcmWorld world;
  const std::string got = world.Ask("GET /a%2fb?q HTTP/1.1\r\nhost: example.com\r\n\r\n");
  EXPECT_EQ(got.find("HTTP/1.1 307 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "location"), "http://example.com/a/b?q");
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

TEST(RequestRules, APathThatLeavesItsRootIsRefused) {
  HcmWorld world("path_with_escaped_slashes_action: REJECT_REQUEST");
  const std::string got = world.Ask("GET /a%2fb HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(got.find("HTTP/1.1 400 "), 0u) << got;
  EXPECT_EQ(world.Stat("downstream_rq_failed_path_normalization"), 1u);
}

TEST(RequestRules, ViaIsAppendedBothWays) {
  HcmWorld world("via: weir-1");
  Client& client = world.Connect();
  world.Send(client, "GET / HTTP/1.1\r\nhost: a\r\nvia: 1.1 edge\r\n\r\n");
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "via"), "1.1 edge, weir-1");
  world.Answer(0, "HTTP/1.1 200 OK\r\nvia: 1.1 cache\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(FieldOf(world.Got(client), "via"), "1.1 cache, weir-1");
}

TEST(RequestRules, ServerAndDateAreOurs) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nserver: origin\r\ndate: then\r\ncontent-length: 0\r\n\r\n";
  const struct {
    const char* keys;
    const char* server;
  } kCases[] = {{"", "weir"},
                {"server_name: me", "me"},
                {"server_header_transformation: APPEND_IF_ABSENT", "origin"},
                {"server_header_transformation: PASS_THROUGH", "origin"}};
  for (const auto& c : kCases) {
    HcmWorld world(c.keys);
    Client& client = world.Connect();
    world.Send(client, kGet);
    world.Answer(0, answer);
    const std::string got = world.Got(client);
    EXPECT_EQ(FieldOf(got, "server"), c.server) << c.keys;
    EXPECT_EQ(FieldOf(got, "date"), "then") << "an origin's date is its own";
    world.Send(client, kGet);
    world.Answer(0, kOk);
    EXPECT_EQ(FieldOf(world.Got(client), "date").size(), 29u);
  }
}

}  // namespace
}  // namespace weir::hcm
