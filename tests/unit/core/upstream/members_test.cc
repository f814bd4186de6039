#include "core/upstream/members.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "core/net/event_loop.h"

namespace weir::upstream {
namespace {

MemberList List(uint32_t weight) {
  const uint8_t bytes[4] = {10, 0, 0, 1};
  return {false, {{0, weight, {net::Address::Ipv4(bytes, 80)}}}};
}

class MembersTest : public testing::Test {
 protected:
  Members::Post Later() {
    return [this](std::function<void()> work) { posted_.push_back(std::move(work)); };
  }
  void Run() {
    std::vector<std::function<void()>> now;
    now.swap(posted_);
    for (const auto& work : now) work();
  }

  std::shared_ptr<Members> members_ = std::make_shared<Members>(List(1));
  std::vector<std::function<void()>> posted_;
  std::vector<uint32_t> seen_;
  Members::Listener listener_ = [this](const Members::List& list) {
    seen_.push_back(list->members.at(0).weight);
  };
};

TEST_F(MembersTest, AFollowerHasTheListAtOnceAndEachOneAfterIt) {
  const auto follower = Members::Follow(members_, Later(), listener_);
  EXPECT_EQ(seen_, std::vector<uint32_t>{1});
  EXPECT_TRUE(members_->Publish(List(2)));
  EXPECT_EQ(seen_.size(), 1u) << "on the follower's thread, later";
  Run();
  EXPECT_EQ(seen_, (std::vector<uint32_t>{1, 2}));
}

TEST_F(MembersTest, TheSameListReachesNobody) {
  const auto follower = Members::Follow(members_, Later(), listener_);
  EXPECT_FALSE(members_->Publish(List(1)));
  EXPECT_TRUE(posted_.empty());
}

TEST_F(MembersTest, WhoDoesNotFollowAnyMoreHearsNothing) {
  auto follower = Members::Follow(members_, Later(), listener_);
  members_->Publish(List(2));
  follower.reset();
  Run();
  members_->Publish(List(3));
  EXPECT_TRUE(posted_.empty());
  EXPECT_EQ(seen_, std::vector<uint32_t>{1});
}

TEST_F(MembersTest, ThreadsThatFollowEndWithTheLastList) {
  constexpr uint32_t kLists = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([this] {
      net::EventLoop loop;
      uint32_t last = 0;
      const auto post = [&loop](std::function<void()> work) { loop.Post(std::move(work)); };
      const auto follower = Members::Follow(members_, post, [&](const Members::List& list) {
        EXPECT_GE(list->members[0].weight, last);
        last = list->members[0].weight;
      });
      while (last != kLists) loop.Turn(true);
    });
  }
  for (uint32_t i = 2; i <= kLists; ++i) members_->Publish(List(i));
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace weir::upstream
