#include "core/base/latest.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weir::base {
namespace {

TEST(LatestTest, ANewValueHasAnotherNumber) {
  Latest<int> latest(std::make_shared<const int>(1));
  uint64_t number = 0;
  EXPECT_EQ(*latest.Get(&number), 1);
  EXPECT_EQ(number, latest.number());
  latest.Set(std::make_shared<const int>(2));
  EXPECT_NE(number, latest.number());
  EXPECT_EQ(*latest.Get(&number), 2);
  EXPECT_EQ(number, latest.number());
}

TEST(LatestTest, WhatNobodyHasAnyMoreIsFreed) {
  Latest<int> latest(std::make_shared<const int>(0));
  std::weak_ptr<const int> first = latest.Get();
  const std::shared_ptr<const int> kept = latest.Get();
  for (int i = 1; i <= 1000; ++i) latest.Set(std::make_shared<const int>(i));
  EXPECT_EQ(first.use_count(), 1) << "only who took it";
  EXPECT_EQ(latest.Get().use_count(), 2);
}

TEST(LatestTest, WhoeverSeesANumberGetsThatValueOrALaterOne) {
  constexpr uint64_t kLast = 2000;
  Latest<uint64_t> latest(std::make_shared<const uint64_t>(1));
  std::atomic<bool> wrong{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      uint64_t had = 0;
      while (had < kLast) {
        const uint64_t seen = latest.number();
        if (seen == had) continue;
        const auto value = latest.Get(&had);
        if (*value != had || had < seen) wrong = true;
      }
    });
  }
  for (uint64_t i = 2; i <= kLast; ++i) latest.Set(std::make_shared<const uint64_t>(i));
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace weir::base
