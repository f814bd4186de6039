#include "codecs/h2/guards/token_bucket.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace weir::h2 {
namespace {

constexpr TokenBucket::Rate kRate{10, 5};
constexpr uint64_t kDay = 86400000;

TEST(H2TokenBucket, LetsABurstPassAndNoMore) {
  TokenBucket bucket;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(bucket.Charge(1000, 1, kRate));
  EXPECT_FALSE(bucket.Charge(1000, 1, kRate));
}

TEST(H2TokenBucket, DrainsWithTime) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Charge(1000, 5, kRate));
  EXPECT_FALSE(bucket.Charge(1099, 1, kRate));
  EXPECT_TRUE(bucket.Charge(1100, 1, kRate));
  EXPECT_FALSE(bucket.Charge(1100, 1, kRate));
  EXPECT_TRUE(bucket.Charge(2100, 5, kRate));
  EXPECT_FALSE(bucket.Charge(2100, 1, kRate));
}

TEST(H2TokenBucket, ARefusedEventIsNotCharged) {
  TokenBucket bucket;
  EXPECT_FALSE(bucket.Charge(0, 6, kRate));
  EXPECT_TRUE(bucket.Charge(0, 5, kRate));
}

TEST(H2TokenBucket, LosesNoPartOfAnEventToRounding) {
  TokenBucket bucket;
  const TokenBucket::Rate rate{3, 1};  // one each 333.3 ms, asked each millisecond
  int passed = 0;
  for (uint64_t now = 0; now < 100000; ++now) passed += bucket.Charge(now, 1, rate) ? 1 : 0;
  EXPECT_GE(passed, 299);
  EXPECT_LE(passed, 301);
}

TEST(H2TokenBucket, ARateOfZeroDrainsNothing) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Charge(0, 1, {0, 1}));
  EXPECT_FALSE(bucket.Charge(30 * kDay, 1, {0, 1}));
}

TEST(H2TokenBucket, TheLargestNumbersFit) {
  TokenBucket bucket;
  const TokenBucket::Rate rate{TokenBucket::kMaxBurst, TokenBucket::kMaxBurst};
  EXPECT_TRUE(bucket.Charge(0, TokenBucket::kMaxBurst, rate));
  EXPECT_FALSE(bucket.Charge(0, 1, rate));
  EXPECT_FALSE(bucket.Charge(0, UINT32_MAX, rate));
  EXPECT_TRUE(bucket.Charge(1000, TokenBucket::kMaxBurst, rate));
  EXPECT_TRUE(bucket.Charge(UINT64_MAX, 1, rate));
}

TEST(H2TokenBucket, SilenceOfAnyLengthIsNoDebt) {
  for (const uint64_t days : {1, 49, 50, 99, 100, 365, 4000}) {
    TokenBucket bucket;
    EXPECT_TRUE(bucket.Charge(7, 5, kRate));
    EXPECT_TRUE(bucket.Charge(7 + days * kDay, 5, kRate)) << days;
  }
}

// The low half of the time comes round each 49 days: the worst is the debt of the last burst.
TEST(H2TokenBucket, WhereTheClockComesRoundTheOldDebtIsTheWorst) {
  TokenBucket bucket;
  EXPECT_TRUE(bucket.Charge(7, 4, kRate));
  EXPECT_TRUE(bucket.Charge(7 + (uint64_t{1} << 32), 1, kRate));
  EXPECT_FALSE(bucket.Charge(7 + (uint64_t{1} << 32), 1, kRate));
}

TEST(H2TokenBucket, ASteadyRateBelowTheLimitPassesForMonths) {
  TokenBucket bucket;
  for (uint64_t now = 0; now < 120 * kDay; now += 1000) {
    ASSERT_TRUE(bucket.Charge(now, 1, {2, 3})) << now;
  }
}

TEST(H2TokenBucket, ASteadyRateAboveTheLimitIsFound) {
  TokenBucket bucket;
  uint64_t now = 0;
  while (bucket.Charge(now, 1, {10, 100})) {
    now += 90;  // eleven a second
    ASSERT_LT(now, 200000u);
  }
  EXPECT_GT(now, 60000u);
}

TEST(H2Allowance, PaysForWhatWasEarned) {
  Allowance allowance;
  EXPECT_EQ(allowance.Spend(3), 3u);
  allowance.Earn(5, 100);
  EXPECT_EQ(allowance.Spend(3), 0u);
  EXPECT_EQ(allowance.Spend(3), 1u);
  EXPECT_EQ(allowance.Spend(1), 1u);
}

TEST(H2Allowance, IsBounded) {
  Allowance allowance;
  allowance.Earn(UINT64_MAX / 2, 10);
  allowance.Earn(5, 10);
  EXPECT_EQ(allowance.Spend(100), 90u);
}

}  // namespace
}  // namespace weir::h2
