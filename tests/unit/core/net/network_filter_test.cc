#include "core/net/network_filter.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/net/connection_limit.h"

namespace weir::net {
namespace {

TEST(ConnectionLimitTest, IsExactAcrossThreads) {
  ConnectionLimit limit(100);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) taken += limit.TryTake();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 100);
  EXPECT_EQ(limit.open(), 100u);
}

TEST(ConnectionLimitTest, NeverMoreThanTheLimitWhilePlacesComeAndGo) {
  ConnectionLimit limit(3);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5000; ++i) {
        if (!limit.TryTake()) continue;
        const int now = ++inside;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
        limit.Release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 3);
  EXPECT_EQ(limit.open(), 0u);
}

TEST(ConnectionLimitTest, ZeroIsNoLimit) {
  ConnectionLimit limit(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(limit.TryTake());
  EXPECT_FALSE(limit.Wait());
}

TEST(ConnectionLimitTest, AReleaseWakesOnlyThoseWhoWait) {
  ConnectionLimit limit(1);
  EXPECT_TRUE(limit.TryTake());
  EXPECT_FALSE(limit.Release());
  EXPECT_TRUE(limit.TryTake());
  EXPECT_TRUE(limit.Wait());
  EXPECT_TRUE(limit.Release());
  EXPECT_FALSE(limit.Wait()) << "there is room: try again";
}

TEST(ConnectionLimitTest, ThereIsNoLostWakeup) {
  ConnectionLimit limit(1);
  std::atomic<int> wakeups{0};
  constexpr int kRounds = 20000;
  std::thread taker([&] {
    for (int i = 0; i < kRounds; ++i) {
      while (!limit.TryTake()) {
        const int before = wakeups;
        if (!limit.Wait()) continue;
        // Either the releaser saw us wait, or there is room again. Neither would be the bug.
        while (wakeups == before && limit.open() >= 1) std::this_thread::yield();
      }
      // A place is freed by the other thread only.
      while (limit.open() == 1) std::this_thread::yield();
    }
  });
  int released = 0;
  while (released < kRounds) {
    if (limit.open() == 0) continue;
    if (limit.Release()) ++wakeups;
    ++released;
  }
  taker.join();
  EXPECT_EQ(limit.open(), 0u);
}

class Home : public ConnectionHome {
 public:
  int freed = 0;
  int closed = 0;  // sockets

 private:
  void OnPlaceFreed() override { ++freed; }
};

class FakeIo : public Io {
 public:
  explicit FakeIo(Home* home) : home_(home) {}
  ~FakeIo() override {
    EXPECT_EQ(home_->freed, home_->closed++) << "the place must outlive the socket";
  }
  ssize_t Read(uint8_t*, size_t) override { return kAgain; }
  ssize_t Write(const iovec*, int) override { return kAgain; }
  void ShutdownWrite() override {}
  void AbortOnClose() override {}
  int error() const override { return 0; }
  bool connected() const override { return true; }

 private:
  Home* home_;
};

class Served : public ServedConnection {
 public:
  using ServedConnection::ServedConnection;
  void OnIo(bool, bool) override {}
  void Drain() override {
    ++drains;
    if (also_retire != nullptr) worker_->reactor->Retire(also_retire);
    if (retire) worker_->reactor->Retire(this);
  }
  int drains = 0;
  bool retire = false;
  Served* also_retire = nullptr;
};

class NetworkFilterTest : public testing::Test {
 protected:
  void SetUp() override { worker_.reactor = &reactor_; }
  AcceptedConnection Accept() {
    AcceptedConnection accepted;
    accepted.place = ConnectionPlace(&home_);
    accepted.io = std::make_unique<FakeIo>(&home_);
    return accepted;
  }
  Home home_;
  Reactor reactor_{0};
  WorkerContext worker_;
};

TEST_F(NetworkFilterTest, ADroppedConnectionGivesItsPlaceBackAfterItsSocket) {
  { const AcceptedConnection accepted = Accept(); }
  EXPECT_EQ(home_.freed, 1);
  EXPECT_EQ(home_.open(), 0u);
}

TEST_F(NetworkFilterTest, ADeadConnectionGivesItsPlaceBackAfterItsSocket) {
  auto* served = new Served(Accept(), &worker_);
  EXPECT_EQ(home_.open(), 1u);
  reactor_.Retire(served);
  reactor_.RunTurn();
  EXPECT_EQ(home_.freed, 1);
  EXPECT_EQ(home_.open(), 0u);
}

TEST_F(NetworkFilterTest, DrainReachesEachConnectionOnceWhileConnectionsRetire) {
  auto* a = new Served(Accept(), &worker_);
  auto* b = new Served(Accept(), &worker_);
  auto* c = new Served(Accept(), &worker_);
  a->retire = true;
  b->also_retire = c;
  home_.DrainAll();
  EXPECT_EQ(a->drains, 1);
  EXPECT_EQ(b->drains, 1);
  EXPECT_LE(c->drains, 1);
  reactor_.RunTurn();
  EXPECT_EQ(home_.open(), 1u);
  home_.DeleteAll();
  EXPECT_EQ(home_.open(), 0u);
}

}  // namespace
}  // namespace weir::net
