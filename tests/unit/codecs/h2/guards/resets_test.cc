#include <gtest/gtest.h>

#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

const GuardLimits kLimits;

TEST(H2RapidReset, ABurstPassesAndOneMoreDoesNot) {
  RapidReset guard;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(guard.Charge(0, true, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, true, kLimits));
}

TEST(H2RapidReset, AResetBeforeTheResponseBeganCountsTwice) {
  RapidReset guard;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(guard.Charge(0, false, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, false, kLimits));
}

TEST(H2RapidReset, TheSustainedRatePassesForAnHour) {
  RapidReset guard;
  for (uint64_t second = 0; second < 3600; ++second) {
    for (int i = 0; i < 33; ++i) ASSERT_TRUE(guard.Charge(second * 1000, true, kLimits)) << second;
  }
}

// The attack that stays below any limit per second: 99 resets in each, for ten minutes.
TEST(H2RapidReset, ALittleMoreThanTheRateIsFoundWithinAMinute) {
  RapidReset guard;
  uint64_t second = 0;
  bool good = true;
  for (; good && second < 600; ++second) {
    for (int i = 0; good && i < 99; ++i) good = guard.Charge(second * 1000, true, kLimits);
  }
  EXPECT_FALSE(good);
  EXPECT_LT(second, 60u);
}

TEST(H2RapidReset, AStreamThatEndsWellEarnsOne) {
  RapidReset guard;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(guard.Charge(0, true, kLimits));
  guard.StreamCompleted(kLimits);
  EXPECT_TRUE(guard.Charge(0, true, kLimits));
  EXPECT_FALSE(guard.Charge(0, true, kLimits));
}

TEST(H2RapidReset, WhatGoodStreamsEarnIsBounded) {
  RapidReset guard;
  for (int i = 0; i < 1000000; ++i) guard.StreamCompleted(kLimits);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(guard.Charge(0, true, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, true, kLimits));
}

TEST(H2MadeYouReset, ABurstPassesAndOneMoreDoesNot) {
  MadeYouReset guard;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(guard.Charge(0, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2MadeYouReset, TheSustainedRatePassesAndThreeTimesItDoesNot) {
  MadeYouReset slow;
  for (uint64_t now = 0; now < 3600000; now += 31) ASSERT_TRUE(slow.Charge(now, kLimits)) << now;
  MadeYouReset fast;
  uint64_t now = 0;
  while (fast.Charge(now, kLimits)) {
    now += 10;
    ASSERT_LT(now, 60000u);
  }
}

}  // namespace
}  // namespace weir::h2
