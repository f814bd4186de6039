#include "filters/http/cors/cors.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_filter.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeFilter;
using kit::FakeHttpStream;
using ::testing::HasSubstr;

using List = std::vector<std::pair<std::string, std::string>>;

FakeConfig Load(const std::string& yaml, bool per_route = true) {
  return FakeConfig::Http(kCorsApi, yaml, per_route);
}

const char kPolicy[] = R"(
allow_origin_string_match: [{exact: "https://shop.example"}, {suffix: .partner.example}]
allow_methods: GET, PUT
allow_headers: x-token
expose_headers: x-total
max_age: "600"
)";

class CorsTest : public ::testing::Test {
 protected:
  CorsTest() : base_(Load("{}", false)) { kit::World().Clear(); }

  // A request under a route's policy, and its answer on the way back.
  void Run(const std::string& policy, const std::string& method, List fields) {
    route_ = std::make_unique<FakeConfig>(Load(policy));
    ASSERT_TRUE(route_->ok()) << route_->errors();
    stream_ = std::make_unique<FakeHttpStream>();
    stream_->route_config = route_->get();
    stream_->SetStart(":method", method);
    stream_->messages[WEIR_REQUEST].fields = std::move(fields);
    FakeFilter filter(kCorsApi, base_, stream_.get());
    status_ = filter.RequestHeaders(true);
    stream_->messages[WEIR_RESPONSE].fields = backend_;
    EXPECT_EQ(filter.ResponseHeaders(true), WEIR_CONTINUE);
  }
  std::string Answered(const std::string& name) const {
    return stream_->messages[WEIR_RESPONSE].Values(name);
  }
  std::uint64_t Count(const std::string& name) { return kit::World().counters["cors." + name]; }

  FakeConfig base_;
  std::unique_ptr<FakeConfig> route_;
  std::unique_ptr<FakeHttpStream> stream_;
  List backend_;
  std::int32_t status_ = 0;
};

TEST_F(CorsTest, AnAllowedOriginIsNamedInTheAnswer) {
  Run(kPolicy, "GET", {{"origin", "https://shop.example"}});
  EXPECT_EQ(status_, WEIR_CONTINUE);
  EXPECT_EQ(Answered("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(Answered("access-control-expose-headers"), "x-total");
  EXPECT_EQ(Answered("access-control-allow-credentials"), "(none)");
  EXPECT_EQ(Answered("access-control-allow-methods"), "(none)");
  EXPECT_EQ(Answered("vary"), "origin");
  EXPECT_EQ(Count("origin_valid"), 1u);
  EXPECT_EQ(Count("origin_invalid"), 0u);
}

TEST_F(CorsTest, AnotherOriginIsNotNamed) {
  for (const std::string origin : {"https://evil.example", "https://shop.example.evil",
                                   "http://shop.example", "null", "https://SHOP.example"}) {
    Run(kPolicy, "GET", {{"origin", origin}});
    EXPECT_EQ(status_, WEIR_CONTINUE);
    EXPECT_EQ(Answered("access-control-allow-origin"), "(none)") << origin;
    EXPECT_EQ(Answered("vary"), "origin") << "a cache must know that the origin decided";
  }
  EXPECT_EQ(Count("origin_invalid"), 5u);
}

TEST_F(CorsTest, OfTwoOriginsNoneIsAllowed) {
  Run(kPolicy, "GET", {{"origin", "https://shop.example"}, {"origin", "https://evil.example"}});
  EXPECT_EQ(Answered("access-control-allow-origin"), "(none)");
  EXPECT_EQ(Count("origin_invalid"), 1u);
}

TEST_F(CorsTest, WithoutAnOriginNothingIsCounted) {
  Run(kPolicy, "GET", {});
  EXPECT_EQ(status_, WEIR_CONTINUE);
  EXPECT_EQ(Answered("access-control-allow-origin"), "(none)");
  EXPECT_EQ(Answered("vary"), "origin");
  EXPECT_EQ(Count("origin_valid") + Count("origin_invalid"), 0u);
}

TEST_F(CorsTest, APreflightIsAnsweredHere) {
  Run(kPolicy, "OPTIONS",
      {{"origin", "https://a.partner.example"}, {"access-control-request-method", "PUT"}});
  EXPECT_EQ(status_, WEIR_STOP_ALL);
  EXPECT_EQ(stream_->reply_status, 200u);
  EXPECT_EQ(stream_->reply_body, "");
  EXPECT_EQ(stream_->reply_details, "cors_response");
  EXPECT_EQ(stream_->ReplyField("access-control-allow-methods"), "GET, PUT");
  EXPECT_EQ(stream_->ReplyField("access-control-allow-headers"), "x-token");
  EXPECT_EQ(stream_->ReplyField("access-control-max-age"), "600");
  EXPECT_EQ(stream_->ReplyField("access-control-allow-private-network"), "");
  // The reply passes the response's hook on its way.
  EXPECT_EQ(Answered("access-control-allow-origin"), "https://a.partner.example");
  EXPECT_EQ(Answered("vary"), "origin");
}

TEST_F(CorsTest, OptionsWithoutARequestedMethodIsNoPreflight) {
  Run(kPolicy, "OPTIONS", {{"origin", "https://shop.example"}});
  EXPECT_EQ(status_, WEIR_CONTINUE);
  EXPECT_EQ(stream_->local_replies, 0);
  Run(kPolicy, "OPTIONS", {{"access-control-request-method", "PUT"}});
  EXPECT_EQ(status_, WEIR_CONTINUE);
}

TEST_F(CorsTest, APreflightOfAnotherOriginGoesOnUnlessToldNotTo) {
  const List fields = {{"origin", "https://evil.example"},
                       {"access-control-request-method", "PUT"}};
  Run(kPolicy, "OPTIONS", fields);
  EXPECT_EQ(status_, WEIR_CONTINUE);
  Run(std::string(kPolicy) + "forward_not_matching_preflights: false\n", "OPTIONS", fields);
  EXPECT_EQ(status_, WEIR_STOP_ALL);
  EXPECT_EQ(stream_->reply_status, 200u);
  EXPECT_EQ(Answered("access-control-allow-origin"), "(none)") << "so the browser refuses";
}

TEST_F(CorsTest, AStarIsAnsweredWithWhatWasAskedFor) {
  Run("{allow_origin_string_match: [{exact: '*'}], allow_methods: '*', allow_headers: '*'}",
      "OPTIONS",
      {{"origin", "null"},
       {"access-control-request-method", "PATCH"},
       {"access-control-request-headers", "x-a,x-b"}});
  EXPECT_EQ(stream_->ReplyField("access-control-allow-methods"), "PATCH");
  EXPECT_EQ(stream_->ReplyField("access-control-allow-headers"), "x-a,x-b");
  EXPECT_EQ(Answered("access-control-allow-origin"), "null");
}

TEST_F(CorsTest, CredentialsGoWithAnOriginAlone) {
  const std::string policy =
      "{allow_origin_string_match: [{safe_regex: {regex: 'https://[a-z]+\\.example'}}], "
      "allow_credentials: true}";
  Run(policy, "GET", {{"origin", "https://a.example"}});
  EXPECT_EQ(Answered("access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(Answered("access-control-allow-credentials"), "true");
  Run(policy, "GET", {{"origin", "https://a.example.evil"}});
  EXPECT_EQ(Answered("access-control-allow-credentials"), "(none)") << "a regex matches the whole";
  EXPECT_THAT(Load("{allow_origin_string_match: [{exact: '*'}], allow_credentials: true}").errors(),
              HasSubstr("every origin together with allow_credentials"));
}

TEST_F(CorsTest, PrivateNetworksAreAllowedWhenAskedFor) {
  const List fields = {{"origin", "https://shop.example"},
                       {"access-control-request-method", "PUT"},
                       {"access-control-request-private-network", "true"}};
  Run(std::string(kPolicy) + "allow_private_network_access: true\n", "OPTIONS", fields);
  EXPECT_EQ(stream_->ReplyField("access-control-allow-private-network"), "true");
  Run(kPolicy, "OPTIONS", fields);
  EXPECT_EQ(stream_->ReplyField("access-control-allow-private-network"), "");
}

TEST_F(CorsTest, WhatTheBackendSaysOfOriginsIsReplaced) {
  backend_ = {{"access-control-allow-origin", "*"}, {"vary", "Accept-Encoding, Origin"}};
  Run(kPolicy, "GET", {{"origin", "https://shop.example"}});
  EXPECT_EQ(Answered("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(Answered("vary"), "Accept-Encoding, Origin");
  backend_ = {{"vary", "accept"}};
  Run(kPolicy, "GET", {{"origin", "https://shop.example"}});
  EXPECT_EQ(Answered("vary"), "accept|origin");
}

TEST_F(CorsTest, SwitchedOffItDoesNothing) {
  Run(std::string(kPolicy) + "filter_enabled: {default_value: {numerator: 0}}\n", "GET",
      {{"origin", "https://shop.example"}});
  EXPECT_EQ(Answered("access-control-allow-origin"), "(none)");
  EXPECT_EQ(Answered("vary"), "(none)");
  EXPECT_EQ(Count("origin_valid"), 0u);
}

TEST_F(CorsTest, InTheShadowItOnlyCounts) {
  const std::string policy = std::string(kPolicy) +
                             "filter_enabled: {default_value: {numerator: 0}}\n"
                             "shadow_enabled: {default_value: {numerator: 100}, runtime_key: x}\n";
  Run(policy, "OPTIONS",
      {{"origin", "https://shop.example"}, {"access-control-request-method", "PUT"}});
  EXPECT_EQ(status_, WEIR_CONTINUE);
  EXPECT_EQ(Answered("access-control-allow-origin"), "(none)");
  EXPECT_EQ(Count("origin_valid"), 1u);
}

TEST_F(CorsTest, WithoutAPolicyItDoesNothing) {
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {{"origin", "https://shop.example"}};
  FakeFilter filter(kCorsApi, base_, &stream);
  EXPECT_EQ(filter.RequestHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(filter.ResponseHeaders(true), WEIR_CONTINUE);
  EXPECT_TRUE(stream.messages[WEIR_RESPONSE].fields.empty());
}

TEST_F(CorsTest, TheFiltersOwnPolicyIsForRoutesWithoutOne) {
  const FakeConfig base = Load(kPolicy, false);
  ASSERT_TRUE(base.ok()) << base.errors();
  FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = {{"origin", "https://shop.example"}};
  FakeFilter filter(kCorsApi, base, &stream);
  EXPECT_EQ(filter.ResponseHeaders(true), WEIR_CONTINUE) << "an answer without a request";
  EXPECT_EQ(filter.RequestHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(filter.ResponseHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(stream.messages[WEIR_RESPONSE].Values("access-control-allow-origin"),
            "https://shop.example");
}

TEST_F(CorsTest, ARefusalOfTheHostFailsClosed) {
  Run(kPolicy, "GET", {});
  FakeHttpStream stream;
  stream.route_config = route_->get();
  stream.messages[WEIR_REQUEST].fields = {{"origin", "https://shop.example"}};
  FakeFilter filter(kCorsApi, base_, &stream);
  EXPECT_EQ(filter.RequestHeaders(true), WEIR_CONTINUE);
  stream.failure = WEIR_NO_ROOM;
  EXPECT_LT(filter.ResponseHeaders(true), 0);
}

TEST_F(CorsTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("allow_origin_string_match: {exact: a}").errors(), HasSubstr("must be a list"));
  EXPECT_THAT(Load("allow_origin_string_match: [{exakt: a}]").errors(),
              HasSubstr("exactly one of exact"));
  EXPECT_THAT(Load("allow_origin_string_match: [{safe_regex: {regex: '('}}]").errors(),
              HasSubstr("no regular expression"));
  EXPECT_THAT(Load("max_age: soon").errors(), HasSubstr("1:10: "));
  EXPECT_THAT(Load("allow_methods: \"a\\nb\"").errors(), HasSubstr("no field value may have"));
  EXPECT_THAT(Load("allow_origin: ['*']").errors(), HasSubstr("\"allow_origin\" is no key"));
  EXPECT_THAT(Load("filter_enabled: {runtime_key: a}").errors(), HasSubstr("default_value"));
  EXPECT_THAT(Load("filter_enabled: {default_value: {numerator: 1, denominator: TEN}}").errors(),
              HasSubstr("is none of HUNDRED, TEN_THOUSAND, MILLION"));
  EXPECT_THAT(Load("[]").errors(), HasSubstr("cors must be a mapping"));
  EXPECT_TRUE(Load("{max_age: 86400}").ok());
}

}  // namespace
}  // namespace weir::filters
