#include "core/http/hook_time.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::http {
namespace {

using testing::HasSubstr;

class HookTime : public testing::Test {
 protected:
  void SetUp() override { observe::thread_stats = registry_.NewBlock(); }
  void TearDown() override {
    observe::thread_stats = nullptr;
    SetSlowHookLimit(0);
  }
  observe::HistogramTotals Totals() {
    return registry_.Histogram(registry_.Define("plugin.p.hook_us", observe::StatKind::kHistogram));
  }
  uint64_t Slow() {
    return registry_.Sum(registry_.Define("plugin.p.slow_hooks", observe::StatKind::kCounter));
  }
  // What is logged while a hook of this many milliseconds runs.
  std::string LogOf(const HookStats& stats, int ms) {
    testing::internal::CaptureStderr();
    {
      const HookTimer timer(stats);
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
      while (std::chrono::steady_clock::now() < end) {
      }
    }
    return testing::internal::GetCapturedStderr();
  }

  observe::StatRegistry registry_;
};

TEST_F(HookTime, EveryHookIsInTheHistogramInMicroseconds) {
  const HookStats stats = MakeHookStats(&registry_, "p", "f");
  for (int i = 0; i < 1000; ++i) const HookTimer timer(stats);
  EXPECT_EQ(Totals().count(), 1000u);
  EXPECT_GT(Totals().buckets[0], 100u) << "nothing takes less than a microsecond";
  LogOf(stats, 20);
  const observe::HistogramTotals totals = Totals();
  EXPECT_EQ(totals.count(), 1001u);
  EXPECT_GE(totals.sum, 19'900u);
  uint64_t above = 0;
  for (uint32_t i = observe::HistogramBucket(19'900); i < observe::kHistogramBuckets; ++i)
    above += totals.buckets[i];
  EXPECT_GE(above, 1u);
}

TEST_F(HookTime, ASlowHookIsCountedAndNamedOnceASecond) {
  const HookStats stats = MakeHookStats(&registry_, "p", "the_filter");
  const HookStats other = MakeHookStats(&registry_, "p", "other");
  SetSlowHookLimit(5);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(LogOf(stats, 6), HasSubstr("plugin p: a hook of filter the_filter took "));
  EXPECT_EQ(Slow(), 1u);
  const std::string second = LogOf(stats, 6);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(second.empty() || took > std::chrono::milliseconds(900)) << second;
  EXPECT_EQ(Slow(), 2u);
  EXPECT_THAT(LogOf(other, 6), HasSubstr("filter other took ")) << "each has a line of its own";
}

TEST_F(HookTime, WithoutALimitNoneIsSlow) {
  const HookStats stats = MakeHookStats(&registry_, "p", "f");
  SetSlowHookLimit(0);
  EXPECT_EQ(LogOf(stats, 6), "");
  EXPECT_EQ(Slow(), 0u);
  EXPECT_EQ(Totals().count(), 1u);
}

TEST_F(HookTime, WithoutStatsNothingIsWritten) {
  const HookStats stats = MakeHookStats(&registry_, "p", "f");
  EXPECT_EQ(LogOf(HookStats{}, 2), "");
  observe::thread_stats = nullptr;
  { const HookTimer timer(stats); }
  EXPECT_EQ(LogOf(stats, 2), "");
  EXPECT_EQ(Totals().count(), 0u);
}

void Nap(void*) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(6);
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST_F(HookTime, ASlowHookOfNoFilterIsCountedAndNamedByItsFile) {
  const observe::StatId stat = registry_.Define("late", observe::StatKind::kCounter);
  LateHookTimer::CountIn(stat);
  SetSlowHookLimit(5);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) {
    const LateHookTimer timer(&Nap);
    Nap(nullptr);
  }
  { const LateHookTimer quick(&Nap); }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("hook_time_test took "));
  EXPECT_GE(registry_.Sum(stat), 2u);
}

}  // namespace
}  // namespace weir::http
