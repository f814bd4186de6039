#include "core/upstream/host_set.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/upstream/load_balancer.h"

namespace weir::upstream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

net::Address At(uint8_t last) {
  const uint8_t bytes[4] = {10, 0, 0, last};
  return net::Address::Ipv4(bytes, 80);
}

MemberList List(const std::vector<int>& hosts, uint32_t weight = 1) {
  MemberList list;
  list.by_endpoint = false;
  for (const int host : hosts)
    list.members.push_back({0, weight, {At(static_cast<uint8_t>(host))}});
  return list;
}

class HostSetTest : public testing::Test {
 protected:
  HostSetTest() {
    cluster_.type = config::ClusterType::kStrictDns;
    cluster_.endpoints.resize(2);
    for (config::Endpoint& endpoint : cluster_.endpoints)
      endpoint.lookup = config::Endpoint::Lookup::kAddress;
  }
  HostSet& set() {
    if (set_ == nullptr) set_ = std::make_unique<HostSet>(&cluster_);
    return *set_;
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (const Host* host : set().list()) texts.push_back(host->address.ToString());
    return texts;
  }
  Host* host(size_t i) { return set().list()[i]; }

  config::Cluster cluster_;
  std::unique_ptr<HostSet> set_;
};

TEST_F(HostSetTest, BeginsWithoutWhatIsStillToBeLookedUp) {
  EXPECT_THAT(set().list(), IsEmpty());
}

TEST_F(HostSetTest, HostsThatStayKeepTheirState) {
  set().Update(List({1, 2}));
  Host* const first = host(0);
  first->active_requests = 3;
  first->room = 7;
  EXPECT_THAT(set().Update(List({3, 1})), ElementsAre(testing::Field(&Host::address, At(2))));
  EXPECT_THAT(Texts(), ElementsAre("10.0.0.3:80", "10.0.0.1:80"));
  EXPECT_EQ(host(1), first);
  EXPECT_EQ(first->active_requests, 3u);
  EXPECT_EQ(first->room, 7u);
  EXPECT_FALSE(first->gone);
}

TEST_F(HostSetTest, AGoneHostLivesUntilNothingIsLeftOfIt) {
  set().Update(List({1, 2}));
  Host* const gone = host(1);
  gone->connections = 1;
  EXPECT_THAT(set().Update(List({1})), ElementsAre(gone));
  EXPECT_TRUE(gone->gone);
  EXPECT_FALSE(gone->healthy);
  set().Update(List({1}));
  EXPECT_EQ(set().gone(), 1u);
  gone->connections = 0;
  set().Update(List({1}));
  EXPECT_EQ(set().gone(), 0u);
}

TEST_F(HostSetTest, AGoneHostThatIsBackIsTakenUpAgain) {
  set().Update(List({1, 2}));
  Host* const back = host(1);
  back->connections = 1;
  set().Update(List({1}));
  EXPECT_THAT(set().Update(List({2})), ElementsAre(testing::Field(&Host::address, At(1))));
  EXPECT_EQ(host(0), back);
  EXPECT_TRUE(back->healthy);
  EXPECT_FALSE(back->gone);
  back->connections = 0;
}

TEST_F(HostSetTest, AWeightChangesWhereTheHostStays) {
  set().Update(List({1}));
  Host* const same = host(0);
  set().Update(List({1}, 5));
  EXPECT_EQ(host(0), same);
  EXPECT_EQ(same->weight, 5u);
}

TEST_F(HostSetTest, TheSameAddressOfAnotherEndpointIsAnotherHost) {
  MemberList list = List({1});
  set().Update(list);
  Host* const first = host(0);
  first->connections = 1;
  list.members[0].endpoint = 1;
  EXPECT_THAT(set().Update(list), ElementsAre(first));
  EXPECT_EQ(host(0)->endpoint, &cluster_.endpoints[1]);
  first->connections = 0;
}

TEST_F(HostSetTest, ALogicalHostStaysWhateverItsAddresses) {
  MemberList list{true, {{0, 1, {At(1), At(2)}}}};
  set().Update(list);
  Host* const logical = host(0);
  // The address that worked is kept as long as the answer is the same.
  logical->address_index = 1;
  logical->address = At(2);
  EXPECT_THAT(set().Update(list), IsEmpty());
  EXPECT_EQ(logical->address, At(2));
  list.members[0].addresses = {At(3), At(1)};
  EXPECT_THAT(set().Update(list), IsEmpty());
  EXPECT_EQ(host(0), logical);
  EXPECT_EQ(logical->address, At(3));
  EXPECT_EQ(logical->address_index, 0u);
}

TEST_F(HostSetTest, RoundRobinStaysFairWhileMembersComeAndGo) {
  RoundRobin balancer;
  std::map<std::string, int> picks;
  // Host 1 is always there; of the others there are two at any time, and they change each 7 picks.
  for (int round = 0; round < 300; ++round) {
    set().Update(List({1, 2 + round % 5, 2 + (round + 1) % 5}));
    int64_t sum = 0;
    for (const Host* h : set().list()) sum += h->current_weight;
    EXPECT_EQ(sum, 0);
    for (int i = 0; i < 7; ++i) ++picks[balancer.Pick(set().list(), nullptr)->address.ToString()];
  }
  // A new host's first turn comes a little early: that may cost the others half a turn a change.
  EXPECT_NEAR(picks["10.0.0.1:80"], 700, 150);
  for (int i = 2; i < 7; ++i)
    EXPECT_NEAR(picks[At(static_cast<uint8_t>(i)).ToString()], 280, 60) << i;
}

TEST_F(HostSetTest, NobodyIsPickedOfAnEmptySet) {
  base::Random random(1);
  LeastRequest least(&random, 2);
  RoundRobin round;
  set().Update(List({1}));
  Host* const gone = host(0);
  gone->connections = 1;
  set().Update(List({}));
  EXPECT_EQ(least.Pick(set().list(), nullptr), nullptr);
  EXPECT_EQ(least.Pick(set().list(), gone), nullptr);
  EXPECT_EQ(round.Pick(set().list(), gone), nullptr);
  gone->connections = 0;
}

TEST_F(HostSetTest, EndpointsWithAddressesAreThereFromTheStart) {
  cluster_.endpoints[1].lookup = config::Endpoint::Lookup::kNone;
  cluster_.endpoints[1].address.ip = {10, 0, 0, 9};
  cluster_.endpoints[1].address.port = 80;
  EXPECT_THAT(Texts(), ElementsAre("10.0.0.9:80"));
}

}  // namespace
}  // namespace weir::upstream
