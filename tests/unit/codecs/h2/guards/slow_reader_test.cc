#include <cstdint>

#include <gtest/gtest.h>

#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

const GuardLimits kLimits;
constexpr uint64_t kStart = 1000000;

TEST(H2ZeroWindow, AMinuteWithoutWindowIsTooLong) {
  SlowReader reader;
  reader.Starve(kStart);
  EXPECT_EQ(reader.deadline(kLimits), kStart + 60000);
  EXPECT_EQ(reader.Check(kStart + 59999, kLimits), GuardId::kNone);
  EXPECT_EQ(reader.Check(kStart + 60000, kLimits), GuardId::kZeroWindow);
}

TEST(H2ZeroWindow, BeginsWhenBytesWait) {
  SlowReader reader;
  EXPECT_EQ(reader.deadline(kLimits), UINT64_MAX);
  EXPECT_EQ(reader.Check(UINT64_MAX - 1, kLimits), GuardId::kNone);
}

TEST(H2ZeroWindow, StarvingOnDoesNotBeginAnew) {
  SlowReader reader;
  for (uint64_t at = 0; at < 60000; at += 100) reader.Starve(kStart + at);
  EXPECT_EQ(reader.Check(kStart + 60000, kLimits), GuardId::kZeroWindow);
}

TEST(H2ZeroWindow, AGrantBeginsItAnew) {
  SlowReader reader;
  reader.Starve(kStart);
  EXPECT_EQ(reader.Granted(kStart + 59999, 32768, kLimits), GuardId::kNone);
  reader.Starve(kStart + 59999);
  EXPECT_EQ(reader.Check(kStart + 60000, kLimits), GuardId::kNone);
  EXPECT_EQ(reader.Check(kStart + 59999 + 60000, kLimits), GuardId::kZeroWindow);
}

// A window raised from -100 to -50 lets no byte go.
TEST(H2ZeroWindow, AGrantBelowZeroIsNone) {
  SlowReader reader;
  reader.Starve(kStart);
  EXPECT_EQ(reader.Granted(kStart + 59999, 0, kLimits), GuardId::kNone);
  EXPECT_EQ(reader.Check(kStart + 60000, kLimits), GuardId::kZeroWindow);
  EXPECT_EQ(reader.Granted(kStart + 60000, 100, kLimits), GuardId::kZeroWindow);
}

TEST(H2ZeroWindow, EndsWhenNothingWaits) {
  SlowReader reader;
  reader.Starve(kStart);
  reader.Rest(kStart + 1000);
  EXPECT_EQ(reader.deadline(kLimits), UINT64_MAX);
  EXPECT_EQ(reader.Check(kStart + 10000000, kLimits), GuardId::kNone);
}

TEST(H2ZeroWindow, ZeroIsForEver) {
  GuardLimits limits;
  limits.zero_window_ms = 0;
  SlowReader reader;
  reader.Starve(kStart);
  EXPECT_EQ(reader.deadline(limits), UINT64_MAX);
  EXPECT_EQ(reader.Check(kStart + 100000000, limits), GuardId::kNone);
}

// Grants `bytes` each `gap` ms, which are used at once. When it trips, or UINT64_MAX.
uint64_t Drip(uint64_t bytes, uint64_t gap, const GuardLimits& limits = kLimits) {
  SlowReader reader;
  for (uint64_t waited = 0; waited < 3600000; waited += gap) {
    reader.Starve(kStart + waited);
    const GuardId id = reader.Granted(kStart + waited + gap, bytes, limits);
    if (id == GuardId::kDripReader) return waited + gap;
    EXPECT_EQ(id, GuardId::kNone);
  }
  return UINT64_MAX;
}

TEST(H2DripReader, BytesInDropsAreTooSlow) {
  EXPECT_EQ(Drip(1, 1000), 60000u);
  EXPECT_EQ(Drip(239, 1000), 60000u);
  EXPECT_EQ(Drip(1, 59000), 177000u);
}

TEST(H2DripReader, TheLeastRatePasses) {
  EXPECT_EQ(Drip(240, 1000), UINT64_MAX);
  EXPECT_EQ(Drip(32768, 59000), UINT64_MAX);
}

TEST(H2DripReader, SoManySlowIntervalsInARowAreTooMany) {
  GuardLimits limits;
  for (uint32_t intervals = 1; intervals < 10; ++intervals) {
    limits.drip_intervals = intervals;
    EXPECT_EQ(Drip(1, 1000, limits), intervals * 20000u);
  }
}

TEST(H2DripReader, AGoodIntervalForgivesTheSlowOnes) {
  SlowReader reader;
  uint64_t now = kStart;
  for (int round = 0; round < 1000; ++round) {
    for (const uint64_t bytes : {1, 1, 4800}) {
      reader.Starve(now);
      now += 20000;
      ASSERT_EQ(reader.Granted(now, bytes, kLimits), GuardId::kNone) << round;
    }
  }
}

TEST(H2DripReader, OnlyTimeInWhichBytesWaitCounts) {
  SlowReader reader;
  // One millisecond of waiting in each second: five hours come to eighteen seconds.
  for (uint64_t now = kStart; now < kStart + 18000000; now += 1000) {
    reader.Starve(now);
    ASSERT_EQ(reader.Granted(now + 1, 1, kLimits), GuardId::kNone);
  }
  SlowReader resting;
  for (uint64_t now = kStart; now < kStart + 18000000; now += 1000) {
    resting.Starve(now);
    resting.Rest(now + 1);
    ASSERT_EQ(resting.Granted(now + 500, 1, kLimits), GuardId::kNone);
  }
}

// A window that was large once does not pay for drops for ever.
TEST(H2DripReader, AGoodIntervalPaysForItselfAlone) {
  SlowReader reader;
  EXPECT_EQ(reader.Granted(kStart, 1000000000, kLimits), GuardId::kNone);
  uint64_t now = kStart;
  GuardId id = GuardId::kNone;
  while (id == GuardId::kNone && now < kStart + 600000) {
    reader.Starve(now);
    now += 1000;
    id = reader.Granted(now, 1, kLimits);
  }
  EXPECT_EQ(id, GuardId::kDripReader);
  EXPECT_EQ(now, kStart + 80000);
}

TEST(H2DripReader, ARateOfZeroIsAny) {
  GuardLimits limits;
  limits.drip_bytes_per_second = 0;
  EXPECT_EQ(Drip(1, 59000, limits), UINT64_MAX);
}

TEST(H2DripReader, NumbersOfAnySizeFit) {
  SlowReader reader;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(reader.Granted(kStart, 0x7fffffff, kLimits), GuardId::kNone);
  }
  reader.Starve(kStart);
  reader.Rest(kStart + 100 * uint64_t{86400000});
  EXPECT_EQ(reader.Granted(kStart + 100 * uint64_t{86400000}, 1, kLimits), GuardId::kNone);
}

}  // namespace
}  // namespace weir::h2
