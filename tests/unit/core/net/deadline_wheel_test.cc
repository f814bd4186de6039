#include "core/net/deadline_wheel.h"

#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weir::net {
namespace {

// Longest delay beyond a deadline: its tick must be over, and the wheel is asked once a tick.
constexpr uint64_t kSlackMs = 16;

class Sleeper : public Actor {
 public:
  explicit Sleeper(const uint64_t* now) : now_(now) {}
  void OnDeadline() override {
    ++fired;
    fired_at = *now_;
    EXPECT_EQ(deadline(), 0u);
    if (then) then(this);
  }

  int fired = 0;
  uint64_t fired_at = 0;
  void (*then)(Sleeper*) = nullptr;
  DeadlineWheel* wheel = nullptr;

 private:
  const uint64_t* now_;
};

class DeadlineWheelTest : public testing::Test {
 protected:
  // Walks as a loop does: sleeps until NextIn says, at most until `end`.
  void WalkTo(uint64_t end) {
    while (now_ < end) {
      const uint64_t next = wheel_.NextIn(now_);
      now_ = next > end - now_ ? end : now_ + std::max<uint64_t>(next, 1);
      wheel_.Advance(now_);
      ++wakeups_;
    }
  }

  uint64_t now_ = 1'000'003;
  int wakeups_ = 0;
  DeadlineWheel wheel_{now_};
};

TEST_F(DeadlineWheelTest, FiresNeverEarlyAndAtMostATickLate) {
  for (const uint64_t delay : {1u, 15u, 16u, 17u, 1000u, 1023u, 1024u, 1025u, 5000u, 65535u, 65536u,
                               65537u, 300000u, 3600000u, 4194304u, 10000000u}) {
    Sleeper sleeper(&now_);
    const uint64_t due = now_ + delay;
    wheel_.Set(&sleeper, due);
    WalkTo(due - 1);
    EXPECT_EQ(sleeper.fired, 0) << delay;
    WalkTo(due + kSlackMs);
    EXPECT_EQ(sleeper.fired, 1) << delay;
    EXPECT_GE(sleeper.fired_at, due);
  }
}

TEST_F(DeadlineWheelTest, ALaterDeadlineIsAStoreAndCostsFewWakeups) {
  Sleeper sleeper(&now_);
  for (int i = 0; i < 10000; ++i) {
    wheel_.Set(&sleeper, now_ + 60000);
    WalkTo(now_ + 1);
  }
  EXPECT_EQ(sleeper.fired, 0);
  wakeups_ = 0;
  WalkTo(now_ + 60000 + kSlackMs);
  EXPECT_EQ(sleeper.fired, 1);
  EXPECT_LE(wakeups_, 8);
}

TEST_F(DeadlineWheelTest, AnEarlierDeadlineCounts) {
  Sleeper sleeper(&now_);
  wheel_.Set(&sleeper, now_ + 60000);
  wheel_.Set(&sleeper, now_ + 100);
  WalkTo(now_ + 100 + kSlackMs);
  EXPECT_EQ(sleeper.fired, 1);
}

TEST_F(DeadlineWheelTest, ZeroDisarms) {
  Sleeper sleeper(&now_);
  wheel_.Set(&sleeper, now_ + 100);
  wheel_.Set(&sleeper, 0);
  WalkTo(now_ + 1000);
  EXPECT_EQ(sleeper.fired, 0);
  EXPECT_EQ(wheel_.NextIn(now_), UINT64_MAX);
}

TEST_F(DeadlineWheelTest, ADisarmedActorCanBeArmedAgain) {
  Sleeper sleeper(&now_);
  wheel_.Set(&sleeper, now_ + 100);
  wheel_.Set(&sleeper, 0);
  wheel_.Set(&sleeper, now_ + 200);
  WalkTo(now_ + 200 + kSlackMs);
  EXPECT_EQ(sleeper.fired, 1);
}

TEST_F(DeadlineWheelTest, ADeadlineInThePastFiresAtTheNextTick) {
  Sleeper sleeper(&now_);
  wheel_.Set(&sleeper, now_ - 500);
  WalkTo(now_ + kSlackMs);
  EXPECT_EQ(sleeper.fired, 1);
}

TEST_F(DeadlineWheelTest, ADeadActorIsForgotten) {
  {
    Sleeper sleeper(&now_);
    wheel_.Set(&sleeper, now_ + 100);
  }
  WalkTo(now_ + 1000);
  EXPECT_EQ(wheel_.NextIn(now_), UINT64_MAX);
}

TEST_F(DeadlineWheelTest, AnActorMayArmItselfWhenItFires) {
  Sleeper sleeper(&now_);
  sleeper.wheel = &wheel_;
  sleeper.then = [](Sleeper* self) { self->wheel->Set(self, self->fired_at + 50); };
  wheel_.Set(&sleeper, now_ + 50);
  WalkTo(now_ + 10 * (50 + kSlackMs));
  EXPECT_GE(sleeper.fired, 10);
}

TEST_F(DeadlineWheelTest, ALongSleepIsNotWalkedTickByTick) {
  Sleeper sleeper(&now_);
  wheel_.Set(&sleeper, now_ + 100);
  now_ += uint64_t{365} * 86400 * 1000;
  wheel_.Advance(now_);
  EXPECT_EQ(sleeper.fired, 1);
  Sleeper other(&now_);
  wheel_.Set(&other, now_ + 100);
  WalkTo(now_ + 100 + kSlackMs);
  EXPECT_EQ(other.fired, 1);
}

// Random schedules, with random naps (a loop that is woken by other events, or that was busy for a
// while), against the rule itself: a deadline d fires once, at the first look at the wheel at which
// d's tick is over.
class DeadlineWheelRandomTest : public testing::TestWithParam<uint32_t> {};

TEST_P(DeadlineWheelRandomTest, AgreesWithANaiveModel) {
  std::mt19937 random(GetParam());
  uint64_t now = 5'000'000 + random() % 100000;
  DeadlineWheel wheel(now);
  std::vector<std::unique_ptr<Sleeper>> sleepers;
  std::vector<uint64_t> due(40, 0);
  std::vector<int> fired(40, 0);
  for (int i = 0; i < 40; ++i) sleepers.push_back(std::make_unique<Sleeper>(&now));
  const uint64_t scales[] = {20, 500, 5000, 80000, 1'000'000, 20'000'000};
  for (int step = 0; step < 3000; ++step) {
    const size_t who = random() % 40;
    due[who] = random() % 8 == 0 ? 0 : now + random() % scales[random() % 6];
    wheel.Set(sleepers[who].get(), due[who]);
    const uint64_t next = wheel.NextIn(now);
    const uint64_t nap = random() % scales[random() % 6];
    const uint64_t then = now + (random() % 4 == 0 ? nap : std::min(nap, next));
    // Nothing may come due before the wheel wants to be looked at.
    for (size_t i = 0; i < 40; ++i) {
      if (due[i] == 0) continue;
      ASSERT_NE(next, UINT64_MAX);
      EXPECT_LE(now + next, std::max(now, due[i]) + kSlackMs);
    }
    now = then;
    wheel.Advance(now);
    for (size_t i = 0; i < 40; ++i) {
      if (due[i] != 0 && now >= due[i] + kSlackMs) {
        ++fired[i];
        due[i] = 0;
      } else if (due[i] != 0 && sleepers[i]->fired == fired[i] + 1) {
        EXPECT_GE(now, due[i]);
        ++fired[i];
        due[i] = 0;
      }
      ASSERT_EQ(sleepers[i]->fired, fired[i]) << "step " << step << ", sleeper " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DeadlineWheelRandomTest, testing::Range(1u, 21u));

}  // namespace
}  // namespace weir::net
