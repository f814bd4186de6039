#include "core/server/release_queue.h"

#include <thread>

#include <gtest/gtest.h>

namespace weir::server {
namespace {

std::shared_ptr<const void> Thing(std::vector<std::thread::id>* freed_on) {
  return {freed_on, [](const std::vector<std::thread::id>* list) {
            const_cast<std::vector<std::thread::id>*>(list)->push_back(std::this_thread::get_id());
          }};
}

TEST(ReleaseQueueTest, WhatOtherThreadsPutIsFreedByWhoClears) {
  std::vector<std::thread::id> freed;
  ReleaseQueue queue;
  std::thread([&] {
    for (int i = 0; i < 3; ++i) queue.Put(Thing(&freed));
  }).join();
  EXPECT_TRUE(freed.empty());
  queue.Clear();
  EXPECT_EQ(freed, std::vector<std::thread::id>(3, std::this_thread::get_id()));
  queue.Clear();
  EXPECT_EQ(freed.size(), 3u) << "each once";
}

TEST(ReleaseQueueTest, WhatSomebodyElseHoldsTooLivesOn) {
  std::vector<std::thread::id> freed;
  ReleaseQueue queue;
  std::shared_ptr<const void> held = Thing(&freed);
  queue.Put(held);
  queue.Clear();
  EXPECT_TRUE(freed.empty());
  EXPECT_EQ(held.use_count(), 1);
}

TEST(ReleaseQueueTest, TheWakerIsCalledForEachOnTheThreadThatPuts) {
  std::vector<std::thread::id> freed, woken;
  ReleaseQueue queue;
  queue.set_waker([&] { woken.push_back(std::this_thread::get_id()); });
  std::thread::id other;
  std::thread([&] {
    other = std::this_thread::get_id();
    queue.Put(Thing(&freed));
    queue.Put(Thing(&freed));
  }).join();
  EXPECT_EQ(woken, std::vector<std::thread::id>(2, other));
}

TEST(ReleaseQueueTest, NothingWakesNobody) {
  int woken = 0;
  ReleaseQueue queue;
  queue.set_waker([&] { ++woken; });
  queue.Put(nullptr);
  EXPECT_EQ(woken, 0);
}

// A thing's end may release another one: that must not wait for a lock which its own clearing
// holds.
TEST(ReleaseQueueTest, WhatIsFreedMayReleaseMore) {
  std::vector<std::thread::id> freed;
  ReleaseQueue queue;
  queue.Put({&freed, [&](const void*) { queue.Put(Thing(&freed)); }});
  queue.Clear();
  EXPECT_TRUE(freed.empty());
  queue.Clear();
  EXPECT_EQ(freed.size(), 1u);
}

}  // namespace
}  // namespace weir::server
