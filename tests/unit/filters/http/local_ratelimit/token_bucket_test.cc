#include "filters/http/local_ratelimit/token_bucket.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir::filters::ratelimit {
namespace {

BucketSize Size(std::uint32_t max, std::uint32_t per_fill, std::uint64_t interval_ms) {
  BucketSize size;
  size.max = max;
  size.per_fill = per_fill;
  size.interval_ms = interval_ms;
  return size;
}

TEST(TokenBucketTest, IsFullAtFirstAndEmptyAfterItsTokens) {
  TokenBucket bucket(Size(3, 1, 1000));
  EXPECT_TRUE(bucket.Full(5000));
  for (std::uint32_t left : {2u, 1u, 0u}) {
    const Taken taken = bucket.Take(5000);
    EXPECT_TRUE(taken.ok);
    EXPECT_EQ(taken.remaining, left);
    EXPECT_EQ(taken.limit, 3u);
  }
  EXPECT_FALSE(bucket.Take(5000).ok);
  EXPECT_FALSE(bucket.Full(5000));
}

TEST(TokenBucketTest, IsFilledAtEachInterval) {
  TokenBucket bucket(Size(10, 2, 1000));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(bucket.Take(5000).ok);
  EXPECT_FALSE(bucket.Take(5999).ok);
  EXPECT_TRUE(bucket.Take(6000).ok);
  EXPECT_TRUE(bucket.Take(6000).ok);
  EXPECT_FALSE(bucket.Take(6999).ok);
  // Three intervals later: six tokens.
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(bucket.Take(9500).ok) << i;
  EXPECT_FALSE(bucket.Take(9999).ok);
}

TEST(TokenBucketTest, HoldsNoMoreThanItsMost) {
  TokenBucket bucket(Size(3, 2, 50));
  EXPECT_TRUE(bucket.Take(1).ok);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.Take(1'000'000'000).ok);
  EXPECT_FALSE(bucket.Take(1'000'000'000).ok);
}

TEST(TokenBucketTest, AClockThatIsBehindTakesNothingBack) {
  TokenBucket bucket(Size(1, 1, 1000));
  EXPECT_TRUE(bucket.Take(10'000).ok);
  EXPECT_TRUE(bucket.Take(11'000).ok);
  EXPECT_FALSE(bucket.Take(10'500).ok) << "another worker, half a second behind";
  EXPECT_FALSE(bucket.Take(1).ok);
  EXPECT_FALSE(bucket.Take(11'000).ok) << "the fill was not given twice";
  EXPECT_TRUE(bucket.Take(12'000).ok);
}

TEST(TokenBucketTest, TellsWhenTokensComeNext) {
  TokenBucket bucket(Size(2, 1, 10'000));
  EXPECT_EQ(bucket.Take(1000).reset_s, 10u);
  EXPECT_EQ(bucket.Take(1001).reset_s, 10u);
  EXPECT_EQ(bucket.Take(2000).reset_s, 9u);
  EXPECT_EQ(bucket.Take(10'999).reset_s, 1u);
}

TEST(TokenBucketTest, AStartAtZeroIsAStart) {
  TokenBucket bucket(Size(1, 1, 50));
  EXPECT_TRUE(bucket.Take(0).ok);
  EXPECT_FALSE(bucket.Take(49).ok);
  EXPECT_TRUE(bucket.Take(51).ok);
}

TEST(TokenBucketTest, ThreadsTakeEachTokenOnce) {
  constexpr std::uint32_t kTokens = 20'000;
  TokenBucket bucket(Size(kTokens, 1, 3'600'000));
  std::atomic<std::uint32_t> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&bucket, &taken, t] {
      for (std::uint32_t i = 0; i < kTokens; ++i) {
        // Clocks that are not quite one, on either side of the start.
        if (bucket.Take(1000 + static_cast<std::uint64_t>(t) + i % 7).ok) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, kTokens);
}

TEST(KeyedBucketsTest, EachKeyHasItsOwn) {
  KeyedBuckets buckets(Size(1, 1, 1000), 100);
  EXPECT_TRUE(buckets.Take("a", 1000).ok);
  EXPECT_FALSE(buckets.Take("a", 1000).ok);
  EXPECT_TRUE(buckets.Take("b", 1000).ok);
  EXPECT_EQ(buckets.size(), 2u);
}

TEST(KeyedBucketsTest, WhoIsFullAgainMakesRoom) {
  KeyedBuckets buckets(Size(1, 1, 1000), 2);
  EXPECT_TRUE(buckets.Take("a", 1000).ok);
  EXPECT_TRUE(buckets.Take("b", 1500).ok);
  EXPECT_TRUE(buckets.Take("c", 2000).ok);
  EXPECT_EQ(buckets.size(), 2u);
  EXPECT_FALSE(buckets.Take("b", 2000).ok) << "b was not full: it was kept";
}

TEST(KeyedBucketsTest, NewKeysBeyondTheBoundShareOneAndResetNobody) {
  KeyedBuckets buckets(Size(3, 1, 3'600'000), 10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(buckets.Take(std::to_string(i), 1000).ok);
  int served = 0;
  for (int i = 10; i < 1000; ++i) served += buckets.Take(std::to_string(i), 1000).ok ? 1 : 0;
  EXPECT_EQ(served, 3);
  EXPECT_EQ(buckets.size(), 10u);
  EXPECT_EQ(buckets.Take("0", 1000).remaining, 1u) << "as it was left";
}

TEST(KeyedBucketsTest, RoomIsFoundHoweverFarItIs) {
  KeyedBuckets buckets(Size(1, 1, 1000), 1000);
  for (int i = 0; i < 1000; ++i) buckets.Take("k" + std::to_string(i), i == 777 ? 1000 : 900'000);
  // Each arrival searches on where the last one stopped; the one that is full again is found.
  bool own = false;
  for (int i = 0; i < 100 && !own; ++i) {
    buckets.Take("new", 900'000);
    own = buckets.size() == 1000 && buckets.Take("k777", 900'000).ok;
  }
  EXPECT_TRUE(own);
}

TEST(KeyedBucketsTest, ThreadsShareTheBucketOfAKey) {
  KeyedBuckets buckets(Size(1000, 1, 3'600'000), 4);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&buckets, &taken] {
      for (int i = 0; i < 2000; ++i) {
        if (buckets.Take(i % 2 == 0 ? "a" : "b", 1000).ok) ++taken;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 2000);
}

}  // namespace
}  // namespace weir::filters::ratelimit
