#include "core/observe/dashboard/stat_window.h"

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

class StatWindowTest : public testing::Test {
 protected:
  StatRegistry registry_;
  StatBlock* block_ = registry_.NewBlock();
  StatId count_ = registry_.Define("c", StatKind::kCounter);
  StatId time_ = registry_.Define("t", StatKind::kHistogram);
};

TEST_F(StatWindowTest, HasNoRateBeforeTheSecondReading) {
  StatWindow window(&registry_, {count_}, time_);
  EXPECT_EQ(window.Value(0), 0u);
  EXPECT_EQ(window.Rate(0), 0);
  block_->Get(count_)->Add(100);
  window.Read(1000);
  EXPECT_EQ(window.Value(0), 100u);
  EXPECT_EQ(window.Rate(0), 0) << "what was before the first reading is not of the window";
  EXPECT_EQ(window.CountRate(), 0);
}

TEST_F(StatWindowTest, ARateIsOfTheRealTimeBetweenReadings) {
  StatWindow window(&registry_, {count_}, time_);
  window.Read(1000);
  block_->Get(count_)->Add(30);
  window.Read(4000);
  EXPECT_DOUBLE_EQ(window.Rate(0), 10);
  EXPECT_DOUBLE_EQ(window.LastRate(0), 10);
  window.Read(6000);
  EXPECT_DOUBLE_EQ(window.Rate(0), 6);
  EXPECT_DOUBLE_EQ(window.LastRate(0), 0);
}

TEST_F(StatWindowTest, WhatIsOlderThanTheWindowIsForgotten) {
  StatWindow window(&registry_, {count_}, time_);
  uint64_t now = 1000;
  window.Read(now);
  block_->Get(count_)->Add(50);
  block_->Record(time_, 700);
  for (size_t i = 0; i < StatWindow::kSteps; ++i) window.Read(now += 1000);
  EXPECT_DOUBLE_EQ(window.Rate(0), 50.0 / StatWindow::kSteps);
  EXPECT_EQ(window.Recent().count(), 1u);
  window.Read(now += 1000);
  EXPECT_EQ(window.Rate(0), 0);
  EXPECT_EQ(window.Recent().count(), 0u);
}

TEST_F(StatWindowTest, PercentilesAreOfWhatWasRecordedInTheWindow) {
  StatWindow window(&registry_, {}, time_);
  for (int i = 0; i < 1000; ++i) block_->Record(time_, 2000);
  window.Read(1000);
  for (int i = 0; i < 10; ++i) block_->Record(time_, 3);
  window.Read(3000);
  EXPECT_LE(window.Recent().Percentile(0.99), 5);
  EXPECT_GE(window.Recent().Percentile(0.5), 1);
  EXPECT_DOUBLE_EQ(window.CountRate(), 5);
  EXPECT_DOUBLE_EQ(window.SumRate(), 15);
}

TEST_F(StatWindowTest, AGaugeThatFallsHasNoRate) {
  const StatId gauge = registry_.Define("g", StatKind::kGauge);
  StatWindow window(&registry_, {gauge}, StatId{});
  block_->Get(gauge)->Set(9);
  window.Read(1000);
  block_->Get(gauge)->Set(4);
  window.Read(2000);
  EXPECT_EQ(window.Rate(0), 0);
  EXPECT_EQ(window.Value(0), 4u);
  EXPECT_EQ(window.Recent().count(), 0u);
}

}  // namespace
}  // namespace weir::observe
