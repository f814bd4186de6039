#include "core/net/upload_pacer.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace weir::net {
namespace {

constexpr uint64_t kKiB = 1024;

class UploadPacerTest : public testing::Test {
 protected:
  // Waits for `ms` milliseconds, `per_ms` times in each, with `bytes` come before each wait.
  // Answers the last word.
  uint32_t Wake(uint64_t ms, int per_ms, uint64_t bytes) {
    uint32_t rest = 0;
    for (const uint64_t end = now_ + ms; now_ < end; ++now_) {
      for (int i = 0; i < per_ms; ++i) rest = pacer_.BeforeWait(now_, bytes);
    }
    return rest;
  }

  UploadPacer pacer_;
  uint64_t now_ = 1000;
};

TEST_F(UploadPacerTest, MuchInSmallPiecesMakesTheWorkerRest) {
  EXPECT_EQ(Wake(100, 16, 32 * kKiB), UploadPacer::kRestUs);
}

TEST_F(UploadPacerTest, LittleNeverMeetsARest) {
  EXPECT_EQ(Wake(100, 15, 16 * kKiB), 0u);
}

TEST_F(UploadPacerTest, WakesWithoutLargePiecesNeverMeetARest) {
  EXPECT_EQ(Wake(100, 100, 0), 0u);
}

TEST_F(UploadPacerTest, LargePiecesNeedNoRest) {
  EXPECT_EQ(Wake(100, 4, 65 * kKiB), 0u);
}

TEST_F(UploadPacerTest, RestsThemselvesDoNotEndTheResting) {
  Wake(100, 16, 32 * kKiB);
  EXPECT_EQ(Wake(100, 4, 128 * kKiB), UploadPacer::kRestUs);
  EXPECT_EQ(Wake(100, 3, 257 * kKiB), 0u);
}

TEST_F(UploadPacerTest, ASilenceEndsTheResting) {
  Wake(100, 16, 32 * kKiB);
  now_ += 1000;
  EXPECT_EQ(pacer_.BeforeWait(now_, 32 * kKiB), 0u);
  // It was not the rests that made it.
  EXPECT_EQ(Wake(2 * UploadPacer::kWindowMs, 16, 32 * kKiB), UploadPacer::kRestUs);
}

// What stands for a sender whose window is as much as comes between two rests.
TEST_F(UploadPacerTest, ASenderThatTheRestsSlowIsLetGoForAWhile) {
  Wake(100, 32, 32 * kKiB);
  Wake(2 * UploadPacer::kWindowMs, 8, 63 * kKiB);
  EXPECT_EQ(Wake(UploadPacer::kPauseMs / 2, 32, 32 * kKiB), 0u);
  EXPECT_EQ(Wake(UploadPacer::kPauseMs, 32, 32 * kKiB), UploadPacer::kRestUs);
}

TEST_F(UploadPacerTest, ASenderThatKeepsItsPaceIsNotLetGo) {
  Wake(100, 32, 32 * kKiB);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(Wake(UploadPacer::kWindowMs, 8, 65 * kKiB), UploadPacer::kRestUs);
}

// One upload after the other at a time: the pace is that of the last window without rests.
TEST_F(UploadPacerTest, AfterAPauseTheNewPaceCounts) {
  Wake(100, 64, 32 * kKiB);
  Wake(400, 16, 32 * kKiB);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(Wake(UploadPacer::kWindowMs, 16, 32 * kKiB), UploadPacer::kRestUs);
}

}  // namespace
}  // namespace weir::net
