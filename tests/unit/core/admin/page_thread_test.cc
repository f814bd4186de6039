#include "core/admin/page_thread.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace weir::admin {
namespace {

TEST(PageThreadTest, RunsWhatIsAskedInOrderOnAnotherThread) {
  PageThread thread;
  std::promise<void> over;
  std::vector<int> order;
  std::thread::id where;
  ASSERT_TRUE(thread.Ask([&] { order.push_back(1); }));
  ASSERT_TRUE(thread.Ask([&] {
    order.push_back(2);
    where = std::this_thread::get_id();
    over.set_value();
  }));
  over.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(PageThreadTest, RefusesWhatIsTooMuch) {
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<size_t> made{0};
  {
    PageThread thread;
    ASSERT_TRUE(thread.Ask([&] {
      begun.set_value();
      go_on.get_future().wait();
    }));
    begun.get_future().wait();
    for (size_t i = 0; i < PageThread::kMaxWaiting; ++i)
      EXPECT_TRUE(thread.Ask([&made] { ++made; }));
    EXPECT_FALSE(thread.Ask([&made] { ++made; }));
    go_on.set_value();
  }
  EXPECT_LE(made, PageThread::kMaxWaiting);
}

}  // namespace
}  // namespace weir::admin
