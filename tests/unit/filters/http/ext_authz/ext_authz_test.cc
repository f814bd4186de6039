#include "filters/http/ext_authz/ext_authz.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeHttpStream;
using kit::World;
using ::testing::ElementsAre;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kExtAuthzApi, yaml, per_route);
}

// http_service with these keys beside server_uri, and keys beside it.
std::string Yaml(const std::string& service = "", const std::string& rest = "") {
  return "http_service: {server_uri: {uri: 'http://a', cluster: authz}" + service + "}\n" + rest;
}

const std::string kUser =
    ", authorization_response: {allowed_upstream_headers: {patterns: [{exact: x-user}, {prefix: "
    "x-auth-}]}}";

// One request; it begins with an empty world, so the one before it has ended or been answered.
struct Exchange {
  explicit Exchange(const std::string& yaml) : config(Load(yaml)), self(new State) {
    EXPECT_TRUE(config.ok()) << config.errors();
    World().Clear();
    EXPECT_EQ(kExtAuthzApi.create(self->bytes, config.get(), stream.handle()), WEIR_OK);
  }
  ~Exchange() {
    if (self != nullptr) End();
  }
  void End() {
    kExtAuthzApi.destroy(self->bytes);
    self.reset();
  }
  std::int32_t Headers(bool end = true) {
    return kExtAuthzApi.request_headers(self->bytes, stream.handle(), end);
  }
  std::int32_t Data(const std::string& piece, bool end) {
    request().body += piece;
    return kExtAuthzApi.request_data(self->bytes, stream.handle(), end);
  }
  std::int32_t Response() { return kExtAuthzApi.response_headers(self->bytes, stream.handle(), 0); }
  kit::FakeMessage& request() { return stream.messages[WEIR_REQUEST]; }
  kit::FakeMessage& response() { return stream.messages[WEIR_RESPONSE]; }

  struct State {
    alignas(16) char bytes[1024] = {};
  };
  FakeConfig config;
  std::unique_ptr<State> self;
  FakeHttpStream stream;
};

TEST(ExtAuthzTest, TheServiceIsAskedWithMethodPathHostAndWhatItMaySee) {
  Exchange x(
      Yaml(", path_prefix: /check, authorization_request: {headers_to_add: [{key: x-from, "
           "value: weir}]}",
           "allowed_headers: {patterns: [{prefix: x-}]}\n"
           "disallowed_headers: {patterns: [{exact: x-secret}]}\n"));
  x.stream.SetStart(":method", "POST");
  x.stream.SetStart(":path", "/a?b=c");
  x.request().fields = {{"authorization", "Bearer t"},
                        {"cookie", "c"},
                        {"x-1", "one"},
                        {"x-secret", "s"},
                        {"x-from", "liar"},
                        {"content-length", "3"},
                        {"transfer-encoding", "chunked"}};
  EXPECT_EQ(x.Headers(false), WEIR_STOP_ALL_WATERMARK);
  const kit::FakeCallout& call = *World().callout();
  EXPECT_EQ(call.cluster, "authz");
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.path, "/check/a?b=c");
  EXPECT_EQ(call.authority, "example.com");
  EXPECT_EQ(call.timeout_ms, 200u);
  EXPECT_EQ(call.body, "");
  using Field = std::pair<std::string, std::string>;
  EXPECT_THAT(call.fields, ElementsAre(Field("authorization", "Bearer t"), Field("x-1", "one"),
                                       Field("x-from", "weir")));
}

TEST(ExtAuthzTest, AYesLetsTheRequestGoOnWithTheFieldsOfTheService) {
  Exchange x(Yaml(kUser));
  x.request().fields = {{"x-user", "liar"}, {"x-auth-role", "root"}, {"x-other", "1"}};
  EXPECT_EQ(x.Headers(), WEIR_STOP_ALL_WATERMARK);
  World().callout()->Answer(200, {{"x-user", "anna"}, {"x-not-listed", "2"}, {"server", "s"}});
  EXPECT_EQ(x.stream.resumes, 1);
  EXPECT_EQ(x.stream.local_replies, 0);
  EXPECT_EQ(x.request().Values("x-user"), "anna");
  EXPECT_EQ(x.request().Values("x-auth-role"), "(none)") << "only the service may say it";
  EXPECT_EQ(x.request().Values("x-other"), "1");
  EXPECT_EQ(x.request().Values("x-not-listed"), "(none)");
  EXPECT_EQ(World().counters["ext_authz.ok"], 1u);
}

TEST(ExtAuthzTest, SeveralValuesOfTheServiceAreAllThereAndNoneOfTheClients) {
  Exchange x(Yaml(kUser));
  x.request().fields = {{"x-user", "liar"}};
  x.Headers();
  World().callout()->Answer(200, {{"x-user", "a"}, {"x-user", "b"}});
  EXPECT_EQ(x.request().Values("x-user"), "a|b");
}

TEST(ExtAuthzTest, AWidePatternDoesNotTakeWhatIsTheClientsOwn) {
  Exchange x(
      Yaml(", authorization_response: {allowed_upstream_headers: {patterns: [{prefix: x-}, "
           "{exact: authorization}]}}"));
  x.request().fields = {
      {"authorization", "t"}, {"x-request-id", "1"}, {"x-forwarded-for", "2"}, {"x-user", "liar"}};
  x.Headers();
  World().callout()->Answer(200);
  EXPECT_EQ(x.request().Values("authorization"), "t");
  EXPECT_EQ(x.request().Values("x-request-id"), "1");
  EXPECT_EQ(x.request().Values("x-forwarded-for"), "2");
  EXPECT_EQ(x.request().Values("x-user"), "(none)");
}

TEST(ExtAuthzTest, FieldsMayBeAddedAndOthersGoToTheClient) {
  Exchange x(
      Yaml(", authorization_response: {allowed_upstream_headers_to_append: {patterns: [{exact: "
           "x-tag}]}, allowed_client_headers_on_success: {patterns: [{exact: set-cookie}]}}"));
  x.request().fields = {{"x-tag", "mine"}};
  x.Headers();
  World().callout()->Answer(200,
                            {{"x-tag", "yours"}, {"set-cookie", "a=1"}, {"set-cookie", "b=2"}});
  EXPECT_EQ(x.request().Values("x-tag"), "mine|yours");
  EXPECT_EQ(x.request().Values("set-cookie"), "(none)");
  x.response().fields = {{"set-cookie", "backend=1"}};
  EXPECT_EQ(x.Response(), WEIR_CONTINUE);
  EXPECT_EQ(x.response().Values("set-cookie"), "backend=1|a=1|b=2");
}

TEST(ExtAuthzTest, FramingOfTheServicesAnswerIsNobodysField) {
  Exchange x(
      Yaml(", authorization_response: {allowed_upstream_headers: {patterns: [{prefix: c}, "
           "{prefix: t}]}}"));
  x.Headers();
  World().callout()->Answer(200, {{"content-length", "0"}, {"connection", "x"}, {"te", "y"}});
  EXPECT_EQ(x.stream.resumes, 1);
  EXPECT_TRUE(x.request().fields.empty());
}

TEST(ExtAuthzTest, ANoIsTheServicesOwnAnswer) {
  Exchange x(Yaml());
  x.Headers();
  World().callout()->Answer(
      401, {{"www-authenticate", "Basic"}, {"x-why", "no"}, {"content-length", "9"}}, "not today");
  EXPECT_EQ(x.stream.resumes, 0);
  EXPECT_EQ(x.stream.reply_status, 401u);
  EXPECT_EQ(x.stream.reply_body, "not today");
  EXPECT_EQ(x.stream.reply_details, "ext_authz_denied");
  EXPECT_EQ(x.stream.ReplyField("x-why"), "no");
  EXPECT_EQ(x.stream.ReplyField("www-authenticate"), "Basic");
  EXPECT_EQ(x.stream.ReplyField("content-length"), "");
  EXPECT_THAT(x.stream.flags, ElementsAre("UAEX"));
  EXPECT_EQ(World().counters["ext_authz.denied"], 1u);
}

TEST(ExtAuthzTest, AListBoundsWhatADeniedClientSees) {
  Exchange x(
      Yaml(", authorization_response: {allowed_client_headers: {patterns: [{exact: x-why}]}}"));
  x.Headers();
  World().callout()->Answer(302, {{"location", "/login"}, {"x-why", "no"}, {"x-inside", "1"}});
  EXPECT_EQ(x.stream.reply_status, 302u);
  EXPECT_EQ(x.stream.ReplyField("location"), "/login");
  EXPECT_EQ(x.stream.ReplyField("x-why"), "no");
  EXPECT_EQ(x.stream.ReplyField("x-inside"), "");
}

TEST(ExtAuthzTest, ASuccessThatIsNo200IsANoAndDoesNotLookLikeAYes) {
  for (const std::uint32_t status : {201u, 204u, 206u}) {
    Exchange x(Yaml());
    x.Headers();
    World().callout()->Answer(status);
    EXPECT_EQ(x.stream.resumes, 0);
    EXPECT_EQ(x.stream.reply_status, 403u);
  }
}

TEST(ExtAuthzTest, WhateverGoesWrongIsANo) {
  for (const std::uint32_t reason : {WEIR_REASON_TIMEOUT, WEIR_REASON_REFUSED, WEIR_REASON_OVERFLOW,
                                     WEIR_REASON_PROTOCOL, WEIR_REASON_TRUNCATED}) {
    Exchange x(Yaml());
    x.Headers();
    World().callout()->Fail(reason);
    EXPECT_EQ(x.stream.resumes, 0);
    EXPECT_EQ(x.stream.reply_status, 403u);
    EXPECT_EQ(x.stream.reply_details, "ext_authz_error");
    EXPECT_EQ(World().counters["ext_authz.error"], 1u);
    EXPECT_EQ(World().counters["ext_authz.timeout"], reason == WEIR_REASON_TIMEOUT ? 1u : 0u);
  }
  Exchange broken(Yaml("", "status_on_error: {code: 503}\n"));
  broken.Headers();
  World().callout()->Answer(500, {{"x-inside", "1"}}, "a stack trace");
  EXPECT_EQ(broken.stream.reply_status, 503u);
  EXPECT_EQ(broken.stream.reply_body, "");
  EXPECT_EQ(broken.stream.ReplyField("x-inside"), "");
}

TEST(ExtAuthzTest, AnAnswerThatBreaksOffAfterItsHeadIsNoYes) {
  Exchange x(Yaml());
  x.Headers();
  kit::FakeCallout& call = *World().callout();
  weir_head head{};
  head.struct_size = sizeof head;
  head.status = 200;
  call.hooks.head(call.user, &head, 0);
  EXPECT_EQ(x.stream.resumes, 0);
  call.Fail(WEIR_REASON_TRUNCATED);
  EXPECT_EQ(x.stream.resumes, 0);
  EXPECT_EQ(x.stream.reply_status, 403u);
}

TEST(ExtAuthzTest, AHostWithoutRoomIsANo) {
  Exchange x(Yaml());
  World().full = true;
  EXPECT_EQ(x.Headers(), WEIR_STOP_ALL);
  EXPECT_EQ(x.stream.reply_status, 403u);
}

TEST(ExtAuthzTest, FailureMayBeAllowedAndStillNobodySpeaksForTheService) {
  const std::string rest = "failure_mode_allow: true\nfailure_mode_allow_header_add: true\n";
  Exchange x(Yaml(kUser, rest));
  x.request().fields = {{"x-user", "liar"}, {"x-envoy-auth-failure-mode-allowed", "false"}};
  x.Headers();
  World().callout()->Fail(WEIR_REASON_TIMEOUT);
  EXPECT_EQ(x.stream.resumes, 1);
  EXPECT_EQ(x.request().Values("x-user"), "(none)");
  EXPECT_EQ(x.request().Values("x-envoy-auth-failure-mode-allowed"), "true");
  EXPECT_EQ(World().counters["ext_authz.failure_mode_allowed"], 1u);
  Exchange full(Yaml(kUser, rest));
  World().full = true;
  EXPECT_EQ(full.Headers(), WEIR_CONTINUE);
  Exchange well(Yaml(kUser, rest));
  well.request().fields = {{"x-envoy-auth-failure-mode-allowed", "true"}};
  well.Headers();
  World().callout()->Answer(200);
  EXPECT_EQ(well.request().Values("x-envoy-auth-failure-mode-allowed"), "(none)");
}

TEST(ExtAuthzTest, TheBodyIsAwaitedAndSent) {
  Exchange x(Yaml("", "with_request_body: {max_request_bytes: 10}\n"));
  x.request().fields = {{"x-envoy-auth-partial-body", "liar"}};
  EXPECT_EQ(x.Headers(false), WEIR_STOP);
  EXPECT_EQ(x.request().buffer_limit, 10u);
  EXPECT_EQ(x.Data("12345", false), WEIR_STOP_WATERMARK);
  EXPECT_EQ(World().callout(), nullptr);
  EXPECT_EQ(x.Data("67890", true), WEIR_STOP_WATERMARK);
  ASSERT_NE(World().callout(), nullptr);
  EXPECT_EQ(World().callout()->body, "1234567890");
  EXPECT_EQ(World().callout()->Field("x-envoy-auth-partial-body"), "false");
  World().callout()->Answer(200);
  EXPECT_EQ(x.stream.resumes, 1);
  EXPECT_EQ(x.request().body, "1234567890") << "it goes on whole";
}

TEST(ExtAuthzTest, ABodyThatIsTooLargeIs413EvenWhereFailureIsAllowed) {
  Exchange x(Yaml("", "failure_mode_allow: true\nwith_request_body: {max_request_bytes: 10}\n"));
  x.Headers(false);
  EXPECT_EQ(x.Data("12345678901", false), WEIR_STOP);
  EXPECT_EQ(x.stream.reply_status, 413u);
  EXPECT_EQ(World().callout(), nullptr);
}

TEST(ExtAuthzTest, APartOfTheBodyMayBeEnough) {
  Exchange x(Yaml("", "with_request_body: {max_request_bytes: 10, allow_partial_message: true}\n"));
  x.Headers(false);
  EXPECT_EQ(x.Data("12345678901234", false), WEIR_STOP_WATERMARK);
  EXPECT_EQ(World().callout()->body, "1234567890");
  EXPECT_EQ(World().callout()->Field("x-envoy-auth-partial-body"), "true");
  EXPECT_EQ(x.Data("more", true), WEIR_STOP_WATERMARK) << "it waits for the answer";
  EXPECT_EQ(World().callouts.size(), 1u);
  World().callout()->Answer(200);
  EXPECT_EQ(x.stream.resumes, 1);
  EXPECT_EQ(x.Data("", true), WEIR_CONTINUE);
}

TEST(ExtAuthzTest, RoutesMaySwitchItOffOrHaveTheBodyOtherwise) {
  const FakeConfig off = Load("disabled: true", true);
  const FakeConfig bare = Load("check_settings: {disable_request_body_buffering: true}", true);
  const FakeConfig own = Load("check_settings: {with_request_body: {max_request_bytes: 3}}", true);
  const std::string yaml = Yaml("", "with_request_body: {max_request_bytes: 10}\n");
  Exchange x(yaml);
  x.stream.route_config = off.get();
  EXPECT_EQ(x.Headers(false), WEIR_CONTINUE);
  EXPECT_EQ(x.Data("1", true), WEIR_CONTINUE);
  EXPECT_EQ(World().callout(), nullptr);
  EXPECT_EQ(World().counters["ext_authz.disabled"], 1u);
  Exchange y(yaml);
  y.stream.route_config = bare.get();
  EXPECT_EQ(y.Headers(false), WEIR_STOP_ALL_WATERMARK);
  y.End();
  Exchange z(yaml);
  z.stream.route_config = own.get();
  EXPECT_EQ(z.Headers(false), WEIR_STOP);
  EXPECT_EQ(z.Data("1234", false), WEIR_STOP);
  EXPECT_EQ(z.stream.reply_status, 413u);
}

TEST(ExtAuthzTest, TheRouteIsFoundAnewWhenFieldsChanged) {
  Exchange x(Yaml(kUser, "clear_route_cache: true\n"));
  x.Headers();
  World().callout()->Answer(200, {{"x-user", "anna"}});
  EXPECT_EQ(x.stream.route_refreshes, 1);
  Exchange same(Yaml(kUser, "clear_route_cache: true\n"));
  same.Headers();
  World().callout()->Answer(200);
  EXPECT_EQ(same.stream.route_refreshes, 0);
}

TEST(ExtAuthzTest, AClientThatGoesTakesTheQuestionBack) {
  Exchange x(Yaml());
  x.Headers();
  x.End();
  EXPECT_TRUE(World().callout()->cancelled);
}

TEST(ExtAuthzTest, AMessageThatCannotBeChangedIsNotLetThrough) {
  Exchange x(Yaml(kUser));
  x.Headers();
  x.stream.failure = WEIR_NO_ROOM;
  World().callout()->Answer(200, {{"x-user", "anna"}});
  EXPECT_EQ(x.stream.resumes, 0);
  EXPECT_EQ(World().counters["ext_authz.ok"], 0u);
}

TEST(ExtAuthzTest, ARequestWhoseAnswerHasNoRoomIsResetAndDoesNotWaitForEver) {
  for (const std::uint32_t status : {403u, 500u}) {
    Exchange x(Yaml());
    x.Headers();
    x.stream.failure = WEIR_NO_ROOM;
    World().callout()->Answer(status);
    EXPECT_EQ(x.stream.resets, 1) << status;
    EXPECT_EQ(x.stream.resumes, 0) << status;
  }
}

TEST(ExtAuthzTest, TunnelsAreAskedForWithoutBodyAndPlainConnectIsANo) {
  Exchange upgrade(Yaml("", "with_request_body: {max_request_bytes: 10}\n"));
  upgrade.stream.SetStart(":method", "CONNECT");
  upgrade.stream.start.emplace_back(":protocol", "websocket");
  EXPECT_EQ(upgrade.Headers(false), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(World().callout()->method, "GET");
  upgrade.End();
  Exchange plain(Yaml("", "failure_mode_allow: true\n"));
  plain.stream.SetStart(":method", "CONNECT");
  plain.stream.SetStart(":path", "");
  EXPECT_EQ(plain.Headers(false), WEIR_STOP_ALL);
  EXPECT_EQ(plain.stream.reply_status, 403u);
}

}  // namespace
}  // namespace weir::filters
