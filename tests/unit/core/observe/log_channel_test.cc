#include "core/observe/log_channel.h"

#include <set>
#include <thread>

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

TEST(LogChannel, WriterThatKeepsUpSeesTheSameTwoBlocks) {
  LogChannel channel;
  std::set<LogBlock*> seen;
  for (int i = 0; i < 1'000; ++i) {
    LogBlock* block = channel.Current();
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(block->size, 0U);
    ASSERT_EQ(block->lines, 0U);
    seen.insert(block);
    block->size = 1;
    block->lines = 1;
    channel.HandOver();
    seen.insert(channel.Current());
    ASSERT_EQ(channel.Oldest(), block);
    channel.GiveBack();
    ASSERT_EQ(channel.Oldest(), nullptr);
  }
  EXPECT_LE(seen.size(), 2U);
}

TEST(LogChannel, HasNoBlockWhileTheWriterHasThemAll) {
  LogChannel channel;
  for (uint32_t i = 0; i < LogChannel::kBlocks; ++i) {
    ASSERT_NE(channel.Current(), nullptr);
    channel.Current()->lines = i + 1;
    channel.HandOver();
  }
  EXPECT_EQ(channel.Current(), nullptr);
  EXPECT_EQ(channel.Oldest()->lines, 1U);
  channel.GiveBack();
  EXPECT_NE(channel.Current(), nullptr);
  EXPECT_EQ(channel.Oldest()->lines, 2U) << "the order is kept";
}

// Threads meet here: run under ThreadSanitizer.
TEST(LogChannel, EveryBlockHandedOverArrivesOnceAndInOrder) {
  constexpr uint32_t kHanded = 20'000;
  LogChannel channel;
  std::thread worker([&channel] {
    for (uint32_t i = 1; i <= kHanded;) {
      LogBlock* block = channel.Current();
      if (block == nullptr) {
        std::this_thread::yield();
        continue;
      }
      block->text[i % LogBlock::kRoom] = static_cast<char>(i);
      block->lines = i++;
      channel.HandOver();
    }
    channel.Close();
  });
  uint32_t expected = 0;
  while (true) {
    const bool closed = channel.closed();
    const LogBlock* block = channel.Oldest();
    if (block == nullptr && closed) break;
    if (block == nullptr) {
      std::this_thread::yield();
      continue;
    }
    ++expected;
    EXPECT_EQ(block->lines, expected);
    EXPECT_EQ(block->text[expected % LogBlock::kRoom], static_cast<char>(expected));
    channel.GiveBack();
  }
  EXPECT_EQ(expected, kHanded);
  worker.join();
}

}  // namespace
}  // namespace weir::observe
