#include "core/base/intrusive_list.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::base {
namespace {

using testing::ElementsAre;

struct Item {
  explicit Item(int n) : number(n) {}
  virtual ~Item() = default;
  int number;
  ListNode one;
  ListNode two;
};

template <ListNode Item::*kMember>
std::vector<int> Numbers(List<Item, kMember>* list) {
  std::vector<int> numbers;
  for (Item* item = list->front(); item != nullptr; item = list->next(item))
    numbers.push_back(item->number);
  return numbers;
}

TEST(IntrusiveListTest, KeepsItsOrder) {
  Item a(1), b(2), c(3);
  List<Item, &Item::one> list;
  list.PushBack(&b);
  list.PushBack(&c);
  list.PushFront(&a);
  EXPECT_THAT(Numbers(&list), ElementsAre(1, 2, 3));
  EXPECT_EQ(list.back(), &c);
  EXPECT_EQ(list.PopFront(), &a);
  EXPECT_FALSE(a.one.linked());
}

TEST(IntrusiveListTest, AnObjectCanBeInAListOfEachOfItsLinks) {
  Item a(1);
  List<Item, &Item::one> ones;
  List<Item, &Item::two> twos;
  ones.PushBack(&a);
  twos.PushBack(&a);
  a.one.Unlink();
  EXPECT_TRUE(ones.empty());
  EXPECT_THAT(Numbers(&twos), ElementsAre(1));
}

TEST(IntrusiveListTest, ADeadObjectLeavesItsList) {
  Item a(1), c(3);
  List<Item, &Item::one> list;
  list.PushBack(&a);
  auto b = std::make_unique<Item>(2);
  list.PushBack(b.get());
  list.PushBack(&c);
  b.reset();
  EXPECT_THAT(Numbers(&list), ElementsAre(1, 3));
}

TEST(IntrusiveListTest, ADeadListLeavesItsObjects) {
  Item a(1);
  {
    List<Item, &Item::one> list;
    list.PushBack(&a);
  }
  EXPECT_FALSE(a.one.linked());
}

TEST(IntrusiveListTest, SpliceMovesEverything) {
  Item a(1), b(2), c(3);
  List<Item, &Item::one> list, other;
  list.PushBack(&a);
  other.PushBack(&b);
  other.PushBack(&c);
  list.Splice(&other);
  list.Splice(&other);
  EXPECT_THAT(Numbers(&list), ElementsAre(1, 2, 3));
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace weir::base
