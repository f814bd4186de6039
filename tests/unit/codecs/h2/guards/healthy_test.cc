// Connections that behave, for months of simulated time and at the worst pace that good clients
// keep: no guard may say a word.
#include <cstdint>
#include <random>

#include <gtest/gtest.h>

#include "codecs/h2/guards/guards.h"

namespace weir::h2 {
namespace {

const GuardLimits kLimits;
constexpr uint64_t kSecond = 1000;
constexpr uint64_t kDay = 86400 * kSecond;

#define EXPECT_QUIET(call) ASSERT_EQ(call, GuardId::kNone) << "at " << now

// A stream of small messages both ways: each message in goes with an update of both windows and a
// ping that measures the path, as clients do that estimate it.
TEST(H2Healthy, AStreamOfSmallMessagesWithAPingAndUpdatesForEach) {
  Guards guards;
  uint64_t now = 0;
  guards.StreamOpened(kLimits);
  for (int message = 0; message < 5000000; ++message) {
    now += message % 10 == 0 ? 1 : 0;  // ten thousand a second
    EXPECT_QUIET(guards.Content(now, 5, false, kLimits));
    guards.SentData(5, kLimits);
    EXPECT_QUIET(guards.Ping(now, kLimits));
    EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
    EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
  }
}

// Four months of calls: one in a hundred is cancelled before the answer, and each minute has a
// ping.
TEST(H2Healthy, CallsForMonthsWithSomeCancelled) {
  Guards guards;
  uint64_t now = 0;
  std::mt19937_64 random(7);
  for (uint64_t call = 0; now < 120 * kDay; ++call) {
    now += random() % (6 * kSecond);
    guards.StreamOpened(kLimits);
    EXPECT_QUIET(guards.BlockBegins(40, kLimits));
    EXPECT_QUIET(guards.HeaderList(now, 40, 900, kLimits));
    guards.SentData(random() % 4096, kLimits);
    EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
    if (call % 20 == 0) {
      EXPECT_QUIET(guards.Ping(now, kLimits));
    }
    if (random() % 100 == 0) {
      EXPECT_QUIET(guards.PeerReset(now, false, kLimits));
    } else {
      guards.StreamCompleted(kLimits);
    }
  }
}

// An hour at five thousand calls a second, of which two in a hundred miss their deadline.
TEST(H2Healthy, AtAHighRateCancelsFollowTheCalls) {
  Guards guards;
  std::mt19937_64 random(8);
  uint64_t now = 0;
  for (uint64_t call = 0; call < 2000000; ++call) {
    now = call / 5;
    guards.StreamOpened(kLimits);
    if (random() % 50 == 0) {
      EXPECT_QUIET(guards.PeerReset(now, false, kLimits));
    } else {
      guards.StreamCompleted(kLimits);
    }
  }
}

// Nothing but a keep-alive ping, each ten seconds, for a year.
TEST(H2Healthy, AnIdleConnectionThatPings) {
  Guards guards;
  for (uint64_t now = 0; now < 365 * kDay; now += 10 * kSecond) {
    EXPECT_QUIET(guards.Ping(now, kLimits));
  }
}

// A page of a hundred parts, loaded again and again: a priority and an unknown frame for each
// request, updates for each frame of each part, and all that is under way is cancelled now and
// then.
TEST(H2Healthy, ABrowserThatIsClickedThrough) {
  Guards guards;
  uint64_t now = 0;
  for (int page = 0; page < 20000; ++page, now += 3 * kSecond) {
    const bool leaves = page % 3 == 0;
    for (int part = 0; part < 100; ++part) {
      guards.StreamOpened(kLimits);
      EXPECT_QUIET(guards.UnknownFrame(now, kLimits));
      EXPECT_QUIET(guards.BlockBegins(400, kLimits));
      EXPECT_QUIET(guards.HeaderList(now, 400, 9000, kLimits));
      for (int move = 0; move < 3; ++move) {
        EXPECT_QUIET(guards.Priority(now, kLimits));
      }
      for (int frame = 0; frame < 4; ++frame) {
        guards.SentData(16384, kLimits);
        EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
        EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
      }
      if (leaves && part >= 80) {
        EXPECT_QUIET(guards.PeerReset(now, true, kLimits));
      } else {
        guards.StreamCompleted(kLimits);
      }
    }
  }
}

// A large upload or download to a peer that reads 512 bytes at a time and credits each read on
// stream and connection.
TEST(H2Healthy, APeerThatCreditsEachSmallRead) {
  Guards guards;
  const uint64_t now = 5;  // all at once
  for (int frame = 0; frame < 65536; ++frame) {
    guards.SentData(16384, kLimits);
    for (int read = 0; read < 32; ++read) {
      EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
      EXPECT_QUIET(guards.WindowUpdate(now, kLimits));
    }
  }
}

// A path of 300 ms with the smallest window: it waits for window nearly all the time.
TEST(H2Healthy, ALongPathWithASmallWindow) {
  SlowReader reader;
  for (uint64_t now = 0; now < 90 * kDay; now += 300) {
    reader.Starve(now + 1);
    EXPECT_QUIET(reader.Granted(now + 300, 65535, kLimits));
  }
}

// A reader that pauses for most of a minute, again and again, and then takes its fill in credits of
// 100 bytes.
TEST(H2Healthy, AReaderThatPausesAndCreditsInSmallSteps) {
  SlowReader reader;
  for (uint64_t start = 0; start < 30 * kDay; start += 60 * kSecond) {
    reader.Starve(start);
    for (uint64_t now = start + 50 * kSecond; now < start + 50 * kSecond + 200; ++now) {
      EXPECT_QUIET(reader.Granted(now, 100, kLimits));
      reader.Starve(now);
    }
    reader.Rest(start + 51 * kSecond);
  }
}

// The same, with all its credits in one read.
TEST(H2Healthy, AReaderThatPausesAndCreditsAllAtOnceInSmallSteps) {
  SlowReader reader;
  for (uint64_t now = 0; now < 30 * kDay; now += 60 * kSecond) {
    reader.Starve(now);
    for (int credit = 0; credit < 200; ++credit) {
      EXPECT_QUIET(reader.Granted(now + 50 * kSecond, 100, kLimits));
    }
  }
}

}  // namespace
}  // namespace weir::h2
