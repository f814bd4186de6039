#include "core/upstream/load_balancer.h"

#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "core/upstream/host.h"

namespace weir::upstream {
namespace {

class Hosts {
 public:
  explicit Hosts(const std::vector<uint32_t>& weights) {
    for (const uint32_t weight : weights) {
      owned_.push_back(std::make_unique<Host>());
      owned_.back()->weight = weight;
      owned_.back()->index = static_cast<uint32_t>(list.size());
      list.push_back(owned_.back().get());
    }
  }
  std::vector<Host*> list;

 private:
  std::vector<std::unique_ptr<Host>> owned_;
};

std::vector<uint32_t> Picks(LoadBalancer* balancer, const Hosts& hosts, int n) {
  std::vector<uint32_t> picked;
  for (int i = 0; i < n; ++i) picked.push_back(balancer->Pick(hosts.list, nullptr)->index);
  return picked;
}

TEST(RoundRobin, TakesEachHostInTurn) {
  Hosts hosts({1, 1, 1});
  RoundRobin balancer;
  EXPECT_EQ(Picks(&balancer, hosts, 6), (std::vector<uint32_t>{0, 1, 2, 0, 1, 2}));
}

TEST(RoundRobin, SpreadsWeightsExactlyAndEvenly) {
  Hosts hosts({5, 1, 1});
  RoundRobin balancer;
  // The classic example of smooth weighted round robin: never five of the same in a row.
  EXPECT_EQ(Picks(&balancer, hosts, 7), (std::vector<uint32_t>{0, 0, 1, 0, 2, 0, 0}));
}

TEST(RoundRobin, CountsMatchTheWeightsOverEveryWholeRound) {
  Hosts hosts({7, 3, 11, 1});
  RoundRobin balancer;
  for (int round = 0; round < 5; ++round) {
    std::map<uint32_t, int> count;
    for (const uint32_t i : Picks(&balancer, hosts, 22)) ++count[i];
    EXPECT_EQ(count, (std::map<uint32_t, int>{{0, 7}, {1, 3}, {2, 11}, {3, 1}}));
  }
}

TEST(RoundRobin, PassesOverHostsThatAreNotHealthy) {
  Hosts hosts({1, 1, 1});
  hosts.list[1]->healthy = false;
  RoundRobin balancer;
  EXPECT_EQ(Picks(&balancer, hosts, 4), (std::vector<uint32_t>{0, 2, 0, 2}));
  hosts.list[0]->healthy = hosts.list[2]->healthy = false;
  EXPECT_EQ(balancer.Pick(hosts.list, nullptr), nullptr);
}

TEST(RoundRobin, AvoidsAHostOnlyWhileThereIsAnother) {
  Hosts hosts({1, 1});
  RoundRobin balancer;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[0])->index, 1u);
  hosts.list[1]->healthy = false;
  EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[0]), hosts.list[0]);
  hosts.list[0]->healthy = false;
  EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[0]), nullptr);
}

TEST(RoundRobin, AvoidingAHostDoesNotMakeItOverdue) {
  Hosts hosts({1, 1, 1});
  RoundRobin balancer;
  for (int i = 0; i < 30; ++i) balancer.Pick(hosts.list, hosts.list[0]);
  std::map<uint32_t, int> count;
  for (const uint32_t i : Picks(&balancer, hosts, 6)) ++count[i];
  EXPECT_EQ(count[0], 2);
}

TEST(RoundRobin, ASingleHostIsAlwaysTheOne) {
  Hosts hosts({3});
  RoundRobin balancer;
  EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[0]), hosts.list[0]);
  hosts.list[0]->healthy = false;
  EXPECT_EQ(balancer.Pick(hosts.list, nullptr), nullptr);
}

TEST(LeastRequest, TakesTheLessLoadedOfItsDraws) {
  Hosts hosts({1, 1});
  hosts.list[0]->active_requests = 10;
  base::Random random(7);
  LeastRequest balancer(&random, 2);
  std::map<uint32_t, int> count;
  for (const uint32_t i : Picks(&balancer, hosts, 4000)) ++count[i];
  // The loaded one is taken only when both draws meet it: one time in four.
  EXPECT_NEAR(count[0], 1000, 120);
}

TEST(LeastRequest, LoadCountsPerWeight) {
  Hosts hosts({1, 4});
  hosts.list[0]->active_requests = 1;  // (1 + 1) / 1
  hosts.list[1]->active_requests = 6;  // (6 + 1) / 4, less
  base::Random random(7);
  LeastRequest balancer(&random, 100);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.Pick(hosts.list, nullptr)->index, 1u);
  hosts.list[1]->active_requests = 8;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.Pick(hosts.list, nullptr)->index, 0u);
}

TEST(LeastRequest, RequestsThatWaitForAHostAreItsLoad) {
  Hosts hosts({1, 1});
  hosts.list[0]->active_requests = 1;
  hosts.list[1]->pending_count = 5;  // it does not answer connects
  base::Random random(7);
  LeastRequest balancer(&random, 100);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.Pick(hosts.list, nullptr)->index, 0u);
}

TEST(LeastRequest, SpreadsEqualHostsEvenly) {
  Hosts hosts({1, 1, 1, 1});
  base::Random random(7);
  LeastRequest balancer(&random, 2);
  std::map<uint32_t, int> count;
  for (const uint32_t i : Picks(&balancer, hosts, 4000)) ++count[i];
  for (uint32_t i = 0; i < 4; ++i) EXPECT_NEAR(count[i], 1000, 150) << i;
}

TEST(LeastRequest, KeepsLoadsLevelWhenRequestsStay) {
  Hosts hosts({1, 1, 1, 1, 1});
  base::Random random(7);
  LeastRequest balancer(&random, 2);
  for (int i = 0; i < 500; ++i) ++balancer.Pick(hosts.list, nullptr)->active_requests;
  for (const Host* host : hosts.list) EXPECT_NEAR(host->active_requests, 100, 5);
}

TEST(LeastRequest, FindsTheOneHealthyHostWhateverItDraws) {
  Hosts hosts({1, 1, 1, 1, 1, 1, 1, 1});
  for (Host* host : hosts.list) host->healthy = false;
  hosts.list[5]->healthy = true;
  base::Random random(7);
  LeastRequest balancer(&random, 2);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.Pick(hosts.list, nullptr)->index, 5u);
  EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[5])->index, 5u) << "there is no other";
  hosts.list[5]->healthy = false;
  EXPECT_EQ(balancer.Pick(hosts.list, nullptr), nullptr);
}

TEST(LeastRequest, AvoidsAHostWhileThereIsAnother) {
  Hosts hosts({1, 1, 1});
  hosts.list[1]->healthy = false;
  base::Random random(7);
  LeastRequest balancer(&random, 2);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(balancer.Pick(hosts.list, hosts.list[0])->index, 2u);
}

}  // namespace
}  // namespace weir::upstream
