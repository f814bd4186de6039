#include "codecs/h2/guards/guards.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace weir::h2 {
namespace {

TEST(H2Guards, EachHasANameAndItsOwn) {
  std::set<std::string> names;
  for (size_t i = 0; i < kGuardCount; ++i) {
    EXPECT_EQ(static_cast<size_t>(kGuards[i].id), i + 1);
    EXPECT_STREQ(Name(kGuards[i].id), kGuards[i].name);
    EXPECT_TRUE(names.insert(kGuards[i].name).second);
  }
  EXPECT_EQ(names.size(), 13u);
  EXPECT_STREQ(Name(GuardId::kNone), "none");
}

TEST(H2Guards, DefaultsOfTheTableAreTheOnesInForceAndWithinTheirBounds) {
  std::set<std::string> names;
  for (const GuardLimitInfo& row : kGuardLimitTable) {
    EXPECT_EQ(kDefaultGuardLimits.*row.member, row.value) << row.name;
    EXPECT_LE(row.least, row.value) << row.name;
    EXPECT_LE(row.value, row.most) << row.name;
    EXPECT_NE(row.guard, GuardId::kNone) << row.name;
    EXPECT_TRUE(names.insert(row.name).second);
  }
  EXPECT_EQ(names.size() * sizeof(uint32_t), sizeof(GuardLimits));
}

TEST(H2Guards, EachHasALimit) {
  std::set<GuardId> guards;
  for (const GuardLimitInfo& row : kGuardLimitTable) guards.insert(row.guard);
  EXPECT_EQ(guards.size(), kGuardCount);
}

// A burst that the bucket could not hold would never trip, or always.
TEST(H2Guards, BucketsHoldTheLargestBurst) {
  for (const GuardLimitInfo& row : kGuardLimitTable) {
    const std::string name = row.name;
    if (name.size() > 6 && name.substr(name.size() - 6) == "_burst") {
      EXPECT_LE(row.most, TokenBucket::kMaxBurst) << name;
    }
  }
}

TEST(H2Guards, AreSmall) {
  EXPECT_LE(sizeof(Guards), 144u);
  EXPECT_LE(sizeof(SlowReader), 32u);
}

// Each event reaches its own guard and no other.
TEST(H2Guards, AnEventIsChargedToItsGuard) {
  GuardLimits limits;
  for (const GuardLimitInfo& row : kGuardLimitTable) {
    const std::string name = row.name;
    if (name.find("_per_") != std::string::npos) limits.*row.member = 0;
    if (name.find("_burst") != std::string::npos) limits.*row.member = 1;
  }
  limits.rapid_reset_early_weight = 1;
  const auto second = [](auto event) {
    Guards guards;
    EXPECT_EQ(event(guards), GuardId::kNone);
    return event(guards);
  };
  EXPECT_EQ(second([&](Guards& g) { return g.PeerReset(0, false, limits); }), GuardId::kRapidReset);
  EXPECT_EQ(second([&](Guards& g) { return g.ProvokedReset(0, limits); }), GuardId::kMadeYouReset);
  EXPECT_EQ(second([&](Guards& g) { return g.Settings(0, 1, limits); }), GuardId::kSettingsFlood);
  EXPECT_EQ(second([&](Guards& g) { return g.Ping(0, limits); }), GuardId::kPingFlood);
  EXPECT_EQ(second([&](Guards& g) { return g.Priority(0, limits); }), GuardId::kPriorityFlood);
  EXPECT_EQ(second([&](Guards& g) { return g.WindowUpdate(0, limits); }),
            GuardId::kWindowUpdateFlood);
  EXPECT_EQ(second([&](Guards& g) { return g.Content(0, 0, false, limits); }),
            GuardId::kEmptyFrameFlood);
  EXPECT_EQ(second([&](Guards& g) { return g.HeaderList(0, 1, 16385, limits); }),
            GuardId::kHeaderBomb);
  EXPECT_EQ(second([&](Guards& g) { return g.UnknownFrame(0, limits); }),
            GuardId::kUnknownFrameFlood);
}

TEST(H2Guards, ABlockIsChargedToItsGuard) {
  Guards guards;
  EXPECT_EQ(guards.BlockBegins(1, kDefaultGuardLimits), GuardId::kNone);
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(guards.BlockContinues(1, kDefaultGuardLimits), GuardId::kNone);
  }
  EXPECT_EQ(guards.BlockContinues(1, kDefaultGuardLimits), GuardId::kContinuationFlood);
  EXPECT_EQ(guards.BlockBegins(65537, kDefaultGuardLimits), GuardId::kContinuationFlood);
}

TEST(H2QueueGrowth, PausesBeforeItEnds) {
  const GuardLimits limits;
  EXPECT_FALSE(QueueGrowth::Pauses(16384, limits));
  EXPECT_TRUE(QueueGrowth::Pauses(16385, limits));
  EXPECT_EQ(Guards::ControlOutput(0, limits), GuardId::kNone);
  EXPECT_EQ(Guards::ControlOutput(262144, limits), GuardId::kNone);
  EXPECT_EQ(Guards::ControlOutput(262145, limits), GuardId::kQueueGrowth);
}

}  // namespace
}  // namespace weir::h2
