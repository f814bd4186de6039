#include "filters/network/connection_limit/connection_limit.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"

namespace weir::filters {
namespace {

using kit::World;
using ::testing::HasSubstr;

kit::FakeConfig Load(const std::string& yaml) {
  return kit::FakeConfig::Network(kConnectionLimitApi, yaml);
}

// A connection from its start to its end.
class Client {
 public:
  explicit Client(const kit::FakeConfig& config) {
    EXPECT_TRUE(config.ok()) << config.errors();
    EXPECT_EQ(kConnectionLimitApi.create(self_, config.get(), connection_.handle()), WEIR_OK);
    served_ = kConnectionLimitApi.new_connection(self_, connection_.handle()) == WEIR_CONTINUE;
  }
  ~Client() { kConnectionLimitApi.destroy(self_); }

  bool served() const { return served_; }
  bool closed() const { return connection_.closed; }
  std::int32_t Send(std::string bytes) {
    connection_.received += bytes;
    return kConnectionLimitApi.data(self_, connection_.handle(), 0);
  }
  const std::string& kept() const { return connection_.received; }

 private:
  kit::FakeConnection connection_;
  alignas(16) unsigned char self_[sizeof(ConnectionLimit)] = {};
  bool served_ = false;
};
using Clients = std::vector<std::unique_ptr<Client>>;

class ConnectionLimitTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
  static std::int64_t Active() { return World().gauges["connection_limit.s.active_connections"]; }
  static std::uint64_t Limited() {
    return World().counters["connection_limit.s.limited_connections"];
  }
};

TEST_F(ConnectionLimitTest, OneTooManyIsClosed) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 2}");
  Client first(config);
  auto second = std::make_unique<Client>(config);
  EXPECT_TRUE(first.served() && second->served());
  EXPECT_EQ(first.Send("x"), WEIR_CONTINUE);
  EXPECT_EQ(Active(), 2);
  {
    Client third(config);
    EXPECT_FALSE(third.served());
    EXPECT_TRUE(third.closed());
    EXPECT_EQ(third.Send("x"), WEIR_STOP);
  }
  EXPECT_EQ(Limited(), 1u);
  EXPECT_EQ(Active(), 2) << "who was refused takes nothing away";
  second.reset();
  EXPECT_EQ(Active(), 1);
  EXPECT_TRUE(Client(config).served());
}

TEST_F(ConnectionLimitTest, TheGaugeGoesBackToZero) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 10}");
  {
    Clients clients;
    for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<Client>(config));
    EXPECT_EQ(Active(), 10);
  }
  EXPECT_EQ(Active(), 0);
  EXPECT_EQ(Limited(), 10u);
}

TEST_F(ConnectionLimitTest, TheEndCanBeDelayed) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 1, delay: 1.5s}");
  Client first(config);
  {
    Client second(config);
    EXPECT_FALSE(second.served());
    EXPECT_FALSE(second.closed());
    EXPECT_EQ(second.Send("data"), WEIR_STOP);
    EXPECT_EQ(second.kept(), "");
    World().Advance(1499);
    EXPECT_FALSE(second.closed());
    World().Advance(1);
    EXPECT_TRUE(second.closed());
  }
  EXPECT_EQ(World().timers(), 0u);
}

TEST_F(ConnectionLimitTest, WhoGoesBeforeTheDelayIsOverLeavesNothing) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 1, delay: 10s}");
  Client first(config);
  std::make_unique<Client>(config).reset();
  EXPECT_EQ(World().timers(), 0u);
  World().Advance(20'000);
  EXPECT_FALSE(Client(config).closed()) << "the one that waited is not counted any more";
}

TEST_F(ConnectionLimitTest, NoMoreWaitThanMayBeServed) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 2, delay: 10s}");
  Clients clients;
  for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<Client>(config));
  EXPECT_FALSE(clients[2]->closed() || clients[3]->closed());
  EXPECT_TRUE(clients[4]->closed() && clients[5]->closed());
}

TEST_F(ConnectionLimitTest, WithoutATimerTheEndIsAtOnce) {
  const kit::FakeConfig config = Load("{stat_prefix: s, max_connections: 1, delay: 10s}");
  Client first(config);
  World().full = true;
  EXPECT_TRUE(Client(config).closed());
}

TEST_F(ConnectionLimitTest, CanBeTurnedOff) {
  const kit::FakeConfig config = Load(
      "{stat_prefix: s, max_connections: 1, runtime_enabled: {default_value: false, runtime_key: "
      "x}}");
  Client first(config);
  EXPECT_TRUE(Client(config).served());
  EXPECT_EQ(Active(), 0);
}

TEST_F(ConnectionLimitTest, ThreadsNeverPassTheBound) {
  BoundedCount count;
  std::atomic<std::uint64_t> held{0};
  std::atomic<bool> passed{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!count.Take(3)) continue;
        if (++held > 3) passed = true;
        --held;
        count.GiveBack();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(passed);
  EXPECT_EQ(count.value(), 0u);
}

TEST_F(ConnectionLimitTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("").errors(), HasSubstr("needs stat_prefix and max_connections"));
  EXPECT_THAT(Load("{}").errors(), HasSubstr("connection_limit needs stat_prefix"));
  EXPECT_THAT(Load("stat_prefix: s").errors(), HasSubstr("connection_limit needs max_connections"));
  EXPECT_FALSE(Load("{stat_prefix: s, max_connections: 0}").ok());
  EXPECT_THAT(Load("{stat_prefix: s, max_connections: 1, delay: 61s}").errors(),
              HasSubstr("1:45: the filter: delay is 0s to 60s"));
  EXPECT_THAT(Load("{stat_prefix: s, max_connections: 1, runtime_enabled: {}}").errors(),
              HasSubstr("runtime_enabled needs default_value"));
  EXPECT_THAT(Load("{stat_prefix: s, max_connections: 1, most: 1}").errors(),
              HasSubstr("\"most\""));
}

}  // namespace
}  // namespace weir::filters
