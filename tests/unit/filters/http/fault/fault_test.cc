#include "filters/http/fault/fault.h"

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
using kit::FakeMessage;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kFaultApi, yaml, per_route);
}

const char kDelay[] = "delay: {fixed_delay: 0.2s, percentage: {numerator: 100}}\n";
const char kAbort[] = "abort: {http_status: 503, percentage: {numerator: 100}}\n";

// A filter of its own on a stream of its own.
struct One {
  explicit One(const FakeConfig& config) : filter(kFaultApi, config, &stream) {
    EXPECT_TRUE(config.ok()) << config.errors();
  }
  FakeHttpStream stream;
  FakeFilter filter;
};

class FaultTest : public ::testing::Test {
 protected:
  FaultTest() { kit::World().Clear(); }
  ~FaultTest() override {
    EXPECT_EQ(Active(), 0);
    EXPECT_EQ(kit::World().timers(), 0u);
  }

  static std::uint64_t Count(const std::string& name) {
    return kit::World().counters["fault." + name];
  }
  static std::int64_t Active() { return kit::World().gauges["fault.active_faults"]; }
};

TEST_F(FaultTest, ADelayHoldsTheRequestForItsTime) {
  const FakeConfig config = Load(kDelay);
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_THAT(one.stream.flags, ElementsAre("DI"));
  EXPECT_EQ(Active(), 1);
  kit::World().Advance(199);
  EXPECT_EQ(one.stream.resumes, 0);
  kit::World().Advance(1);
  EXPECT_EQ(one.stream.resumes, 1);
  kit::World().Advance(1000);
  EXPECT_EQ(one.stream.resumes, 1);
  EXPECT_EQ(one.stream.local_replies, 0);
  EXPECT_EQ(Count("delays_injected"), 1u);
  EXPECT_EQ(Count("aborts_injected"), 0u);
}

TEST_F(FaultTest, AnAbortAnswersAtOnce) {
  const FakeConfig config = Load(kAbort);
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_STOP_ALL);
  EXPECT_EQ(one.stream.reply_status, 503u);
  EXPECT_EQ(one.stream.reply_body, "fault filter abort");
  EXPECT_EQ(one.stream.reply_details, "fault_filter_abort");
  EXPECT_THAT(one.stream.flags, ElementsAre("FI"));
  EXPECT_EQ(Count("aborts_injected"), 1u);
  EXPECT_EQ(Active(), 1);
}

TEST_F(FaultTest, AnAbortComesAfterTheDelay) {
  const FakeConfig config = Load(std::string(kDelay) + kAbort);
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(one.stream.local_replies, 0);
  kit::World().Advance(200);
  EXPECT_EQ(one.stream.reply_status, 503u);
  EXPECT_EQ(one.stream.resumes, 0);
  EXPECT_THAT(one.stream.flags, ElementsAre("DI", "FI"));
  EXPECT_EQ(Active(), 1) << "one request is one active fault";
}

TEST_F(FaultTest, AClientThatGoesDuringTheDelayLeavesNothing) {
  const FakeConfig config = Load(kDelay);
  {
    One one(config);
    EXPECT_EQ(one.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
    EXPECT_EQ(kit::World().timers(), 1u);
  }
  EXPECT_EQ(kit::World().timers(), 0u);
  EXPECT_EQ(Active(), 0);
  kit::World().Advance(1000);
}

TEST_F(FaultTest, AnAnswerFromElsewhereEndsTheDelay) {
  const FakeConfig config = Load(std::string(kDelay) + kAbort);
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
  EXPECT_EQ(one.filter.ResponseHeaders(true), WEIR_CONTINUE);
  kit::World().Advance(1000);
  EXPECT_EQ(one.stream.local_replies, 0);
  EXPECT_EQ(one.stream.resumes, 0);
}

TEST_F(FaultTest, GrpcRequestsGetAStatusOfGrpc) {
  const FakeConfig config = Load("abort: {grpc_status: 14, percentage: {numerator: 100}}");
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(), WEIR_STOP_ALL);
  EXPECT_EQ(one.stream.reply_status, 200u);
  one.stream.messages[WEIR_RESPONSE].fields = {{"grpc-status", "2"}};
  EXPECT_EQ(one.filter.ResponseHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(one.stream.messages[WEIR_RESPONSE].Values("grpc-status"), "14");
  One plain(config);
  EXPECT_EQ(plain.filter.RequestHeaders(), WEIR_STOP_ALL);
  EXPECT_EQ(plain.filter.ResponseHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(plain.stream.messages[WEIR_RESPONSE].Values("grpc-status"), "(none)");
}

TEST_F(FaultTest, AFractionOfRequestsIsHit) {
  const FakeConfig config =
      Load("abort: {http_status: 500, percentage: {numerator: 2500, denominator: TEN_THOUSAND}}");
  int hits = 0;
  for (int i = 0; i < 4000; ++i) {
    One one(config);
    hits += one.filter.RequestHeaders(true) == WEIR_STOP_ALL ? 1 : 0;
  }
  EXPECT_NEAR(hits, 1000, 150);
  EXPECT_EQ(Count("aborts_injected"), static_cast<std::uint64_t>(hits));
}

TEST_F(FaultTest, OnlyRequestsThatMatchAreHit) {
  const FakeConfig config = Load(std::string(kAbort) +
                                 "upstream_cluster: shop\n"
                                 "headers: [{name: x-try, string_match: {exact: '1'}}]\n");
  const auto hit = [&](const std::string& cluster, const std::string& value) {
    One one(config);
    one.stream.attributes[WEIR_ATTR_CLUSTER] = cluster;
    one.stream.messages[WEIR_REQUEST].fields = {{"x-try", value}};
    return one.filter.RequestHeaders(true) == WEIR_STOP_ALL;
  };
  EXPECT_TRUE(hit("shop", "1"));
  EXPECT_FALSE(hit("other", "1"));
  EXPECT_FALSE(hit("shop", "2"));
}

TEST_F(FaultTest, ARouteHasItsOwnFaultsAndTheFiltersCounters) {
  const FakeConfig config = Load(kAbort);
  const FakeConfig route = Load("abort: {http_status: 418, percentage: {numerator: 100}}", true);
  const FakeConfig none = Load("{}", true);
  ASSERT_TRUE(route.ok() && none.ok());
  One one(config);
  one.stream.route_config = route.get();
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_STOP_ALL);
  EXPECT_EQ(one.stream.reply_status, 418u);
  EXPECT_EQ(Count("aborts_injected"), 1u);
  One other(config);
  other.stream.route_config = none.get();
  EXPECT_EQ(other.filter.RequestHeaders(true), WEIR_CONTINUE);
}

TEST_F(FaultTest, NoMoreThanSoManyAtATime) {
  const FakeConfig config = Load(std::string(kDelay) + "max_active_faults: 2\n");
  {
    One first(config);
    One second(config);
    One third(config);
    EXPECT_EQ(first.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
    EXPECT_EQ(second.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
    EXPECT_EQ(third.filter.RequestHeaders(), WEIR_CONTINUE);
    EXPECT_EQ(Active(), 2);
    EXPECT_EQ(Count("faults_overflow"), 1u);
  }
  One again(config);
  EXPECT_EQ(again.filter.RequestHeaders(), WEIR_STOP_ALL_WATERMARK);
  const FakeConfig none = Load(std::string(kAbort) + "max_active_faults: 0\n");
  One never(none);
  EXPECT_EQ(never.filter.RequestHeaders(), WEIR_CONTINUE);
}

TEST_F(FaultTest, TheRequestSaysItWhereThatIsConfigured) {
  const FakeConfig config = Load(
      "delay: {header_delay: {}, percentage: {numerator: 100}}\n"
      "abort: {header_abort: {}, percentage: {numerator: 100}}\n");
  const auto run = [&](std::vector<std::pair<std::string, std::string>> fields) {
    auto one = std::make_unique<One>(config);
    one->stream.messages[WEIR_REQUEST].fields = std::move(fields);
    one->filter.RequestHeaders(true);
    kit::World().Advance(150);
    return one;
  };
  EXPECT_EQ(run({{"x-envoy-fault-delay-request", "150"}})->stream.resumes, 1);
  EXPECT_EQ(run({{"x-envoy-fault-delay-request", "151"}})->stream.resumes, 0);
  EXPECT_TRUE(run({{"x-envoy-fault-delay-request", "151"}})->stream.flags.size() == 1);
  EXPECT_EQ(run({{"x-envoy-fault-abort-request", "429"}})->stream.reply_status, 429u);
  EXPECT_EQ(run({{"x-envoy-fault-abort-grpc-request", "8"}})->stream.reply_status, 200u);
  for (const std::string bad : {"", "0", "-1", "5x", " 5", "99999999999999999999"}) {
    const auto one =
        run({{"x-envoy-fault-delay-request", bad}, {"x-envoy-fault-abort-request", bad}});
    EXPECT_TRUE(one->stream.flags.empty()) << bad;
  }
  EXPECT_TRUE(run({{"x-envoy-fault-abort-request", "600"}})->stream.flags.empty());
  EXPECT_TRUE(
      run({{"x-envoy-fault-abort-request", "429"}, {"x-envoy-fault-abort-request-percentage", "0"}})
          ->stream.flags.empty());
  EXPECT_TRUE(
      run({{"x-envoy-fault-delay-request", "1"}, {"x-envoy-fault-delay-request-percentage", "0"}})
          ->stream.flags.empty());
  EXPECT_TRUE(run({})->stream.flags.empty());
}

TEST_F(FaultTest, ARequestsDelayHasABound) {
  const FakeConfig config = Load("delay: {header_delay: {}, percentage: {numerator: 100}}");
  One one(config);
  one.stream.messages[WEIR_REQUEST].fields = {
      {"x-envoy-fault-delay-request", "18446744073709551615"}};
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_STOP_ALL_WATERMARK);
  kit::World().Advance(3600000);
  EXPECT_EQ(one.stream.resumes, 1);
}

class RateTest : public FaultTest {
 protected:
  RateTest()
      : config_(Load("response_rate_limit: {fixed_limit: {limit_kbps: 1}, percentage: {numerator: "
                     "100}}")),
        one_(config_) {
    EXPECT_EQ(one_.filter.RequestHeaders(true), WEIR_CONTINUE);
  }
  FakeMessage& answer() { return one_.stream.messages[WEIR_RESPONSE]; }

  FakeConfig config_;
  One one_;
};

// 1 KiB per second: 51 bytes each 50 ms.
TEST_F(RateTest, AnAnswerGoesOnInSlices) {
  answer().fields = {{"content-length", "120"}};
  EXPECT_EQ(one_.filter.ResponseHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(answer().length, 120u) << "the length stays what it is";
  answer().body = std::string(100, 'a') + std::string(20, 'b');
  EXPECT_EQ(one_.filter.ResponseData(true), WEIR_STOP_WATERMARK);
  EXPECT_EQ(answer().injected, "");
  kit::World().Advance(0);
  EXPECT_EQ(answer().injected.size(), 51u);
  kit::World().Advance(49);
  EXPECT_EQ(answer().injected.size(), 51u);
  kit::World().Advance(1);
  EXPECT_EQ(answer().injected.size(), 102u);
  EXPECT_EQ(one_.stream.resumes, 0);
  kit::World().Advance(50);
  EXPECT_EQ(answer().injected, std::string(100, 'a') + std::string(20, 'b'));
  EXPECT_EQ(answer().body, "");
  EXPECT_EQ(one_.stream.resumes, 1) << "the end follows";
  EXPECT_EQ(Count("response_rl_injected"), 1u);
}

TEST_F(RateTest, TheEndWaitsForTheBody) {
  EXPECT_EQ(one_.filter.ResponseHeaders(), WEIR_CONTINUE);
  answer().body = std::string(51, 'a');
  EXPECT_EQ(one_.filter.ResponseData(), WEIR_STOP_WATERMARK);
  kit::World().Advance(0);
  EXPECT_EQ(answer().body, "");
  EXPECT_EQ(one_.stream.resumes, 0);
  answer().body = "more";
  EXPECT_EQ(one_.filter.ResponseData(), WEIR_STOP_WATERMARK);
  EXPECT_EQ(one_.filter.ResponseTrailers(), WEIR_STOP);
  kit::World().Advance(49);
  EXPECT_EQ(answer().body, "more") << "the time since the last slice counts";
  kit::World().Advance(1);
  EXPECT_EQ(answer().body, "");
  EXPECT_EQ(one_.stream.resumes, 1);
}

TEST_F(RateTest, AnEmptyEndGoesOn) {
  EXPECT_EQ(one_.filter.ResponseHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(one_.filter.ResponseData(true), WEIR_CONTINUE);
  EXPECT_EQ(one_.filter.ResponseTrailers(), WEIR_CONTINUE);
}

TEST_F(RateTest, WithoutRoomItTriesAgain) {
  EXPECT_EQ(one_.filter.ResponseHeaders(), WEIR_CONTINUE);
  answer().body = "abc";
  EXPECT_EQ(one_.filter.ResponseData(true), WEIR_STOP_WATERMARK);
  one_.stream.failure = WEIR_NO_ROOM;
  kit::World().Advance(1000);
  EXPECT_EQ(answer().body, "abc");
  one_.stream.failure = 0;
  kit::World().Advance(50);
  EXPECT_EQ(answer().injected, "abc");
  EXPECT_EQ(one_.stream.resumes, 1);
}

TEST_F(FaultTest, TheRequestSaysTheRate) {
  const FakeConfig config =
      Load("response_rate_limit: {header_limit: {}, percentage: {numerator: 100}}");
  One none(config);
  EXPECT_EQ(none.filter.RequestHeaders(true), WEIR_CONTINUE);
  none.stream.messages[WEIR_RESPONSE].body = "abc";
  EXPECT_EQ(none.filter.ResponseData(true), WEIR_CONTINUE);
  One one(config);
  one.stream.messages[WEIR_REQUEST].fields = {{"x-envoy-fault-throughput-response", "2"}};
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_CONTINUE);
  one.stream.messages[WEIR_RESPONSE].body = std::string(1000, 'x');
  EXPECT_EQ(one.filter.ResponseData(true), WEIR_STOP_WATERMARK);
  kit::World().Advance(0);
  EXPECT_EQ(one.stream.messages[WEIR_RESPONSE].injected.size(), 102u);
}

TEST_F(FaultTest, WithoutAPercentageItNeverHappensAndThatIsSaid) {
  const FakeConfig config = Load("abort: {http_status: 500}");
  ASSERT_EQ(kit::World().log.size(), 1u);
  EXPECT_THAT(kit::World().log[0].second, HasSubstr("abort has no percentage"));
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_CONTINUE);
}

TEST_F(FaultTest, WithoutFaultsNothingIsDone) {
  const FakeConfig config = Load("");
  One one(config);
  EXPECT_EQ(one.filter.RequestHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(one.filter.ResponseHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(one.filter.ResponseData(true), WEIR_CONTINUE);
}

TEST_F(FaultTest, MistakesAreNamedAtTheirPlace) {
  const std::pair<const char*, const char*> mistakes[] = {
      {"delay: {percentage: {numerator: 1}}", "one of fixed_delay and header_delay"},
      {"delay: {fixed_delay: 0s, percentage: {}}", "must be more than 0"},
      {"delay: {fixed_delay: 2h, percentage: {}}", "more than an hour"},
      {"delay: {fixed_delay: soon, percentage: {}}", "1:22: "},
      {"delay: {type: FIXED, fixed_delay: 1s, percentage: {}}", "type is not available"},
      {"abort: {http_status: 600, percentage: {}}", "1:22: "},
      {"abort: {http_status: 500, grpc_status: 1, percentage: {}}", "abort needs one of"},
      {"abort: {percentage: {}}", "abort needs one of"},
      {"response_rate_limit: {fixed_limit: {limit_kbps: 0}, percentage: {}}", "1:49: "},
      {"response_rate_limit: {fixed_limit: {}, percentage: {}}", "needs limit_kbps"},
      {"response_rate_limit: {percentage: {}}", "one of fixed_limit and header_limit"},
      {"downstream_nodes: [a]", "downstream_nodes is not available"},
      {"abort_percent_runtime: a", "there is no runtime"},
      {"max_active_faults: -1", "1:20: "},
      {"delays: {}", "\"delays\" is no key"},
      {"disable_downstream_cluster_stats: false", "by downstream cluster"},
      {"[]", "fault must be a mapping"},
  };
  for (const auto& [yaml, error] : mistakes) {
    EXPECT_THAT(Load(yaml).errors(), HasSubstr(error)) << yaml;
  }
}

}  // namespace
}  // namespace weir::filters
