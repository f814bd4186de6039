// Two HTTP/2 codecs back to back.

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/codec_pair.h"
#include "tests/unit/codecs/h2/h2_api.h"

namespace weir::h2 {
namespace {

using test::ExpectEchoed;
using test::Pair;

test::Plan NewPlan() {
  test::Plan plan;
  plan.api = &Api();
  return plan;
}

TEST(H2PairTest, NoByteIsLostOrMixed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::Plan plan = NewPlan();
    plan.seed = seed;
    Pair pair(plan);
    pair.Run();
    for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, seed);
    EXPECT_EQ(pair.requests_seen(), plan.exchanges);
    EXPECT_EQ(pair.most_open(), plan.streams);  // they did overlap
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(test::FakeCodecMemory(), 0u);
}

TEST(H2PairTest, WindowsOfAByteMove) {
  test::Plan plan = NewPlan();
  plan.seed = 7;
  plan.window = 1;
  plan.exchanges = 8;
  plan.longest_body = 2000;
  Pair pair(plan);
  pair.Run();
  for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, plan.seed);
}

TEST(H2PairTest, LargeFramesAndWindows) {
  test::Plan plan = NewPlan();
  plan.seed = 11;
  plan.window = 1 << 20;
  plan.longest_body = 20000;
  Pair pair(plan);
  pair.Run();
  for (const auto& exchange : pair.exchanges()) ExpectEchoed(*exchange, plan.seed);
}

TEST(H2PairTest, AResetStopsItsStreamAlone) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::Plan plan = NewPlan();
    plan.seed = seed;
    plan.reset_in = 3;
    Pair pair(plan);
    pair.Run();
    int resets = 0;
    for (const auto& exchange : pair.exchanges()) {
      if (exchange->reset) {
        EXPECT_TRUE(exchange->reset_by_client);
        // What had come back is the start of the truth.
        EXPECT_EQ(exchange->body.substr(0, exchange->answer.size()), exchange->answer);
        ++resets;
      } else {
        ExpectEchoed(*exchange, seed);
      }
    }
    EXPECT_GT(resets, 0);
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(H2PairTest, AGoawayServesWhatItSawAndRefusesTheRest) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    test::Plan plan = NewPlan();
    plan.seed = seed;
    plan.goaway_after = 10;
    Pair pair(plan);
    pair.Run();
    int done = 0;
    for (const auto& exchange : pair.exchanges()) {
      if (exchange->reset) {
        EXPECT_EQ(exchange->reset_reason, std::uint32_t{WEIR_REASON_REFUSED});
        EXPECT_EQ(exchange->answer, "");  // and so it may be replayed
      } else {
        ExpectEchoed(*exchange, seed);
        ++done;
      }
    }
    EXPECT_EQ(done, pair.requests_seen());
    EXPECT_EQ(done, 10);
    EXPECT_TRUE(pair.server().closed) << "seed " << seed;
    EXPECT_EQ(Api().capacity(pair.client().codec), 0u);
    EXPECT_EQ(Api().reusable(pair.client().codec), 0u);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::h2
