#include <gtest/gtest.h>

#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

const GuardLimits kLimits;

TEST(H2ContinuationFlood, EightFramesPassAndNineDoNot) {
  ContinuationFlood guard;
  ASSERT_TRUE(guard.Begin(0, kLimits));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(guard.Continue(1, kLimits)) << i;
  EXPECT_FALSE(guard.Continue(1, kLimits));
  EXPECT_FALSE(guard.Continue(0, kLimits));
}

TEST(H2ContinuationFlood, TheBytesOfABlockAreBounded) {
  ContinuationFlood guard;
  ASSERT_TRUE(guard.Begin(16384, kLimits));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(guard.Continue(16384, kLimits));
  EXPECT_TRUE(guard.Continue(0, kLimits));
  EXPECT_FALSE(guard.Continue(1, kLimits));
}

TEST(H2ContinuationFlood, TheFirstFrameCountsToo) {
  ContinuationFlood guard;
  EXPECT_TRUE(guard.Begin(65536, kLimits));
  EXPECT_FALSE(guard.Continue(1, kLimits));
  EXPECT_FALSE(guard.Begin(65537, kLimits));
}

TEST(H2ContinuationFlood, EachBlockBeginsAnew) {
  ContinuationFlood guard;
  for (int block = 0; block < 100000; ++block) {
    ASSERT_TRUE(guard.Begin(16384, kLimits));
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(guard.Continue(16384, kLimits));
  }
}

TEST(H2ContinuationFlood, NoContinuationMayBeAllowed) {
  GuardLimits limits;
  limits.continuation_frames = 0;
  ContinuationFlood guard;
  EXPECT_TRUE(guard.Begin(1, limits));
  EXPECT_FALSE(guard.Continue(1, limits));
}

TEST(H2HeaderBomb, WhatABlockHoldsFreeIsNeverCharged) {
  HeaderBomb guard;
  for (int i = 0; i < 1000000; ++i) {
    ASSERT_TRUE(guard.Charge(0, 10, 16384, kLimits));
    ASSERT_TRUE(guard.Charge(0, 60000, 900000, kLimits));
  }
}

TEST(H2HeaderBomb, ABurstPassesAndOneMoreDoesNot) {
  HeaderBomb guard;
  for (int i = 0; i < 4096; ++i) ASSERT_TRUE(guard.Charge(0, 10, 16384 + 1024, kLimits)) << i;
  EXPECT_FALSE(guard.Charge(0, 10, 16385, kLimits));
  EXPECT_TRUE(guard.Charge(0, 10, 16384, kLimits));
}

// Single bytes that each name an entry of 4 KiB, as many as fit in a block.
TEST(H2HeaderBomb, OneFullBlockOfReferencesIsEnough) {
  HeaderBomb guard;
  EXPECT_FALSE(guard.Charge(0, 65536, uint64_t{65536} * 4096, kLimits));
  EXPECT_FALSE(guard.Charge(0, 65536, UINT64_MAX, kLimits));
}

TEST(H2HeaderBomb, SmallBombsOneAfterAnotherAreFound) {
  HeaderBomb guard;
  uint64_t now = 0;
  while (guard.Charge(now, 100, 61440, kLimits)) {  // 44 KiB beyond what is free, 50 a second
    now += 20;
    ASSERT_LT(now, 10000u);
  }
}

TEST(H2HeaderBomb, TheSustainedRatePasses) {
  HeaderBomb guard;
  for (uint64_t second = 0; second < 100000; ++second) {
    ASSERT_TRUE(guard.Charge(second * 1000, 10, 16384 + 256 * 1024, kLimits)) << second;
  }
}

}  // namespace
}  // namespace weir::h2
