#include <gtest/gtest.h>

#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

const GuardLimits kLimits;

// `charge(now)` passes `burst` times at once and no more, passes `per_second` evenly for an hour
// after that, and does not pass twice as many.
template <typename Charge>
void ExpectBucket(uint32_t burst, uint32_t per_second, Charge charge) {
  for (uint32_t i = 0; i < burst; ++i) ASSERT_TRUE(charge(0)) << i;
  EXPECT_FALSE(charge(0));
  const uint64_t step = (1000 + per_second - 1) / per_second;
  uint64_t now = 0;
  while (now < 3600000) ASSERT_TRUE(charge(now += step)) << now;
  uint64_t events = 0;
  while (charge(now += step / 2)) ASSERT_LT(++events, 1000u);
}

TEST(H2SettingsFlood, ABurstPassesAndTheRateAfterIt) {
  SettingsFlood guard;
  ExpectBucket(50, 5, [&](uint64_t now) { return guard.Charge(now, 1, kLimits); });
}

TEST(H2SettingsFlood, AFrameHoldsSoManySettings) {
  SettingsFlood guard;
  EXPECT_TRUE(guard.Charge(0, 64, kLimits));
  EXPECT_FALSE(guard.Charge(0, 65, kLimits));
  EXPECT_FALSE(guard.Charge(0, 2700, kLimits));
}

TEST(H2PingFlood, ABurstPassesAndTheRateAfterIt) {
  PingFlood guard;
  ExpectBucket(100, 10, [&](uint64_t now) { return guard.Charge(now, kLimits); });
}

TEST(H2PingFlood, ADataFrameSentEarnsOne) {
  PingFlood guard;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  for (int i = 0; i < 100000; ++i) {
    guard.SentData(kLimits);
    ASSERT_TRUE(guard.Charge(0, kLimits));
  }
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2PingFlood, WhatIsEarnedIsBounded) {
  PingFlood guard;
  for (int i = 0; i < 1000000; ++i) guard.SentData(kLimits);
  for (int i = 0; i < 1100; ++i) ASSERT_TRUE(guard.Charge(0, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2PriorityFlood, ABurstPassesAndTheRateAfterIt) {
  PriorityFlood guard;
  ExpectBucket(200, 20, [&](uint64_t now) { return guard.Charge(now, kLimits); });
}

TEST(H2PriorityFlood, AStreamEarnsTen) {
  PriorityFlood guard;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  guard.StreamOpened(kLimits);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2PriorityFlood, WhatIsEarnedIsBounded) {
  PriorityFlood guard;
  for (int i = 0; i < 1000000; ++i) guard.StreamOpened(kLimits);
  for (int i = 0; i < 2200; ++i) ASSERT_TRUE(guard.Charge(0, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2WindowUpdateFlood, ABurstPassesAndTheRateAfterIt) {
  WindowUpdateFlood guard;
  ExpectBucket(200, 20, [&](uint64_t now) { return guard.Charge(now, kLimits); });
}

TEST(H2WindowUpdateFlood, ADataFrameEarnsFourAndOneForEach256Bytes) {
  WindowUpdateFlood guard;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  guard.SentData(5, kLimits);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  EXPECT_FALSE(guard.Charge(0, kLimits));
  guard.SentData(16384, kLimits);
  for (int i = 0; i < 68; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2WindowUpdateFlood, AStreamEarnsFour) {
  WindowUpdateFlood guard;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  guard.StreamOpened(kLimits);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

// 100 MB in frames of 16 KiB to a peer with the smallest window, which credits each frame twice
// over stream and connection: all in no time at all.
TEST(H2WindowUpdateFlood, AFastDownloadWithASmallWindowPasses) {
  WindowUpdateFlood guard;
  for (int frame = 0; frame < 6400; ++frame) {
    guard.SentData(16384, kLimits);
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(guard.Charge(0, kLimits)) << frame;
  }
}

TEST(H2WindowUpdateFlood, UpdatesThatFollowNothingAreFound) {
  WindowUpdateFlood guard;
  uint32_t passed = 0;
  while (guard.Charge(passed / 1000, kLimits)) ASSERT_LT(++passed, 1000000u);
  EXPECT_LT(passed, 300u);
}

TEST(H2WindowUpdateFlood, WhatIsEarnedIsBounded) {
  WindowUpdateFlood guard;
  for (int i = 0; i < 1000000; ++i) guard.SentData(16384, kLimits);
  for (int i = 0; i < 20200; ++i) ASSERT_TRUE(guard.Charge(0, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

TEST(H2EmptyFrameFlood, ABurstPassesAndTheRateAfterIt) {
  EmptyFrameFlood guard;
  ExpectBucket(100, 10, [&](uint64_t now) { return guard.Charge(now, 0, false, kLimits); });
}

TEST(H2EmptyFrameFlood, ContentAndTheEndOfAStreamAreFree) {
  EmptyFrameFlood guard;
  for (int i = 0; i < 1000000; ++i) {
    ASSERT_TRUE(guard.Charge(0, 1, false, kLimits));
    ASSERT_TRUE(guard.Charge(0, 0, true, kLimits));
  }
}

TEST(H2UnknownFrameFlood, ABurstPassesAndTheRateAfterIt) {
  UnknownFrameFlood guard;
  ExpectBucket(100, 10, [&](uint64_t now) { return guard.Charge(now, kLimits); });
}

TEST(H2UnknownFrameFlood, AStreamEarnsTwo) {
  UnknownFrameFlood guard;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(guard.Charge(0, kLimits));
  for (int stream = 0; stream < 100000; ++stream) {
    guard.StreamOpened(kLimits);
    ASSERT_TRUE(guard.Charge(0, kLimits));
    ASSERT_TRUE(guard.Charge(0, kLimits));
  }
  EXPECT_FALSE(guard.Charge(0, kLimits));
}

}  // namespace
}  // namespace weir::h2
