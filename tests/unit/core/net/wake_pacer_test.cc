#include "core/net/wake_pacer.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace weir::net {
namespace {

// Waits for `ms` milliseconds, `per_ms` times in each. Answers the last word.
uint32_t Wake(WakePacer* pacer, uint64_t* now, int ms, int per_ms, uint32_t streams) {
  uint32_t rest = 0;
  for (int i = 0; i < ms; ++i, ++*now) {
    for (int k = 0; k < per_ms; ++k) rest = pacer->BeforeWait(*now, streams);
  }
  return rest;
}

TEST(WakePacer, ABusyWorkerWithManyStreamsRests) {
  WakePacer pacer;
  uint64_t now = 1000;
  EXPECT_EQ(Wake(&pacer, &now, 20, 9, WakePacer::kFromStreams), WakePacer::kRestUs);
}

TEST(WakePacer, FewStreamsNeverMeetARest) {
  WakePacer pacer;
  uint64_t now = 1000;
  EXPECT_EQ(Wake(&pacer, &now, 20, 50, WakePacer::kFromStreams - 1), 0u);
}

TEST(WakePacer, FewWakesNeverMeetARest) {
  WakePacer pacer;
  uint64_t now = 1000;
  EXPECT_EQ(Wake(&pacer, &now, 50, 7, 1000), 0u);
}

TEST(WakePacer, RestsThemselvesDoNotEndTheResting) {
  WakePacer pacer;
  uint64_t now = 1000;
  Wake(&pacer, &now, 20, 20, 100);
  EXPECT_EQ(Wake(&pacer, &now, 20, 4, 100), WakePacer::kRestUs);
  EXPECT_EQ(Wake(&pacer, &now, 20, 2, 100), 0u);
}

// The first wake after a silence is not one of many, whatever was before it.
TEST(WakePacer, ASilenceEndsTheResting) {
  WakePacer pacer;
  uint64_t now = 1000;
  Wake(&pacer, &now, 20, 20, 100);
  now += 1000;
  EXPECT_EQ(pacer.BeforeWait(now, 100), 0u);
}

}  // namespace
}  // namespace weir::net
