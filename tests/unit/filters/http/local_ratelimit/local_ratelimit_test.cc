#include "filters/http/local_ratelimit/local_ratelimit.h"

#include <gmock/gmock.h>

#include "tests/unit/filters/http/local_ratelimit/limit_world.h"

namespace weir::filters::ratelimit {
namespace {

using kit::World;
using ::testing::ElementsAre;
using ::testing::Pair;

constexpr char kTwoPerSecond[] =
    "stat_prefix: s\ntoken_bucket: {max_tokens: 2, tokens_per_fill: 2, fill_interval: 1s}\n";

class LocalRatelimitTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
};

TEST_F(LocalRatelimitTest, WhoFindsNoTokenIsAnsweredWith429) {
  const kit::FakeConfig config = Load(kTwoPerSecond);
  EXPECT_TRUE(Request().Passes(config));
  EXPECT_TRUE(Request().Passes(config));
  Request third;
  EXPECT_FALSE(third.Passes(config));
  EXPECT_EQ(third.reply_status, 429u);
  EXPECT_EQ(third.reply_body, "local_rate_limited");
  EXPECT_EQ(third.reply_details, "local_rate_limited");
  EXPECT_THAT(third.flags, ElementsAre("RL"));
  World().Advance(999);
  EXPECT_FALSE(Request().Passes(config));
  World().Advance(1);
  EXPECT_TRUE(Request().Passes(config));
}

TEST_F(LocalRatelimitTest, Counters) {
  const kit::FakeConfig config = Load(kTwoPerSecond);
  for (int i = 0; i < 5; ++i) Request().Passes(config);
  EXPECT_EQ(Count("enabled"), 5u);
  EXPECT_EQ(Count("ok"), 2u);
  EXPECT_EQ(Count("rate_limited"), 3u);
  EXPECT_EQ(Count("enforced"), 3u);
}

TEST_F(LocalRatelimitTest, AStatusAndFieldsOfTheAnswer) {
  const kit::FakeConfig config = Load(R"(
stat_prefix: s
token_bucket: {max_tokens: 1, fill_interval: 60s}
status: {code: 503}
response_headers_to_add:
- {header: {key: X-Local-Rate-Limit, value: "true"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
- {header: {key: retry-after, value: "60"}}
)");
  EXPECT_TRUE(Request().Passes(config));
  Request second;
  EXPECT_FALSE(second.Passes(config));
  EXPECT_EQ(second.reply_status, 503u);
  EXPECT_THAT(second.reply_fields,
              ElementsAre(Pair("x-local-rate-limit", "true"), Pair("retry-after", "60")));
}

TEST_F(LocalRatelimitTest, WhatIsNotEnforcedIsMarkedAndGoesOn) {
  const kit::FakeConfig config = Load(R"(
stat_prefix: s
token_bucket: {max_tokens: 1, fill_interval: 60s}
filter_enforced: {runtime_key: x, default_value: {numerator: 0}}
request_headers_to_add_when_not_enforced:
- {header: {key: x-limited, value: "yes"}}
)");
  Request first;
  EXPECT_TRUE(first.Passes(config));
  EXPECT_EQ(first.messages[WEIR_REQUEST].Values("x-limited"), "(none)");
  Request second;
  EXPECT_TRUE(second.Passes(config));
  EXPECT_EQ(second.messages[WEIR_REQUEST].Values("x-limited"), "yes");
  EXPECT_EQ(Count("rate_limited"), 1u);
  EXPECT_EQ(Count("enforced"), 0u);
}

TEST_F(LocalRatelimitTest, WhatIsNotEnabledIsNotCounted) {
  const kit::FakeConfig config =
      Load(std::string(kTwoPerSecond) + "filter_enabled: {default_value: {numerator: 0}}\n");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Request().Passes(config));
  EXPECT_EQ(Count("enabled"), 0u);
}

TEST_F(LocalRatelimitTest, AShareOfTheRequestsIsEnabled) {
  const kit::FakeConfig config = Load(
      "{stat_prefix: s, token_bucket: {max_tokens: 100000, fill_interval: 1s}, filter_enabled: "
      "{default_value: {numerator: 2500, denominator: TEN_THOUSAND}}}");
  for (int i = 0; i < 4000; ++i) Request().Passes(config);
  EXPECT_GT(Count("enabled"), 800u);
  EXPECT_LT(Count("enabled"), 1200u);
}

TEST_F(LocalRatelimitTest, FieldsThatTellTheLimit) {
  const kit::FakeConfig config = Load(R"(
stat_prefix: s
token_bucket: {max_tokens: 2, tokens_per_fill: 2, fill_interval: 30s}
enable_x_ratelimit_headers: DRAFT_VERSION_03
)");
  Request first;
  first.messages[WEIR_RESPONSE].fields.emplace_back("x-ratelimit-limit", "of the backend");
  EXPECT_TRUE(first.Passes(config));
  EXPECT_EQ(first.Answer("x-ratelimit-limit"), "2");
  EXPECT_EQ(first.Answer("x-ratelimit-remaining"), "1");
  EXPECT_EQ(first.Answer("x-ratelimit-reset"), "30");
  EXPECT_TRUE(Request().Passes(config));
  World().Advance(12'345);
  Request third;
  EXPECT_FALSE(third.Passes(config));
  EXPECT_EQ(third.Answer("x-ratelimit-remaining"), "0");
  EXPECT_EQ(third.Answer("x-ratelimit-reset"), "18");
  Request plain;
  const kit::FakeConfig silent = Load(kTwoPerSecond);
  EXPECT_TRUE(plain.Passes(silent));
  EXPECT_EQ(plain.Answer("x-ratelimit-limit"), "(none)");
}

TEST_F(LocalRatelimitTest, GrpcHearsThatAResourceIsExhausted) {
  const std::string one = "stat_prefix: s\ntoken_bucket: {max_tokens: 1, fill_interval: 60s}\n";
  for (const bool exhausted : {true, false}) {
    const kit::FakeConfig config =
        Load(one + (exhausted ? "rate_limited_as_resource_exhausted: true\n" : ""));
    Request served;
    served.messages[WEIR_RESPONSE].fields.emplace_back("grpc-status", "0");
    EXPECT_TRUE(served.Passes(config));
    EXPECT_EQ(served.Answer("grpc-status"), "0");
    Request limited;
    limited.messages[WEIR_RESPONSE].fields.emplace_back("grpc-status", "14");
    EXPECT_FALSE(limited.Passes(config));
    EXPECT_EQ(limited.Answer("grpc-status"), exhausted ? "8" : "14");
  }
}

TEST_F(LocalRatelimitTest, EachConnectionHasItsOwnBucketWhenAsked) {
  const kit::FakeConfig config = Load(
      "{stat_prefix: s, token_bucket: {max_tokens: 1, fill_interval: 60s}, "
      "local_rate_limit_per_downstream_connection: true}");
  const auto passes = [&](std::int64_t connection) {
    Request request;
    if (connection != 0) request.numbers[WEIR_NUMBER_CONNECTION_ID] = connection;
    return request.Passes(config);
  };
  EXPECT_TRUE(passes(1));
  EXPECT_TRUE(passes(2));
  EXPECT_FALSE(passes(1));
  EXPECT_FALSE(passes(2));
  EXPECT_TRUE(passes(0)) << "those without a number share one";
  EXPECT_FALSE(passes(0));
}

TEST_F(LocalRatelimitTest, ARouteHasItsOwnLimits) {
  const kit::FakeConfig config = Load("stat_prefix: s");
  const kit::FakeConfig route =
      Load("{stat_prefix: r, token_bucket: {max_tokens: 1, fill_interval: 60s}}", true);
  ASSERT_TRUE(route.ok()) << route.errors();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Request().Passes(config)) << "there is no limit";
  EXPECT_EQ(Count("enabled"), 0u);
  int served = 0;
  for (int i = 0; i < 3; ++i) {
    Request request;
    request.route_config = route.get();
    served += request.Passes(config) ? 1 : 0;
  }
  EXPECT_EQ(served, 1);
  EXPECT_EQ(World().counters["r.http_local_rate_limit.rate_limited"], 2u);
}

TEST_F(LocalRatelimitTest, AnAnswerThatTheHostRefusesFailsTheRequest) {
  const kit::FakeConfig config = Load(kTwoPerSecond);
  Request().Passes(config);
  Request().Passes(config);
  kit::FakeHttpStream stream;
  stream.failure = WEIR_ERROR;
  alignas(16) unsigned char self[sizeof(LocalRatelimit)] = {};
  ASSERT_EQ(kLocalRatelimitApi.create(self, config.get(), stream.handle()), WEIR_OK);
  EXPECT_LT(kLocalRatelimitApi.request_headers(self, stream.handle(), 1), 0);
  kLocalRatelimitApi.destroy(self);
}

}  // namespace
}  // namespace weir::filters::ratelimit
