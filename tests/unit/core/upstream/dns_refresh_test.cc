#include "core/upstream/dns_refresh.h"

#include <gtest/gtest.h>

namespace weir::upstream {
namespace {

using net::dns::Status;

class DnsRefreshTest : public testing::Test {
 protected:
  uint64_t Next(Status status, uint32_t ttl_s = 0) { return refresh_.Next(status, ttl_s); }

  config::Cluster cluster_;
  base::Random random_{1};
  DnsRefresh refresh_{&cluster_, &random_};
};

TEST_F(DnsRefreshTest, FollowsTheRefreshRateWhateverTheTtl) {
  EXPECT_EQ(Next(Status::kFound, 77), 5'000u);
  EXPECT_EQ(Next(Status::kFound, 0), 5'000u);
}

TEST_F(DnsRefreshTest, FollowsTheTtlWhereItIsRespected) {
  cluster_.respect_dns_ttl = true;
  EXPECT_EQ(Next(Status::kFound, 77), 77'000u);
  EXPECT_EQ(Next(Status::kFound, 0), 5'000u) << "without a TTL: the refresh rate";
}

TEST_F(DnsRefreshTest, ATtlIsHeldWithinItsBounds) {
  cluster_.respect_dns_ttl = true;
  cluster_.dns_min_refresh_rate = config::Milliseconds(30'000);
  EXPECT_EQ(Next(Status::kFound, 1), 30'000u);
  EXPECT_EQ(Next(Status::kFound, UINT32_MAX), 24u * 3600 * 1000);
}

TEST_F(DnsRefreshTest, JitterComesOnTop) {
  cluster_.dns_jitter = config::Milliseconds(1'000);
  uint64_t least = UINT64_MAX, most = 0;
  for (int i = 0; i < 1'000; ++i) {
    const uint64_t wait = Next(Status::kFound);
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_GE(least, 5'000u);
  EXPECT_LE(most, 6'000u);
  EXPECT_GT(most - least, 900u);
}

TEST_F(DnsRefreshTest, FailuresBackOffToTheMaximumLessUpToAHalf) {
  cluster_.dns_failure_base = config::Milliseconds(100);
  cluster_.dns_failure_max = config::Milliseconds(1'000);
  uint64_t most = 100;
  for (int i = 0; i < 60; ++i) {
    const uint64_t wait = Next(i % 2 == 0 ? Status::kFailed : Status::kEmpty);
    EXPECT_GE(wait, most / 2) << i;
    EXPECT_LE(wait, most) << i;
    most = std::min<uint64_t>(1'000, most * 2);
  }
}

TEST_F(DnsRefreshTest, WithoutAMaximumItIsTenTimesTheBase) {
  cluster_.dns_failure_base = config::Milliseconds(100);
  uint64_t wait = 0;
  for (int i = 0; i < 20; ++i) wait = std::max(wait, Next(Status::kFailed));
  EXPECT_GT(wait, 500u);
  EXPECT_LE(wait, 1'000u);
}

TEST_F(DnsRefreshTest, WithoutAFailureRateTheRefreshRateHolds) {
  for (int i = 0; i < 20; ++i) {
    const uint64_t wait = Next(Status::kFailed);
    EXPECT_GE(wait, 2'500u);
    EXPECT_LE(wait, 5'000u);
  }
}

TEST_F(DnsRefreshTest, ASuccessEndsTheBackOff) {
  cluster_.dns_failure_base = config::Milliseconds(100);
  for (int i = 0; i < 5; ++i) Next(Status::kFailed);
  EXPECT_EQ(Next(Status::kFound), 5'000u);
  EXPECT_LE(Next(Status::kFailed), 100u);
}

TEST_F(DnsRefreshTest, NeverSpins) {
  cluster_.dns_failure_base = config::Milliseconds(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(Next(Status::kFailed), 1u);
    EXPECT_GE(Next(Status::kFound), 1u);
  }
}

}  // namespace
}  // namespace weir::upstream
