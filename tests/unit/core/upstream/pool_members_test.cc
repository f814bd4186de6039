#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/upstream/pool.h"
#include "tests/unit/core/upstream/pool_world.h"

namespace weir::upstream {
namespace {

class PoolMembersTest : public PoolTest {
 protected:
  ~PoolMembersTest() override { EXPECT_EQ(Unfinished(), 0u); }

  void Set(const std::vector<int>& hosts, bool logical = false) {
    auto list = std::make_shared<MemberList>();
    list->by_endpoint = logical;
    for (const int host : hosts) {
      const uint8_t bytes[4] = {10, 0, 0, static_cast<uint8_t>(host)};
      const net::Address address = net::Address::Ipv4(bytes, 80);
      if (logical && !list->members.empty()) {
        list->members[0].addresses.push_back(address);
      } else {
        list->members.push_back({0, 1, {address}});
      }
    }
    pool().SetMembers(std::move(list));
  }
  // Gone hosts of which something is left.
  size_t Unfinished() {
    requests_.clear();
    worker_.Turn();
    Set({});
    worker_.Pass(10'000);  // connects that were under way have timed out
    Set({});
    return pool().gone_hosts();
  }
};

TEST_F(PoolMembersTest, NewRequestsGoToTheNewHosts) {
  Exchange(0);
  Set({2});
  worker_.Turn();
  Exchange(1);
  EXPECT_EQ(at(1).address, "10.0.0.2:80");
}

TEST_F(PoolMembersTest, IdleConnectionsOfAGoneHostAreClosed) {
  Exchange(0);
  Set({2});
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(pool().connections(), 0u);
}

TEST_F(PoolMembersTest, AStreamOnAGoneHostEndsInPeace) {
  Request& request = Begin();
  Set({2});
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  at(0).Send(kOk);
  worker_.Turn();
  EXPECT_TRUE(request.answered());
  EXPECT_TRUE(at(0).peer.closed) << "nobody may use it again";
}

TEST_F(PoolMembersTest, ConnectionsOfHostsThatStayGoOn) {
  Set({1, 2});
  Exchange(0);
  Exchange(1);
  Set({1, 2, 3});
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  EXPECT_FALSE(at(1).peer.closed);
  for (int i = 0; i < 3; ++i) Begin();
  EXPECT_EQ(dialled(), 3u) << "only the new host is dialled";
}

TEST_F(PoolMembersTest, WhoWaitsForAGoneHostGetsAnotherOne) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  EXPECT_TRUE(request.waiting());
  Set({2});
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  at(1).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
  EXPECT_EQ(at(1).address, "10.0.0.2:80");
  EXPECT_EQ(request.connect_attempts_, 0) << "that is no failure of theirs";
  // The connection that was on its way is of no use.
  at(0).Establish();
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(PoolMembersTest, AConnectToAGoneHostThatFailsCostsNobodyAnything) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  Set({2});
  at(0).Refuse();
  worker_.Turn();
  EXPECT_TRUE(request.waiting());
  at(1).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
}

TEST_F(PoolMembersTest, WithoutAnyHostWhoWaitsIsTold) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  Set({});
  worker_.Turn();
  EXPECT_FALSE(request.waiting());
  EXPECT_EQ(request.failure, PoolFailure::kNoHealthyHost);
  EXPECT_EQ(NewRequest().Acquire(), PoolFailure::kNoHealthyHost);
  at(0).Establish();
}

TEST_F(PoolMembersTest, AHostThatIsBackKeepsItsBusyConnection) {
  Begin();
  Set({2});
  Set({1});
  at(0).Send(kOk);
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  Exchange(0);
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(PoolMembersTest, ALogicalHostKeepsItsConnectionsAndDialsItsNewAddress) {
  Set({1}, true);
  Exchange(0);
  Set({2, 1}, true);
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  Begin();
  EXPECT_EQ(dialled(), 1u);
  Begin();
  EXPECT_EQ(at(1).address, "10.0.0.2:80");
}

TEST_F(PoolMembersTest, AnAttemptThatAvoidsAGoneHostIsNotGivenIt) {
  Request& request = Begin();
  Host* const gone = pool().hosts()[0];
  Set({});
  EXPECT_EQ(NewRequest().Acquire(true, gone), PoolFailure::kNoHealthyHost);
  at(0).Send(kOk);
  worker_.Turn();
  EXPECT_TRUE(request.answered());
}

TEST_F(PoolMembersTest, ThePoolsOfClientsFollow) {
  cluster_.proxy_protocol = config::ProxyProtocol::kV2;
  Pool* const client = pool().ForClient({1, nullptr, nullptr});
  Set({2, 3});
  ASSERT_EQ(client->hosts().size(), 2u);
  EXPECT_EQ(client->hosts()[0]->address.ToString(), "10.0.0.2:80");
  EXPECT_EQ(pool().ForClient({2, nullptr, nullptr})->hosts().size(), 2u) << "and those made later";
  Set({});
  EXPECT_TRUE(pool().ForClient({3, nullptr, nullptr})->hosts().empty());
}

TEST_F(PoolMembersTest, ThePoolOfTheOtherProtocolFollows) {
  const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
  pool().SetHttp2(std::make_unique<Pool>(&worker_.context, &cluster_, codec_, stats, workers_));
  Set({2, 3});
  EXPECT_EQ(pool().ForVersion(20)->hosts().size(), 2u);
}

// Sockets come and go under requests that never stop: whatever the order, each request is answered
// or told, and nothing is left.
TEST_F(PoolMembersTest, ManyChangesInAnyOrderLeaveNothingBehind) {
  base::Random random(7);
  worker_.dialer.at_once = false;
  for (int step = 0; step < 2'000; ++step) {
    switch (random.Below(6)) {
      case 0: {
        std::vector<int> hosts;
        for (int host = 1; host <= 4; ++host) {
          if (random.Below(2) == 0) hosts.push_back(host);
        }
        Set(hosts);
        break;
      }
      case 1:
      case 2:
        if (requests_.size() < 40) NewRequest().Acquire(random.Below(4) == 0);
        break;
      case 3:
        if (dialled() != 0) {
          Dialled& peer = at(random.Below(dialled()));
          if (!peer.peer.closed) random.Below(5) == 0 ? peer.Refuse() : peer.Establish();
        }
        break;
      case 4:
        if (dialled() != 0) {
          Dialled& peer = at(random.Below(dialled()));
          if (!peer.peer.closed && !peer.Written().empty()) peer.Send(kOk);
        }
        break;
      default:
        if (!requests_.empty()) {
          requests_.erase(requests_.begin() + static_cast<long>(random.Below(requests_.size())));
        }
    }
    worker_.Turn();
  }
}

}  // namespace
}  // namespace weir::upstream
