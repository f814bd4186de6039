#include "core/net/event_loop.h"

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::net {
namespace {

using testing::ElementsAre;

class Alarm : public Actor {
 public:
  explicit Alarm(EventLoop* loop) : loop_(loop) {}
  void OnDeadline() override {
    ++fired;
    at = EventLoop::MonotonicMs();
    loop_->Stop();
  }
  int fired = 0;
  uint64_t at = 0;

 private:
  EventLoop* loop_;
};

// Counts the turns until the loop stops.
int TurnsUntil(EventLoop* loop, const bool* done) {
  int turns = 0;
  while (!*done) {
    loop->Turn(true);
    ++turns;
  }
  return turns;
}

TEST(EventLoopTest, PostedWorkRunsOnTheLoopInOrder) {
  EventLoop loop;
  std::vector<int> ran;
  std::thread::id where;
  std::thread poster([&] {
    for (int i = 0; i < 3; ++i) {
      loop.Post([&ran, i] { ran.push_back(i); });
    }
    loop.Post([&] {
      where = std::this_thread::get_id();
      loop.Stop();
    });
  });
  loop.Run();
  poster.join();
  EXPECT_THAT(ran, ElementsAre(0, 1, 2));
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(EventLoopTest, NothingThatManyThreadsPostIsLost) {
  EventLoop loop;
  int ran = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < 4; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) loop.Post([&] { ++ran; });
    });
  }
  while (ran < 4000) loop.Turn(true);
  for (std::thread& poster : posters) poster.join();
  EXPECT_EQ(ran, 4000);
}

TEST(EventLoopTest, WorkPostedByPostedWorkRunsInALaterTurn) {
  EventLoop loop;
  bool inner = false;
  loop.Post([&] { loop.Post([&] { inner = true; }); });
  loop.Turn(true);
  EXPECT_FALSE(inner);
  loop.Turn(true);
  EXPECT_TRUE(inner);
}

TEST(EventLoopTest, ADeadlineWakesTheLoopNeitherEarlyNorMuchLater) {
  EventLoop loop;
  Alarm alarm(&loop);
  const uint64_t due = EventLoop::MonotonicMs() + 60;
  loop.reactor()->SetDeadline(&alarm, due);
  loop.Run();
  EXPECT_EQ(alarm.fired, 1);
  EXPECT_GE(alarm.at, due);
  EXPECT_LT(alarm.at, due + 500);
}

TEST(EventLoopTest, ASleepUntilADeadlineTakesFewTurns) {
  EventLoop loop;
  Alarm alarm(&loop);
  loop.reactor()->SetDeadline(&alarm, loop.now_ms() + 200);
  bool done = false;
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    loop.Post([&] { done = true; });
  });
  const int turns = TurnsUntil(&loop, &done);
  waker.join();
  EXPECT_EQ(alarm.fired, 1);
  // The deadline, its Stop's post, the waker's post, and one for a slot of a higher ring.
  EXPECT_LE(turns, 6);
}

TEST(EventLoopTest, AnIdleLoopIsWokenByNothing) {
  EventLoop loop;
  bool done = false;
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    loop.Post([&] { done = true; });
  });
  EXPECT_EQ(TurnsUntil(&loop, &done), 1);
  waker.join();
}

TEST(EventLoopTest, AnEarlierDeadlineMovesTheTimer) {
  EventLoop loop;
  Alarm late(&loop), early(&loop);
  loop.reactor()->SetDeadline(&late, loop.now_ms() + 30000);
  loop.Turn(false);
  std::thread setter(
      [&] { loop.Post([&] { loop.reactor()->SetDeadline(&early, loop.now_ms() + 30); }); });
  const uint64_t begin = EventLoop::MonotonicMs();
  loop.Run();
  setter.join();
  EXPECT_EQ(early.fired, 1);
  EXPECT_LT(EventLoop::MonotonicMs() - begin, 5000u);
}

TEST(EventLoopTest, WhileThereIsReadingToDoTheLoopDoesNotWait) {
  class Reader : public Actor {
   public:
    explicit Reader(EventLoop* loop) : loop_(loop) {}
    void OnRead() override {
      if (++reads < 5) loop_->reactor()->WantRead(this);
    }
    int reads = 0;

   private:
    EventLoop* loop_;
  };
  EventLoop loop;
  Reader reader(&loop);
  loop.reactor()->WantRead(&reader);
  for (int i = 0; i < 5; ++i) loop.Turn(true);
  EXPECT_EQ(reader.reads, 5);
}

TEST(EventLoopTest, TheClockIsFreshAfterASleep) {
  EventLoop loop;
  uint64_t seen = 0;
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    loop.Post([&] { seen = loop.now_ms(); });
  });
  const uint64_t begin = EventLoop::MonotonicMs();
  loop.Turn(true);
  waker.join();
  EXPECT_GE(seen, begin + 49);
}

TEST(EventLoopTest, WorkThatNeverRanIsDestroyedWithTheLoop) {
  auto held = std::make_shared<int>(0);
  {
    EventLoop loop;
    loop.Post([held] { ++*held; });
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace weir::net
