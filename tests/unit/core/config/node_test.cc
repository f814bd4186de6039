#include "core/config/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::config {
namespace {

using std::chrono::nanoseconds;

TEST(ParseDuration, TakesEveryUnitExactly) {
  EXPECT_EQ(ParseDuration("0"), nanoseconds(0));
  EXPECT_EQ(ParseDuration("0s"), nanoseconds(0));
  EXPECT_EQ(ParseDuration("1.5s"), nanoseconds(1'500'000'000));
  EXPECT_EQ(ParseDuration("1500ms"), nanoseconds(1'500'000'000));
  EXPECT_EQ(ParseDuration("0.25s"), nanoseconds(250'000'000));
  EXPECT_EQ(ParseDuration("5m"), nanoseconds(300'000'000'000));
  EXPECT_EQ(ParseDuration("1h"), nanoseconds(3'600'000'000'000));
  EXPECT_EQ(ParseDuration("100us"), nanoseconds(100'000));
  EXPECT_EQ(ParseDuration("7ns"), nanoseconds(7));
  EXPECT_EQ(ParseDuration("0.000000001s"), nanoseconds(1));
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const char* text :
       {"", "s", "1", "1.5", "-1s", "1.s", ".5s", "1 s", "1S", "1d", "1s ", "5min", "0.5ns",
        "0.0000000001s", "99999999999h", "1e3s", "18446744073709551616s"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

TEST(ParseBytes, TakesPlainNumbersAndSuffixes) {
  EXPECT_EQ(ParseBytes("0"), 0u);
  EXPECT_EQ(ParseBytes("65536"), 65536u);
  EXPECT_EQ(ParseBytes("64KiB"), 65536u);
  EXPECT_EQ(ParseBytes("2MiB"), 2097152u);
  EXPECT_EQ(ParseBytes("1GiB"), 1073741824u);
  EXPECT_EQ(ParseBytes("3kB"), 3000u);
  EXPECT_EQ(ParseBytes("18446744073709551615"), UINT64_MAX);
}

TEST(ParseBytes, RefusesWhatIsNoCount) {
  for (const char* text : {"", "-1", "1.5MiB", "1 MiB", "1K", "KiB", "18446744073709551616",
                           "18446744073709551615KiB"}) {
    EXPECT_EQ(ParseBytes(text), std::nullopt) << text;
  }
}

TEST(Node, ReadsScalarsAsTypes) {
  EXPECT_EQ(Node::Scalar("-12", false, {})->AsInt(), -12);
  EXPECT_EQ(Node::Scalar("0x1f", false, {})->AsInt(), 31);
  EXPECT_EQ(Node::Scalar("12", true, {})->AsInt(), 12);
  EXPECT_EQ(Node::Scalar("0x-1", false, {})->AsInt(), std::nullopt);
  EXPECT_EQ(Node::Scalar("12x", false, {})->AsInt(), std::nullopt);
  EXPECT_EQ(Node::Scalar("", false, {})->AsInt(), std::nullopt);
  EXPECT_EQ(Node::Scalar("9223372036854775808", false, {})->AsInt(), std::nullopt);
  EXPECT_EQ(Node::Scalar("1.5", false, {})->AsDouble(), 1.5);
  EXPECT_EQ(Node::Scalar("inf", false, {})->AsDouble(), std::nullopt);
  EXPECT_EQ(Node::Scalar("nan", false, {})->AsDouble(), std::nullopt);
  EXPECT_EQ(Node::Scalar("true", false, {})->AsBool(), true);
  EXPECT_EQ(Node::Scalar("yes", false, {})->AsBool(), std::nullopt);
  EXPECT_EQ(Node::Map({})->AsString(), std::nullopt);
  EXPECT_EQ(Node::Null({})->AsString(), std::nullopt);
}

std::shared_ptr<Node> Tree() {
  auto inner = Node::Map({});
  inner->Add("x", {2, 5}, Node::Scalar("1", false, {2, 8}));
  inner->Add("y", {3, 5}, Node::Scalar("2", false, {3, 8}));
  auto list = Node::Sequence({});
  list->Add("", {4, 7}, Node::Scalar("3", false, {4, 7}));
  list->Add("", {4, 9}, inner);
  auto root = Node::Map({1, 1});
  root->Add("a", {1, 1}, inner);
  root->Add("b", {4, 1}, list);
  return root;
}

std::vector<std::string> Paths(const Node& node) {
  std::vector<std::string> paths;
  for (const Node::Unread& unread : node.UnreadKeys()) paths.push_back(unread.path);
  return paths;
}

TEST(Node, ListsWhatNobodyRead) {
  const auto root = Tree();
  EXPECT_THAT(Paths(*root), ::testing::ElementsAre("a", "b"));
  ASSERT_NE(root->Find("a"), nullptr);
  EXPECT_EQ(root->Find("missing"), nullptr);
  EXPECT_THAT(Paths(*root), ::testing::ElementsAre("a.x", "a.y", "b"));
  root->Find("a")->Find("x");
  EXPECT_EQ(root->Find("b")->At(2), nullptr);
  EXPECT_THAT(Paths(*root), ::testing::ElementsAre("a.y", "b[0]", "b[1]"));
  EXPECT_EQ(root->UnreadKeys()[0].mark, (Mark{3, 5}));
  root->MarkRead();
  EXPECT_THAT(Paths(*root), ::testing::IsEmpty());
}

TEST(Node, FindsOnlyInMapsAndCountsItsNodes) {
  const auto root = Tree();
  EXPECT_EQ(Node::Sequence({})->Find("a"), nullptr);
  EXPECT_EQ(Node::Scalar("a", false, {})->At(0), nullptr);
  EXPECT_EQ(root->KeyAt(1), "b");
  EXPECT_EQ(root->KeyAt(2), "");
  EXPECT_EQ(root->KeyMarkAt(1), (Mark{4, 1}));
  EXPECT_EQ(root->CountNodes(), 9u);
}

}  // namespace
}  // namespace weir::config
