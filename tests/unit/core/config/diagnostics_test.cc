#include "core/config/diagnostics.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

TEST(Diagnostics, ShowsTheLineWithACaret) {
  Diagnostics d("f.yaml", "a: 1\nbb: [x, yy]\r\n");
  d.Add({2, 9}, "\"yy\" is wrong", "zz", "z");
  EXPECT_EQ(d.Print(),
            "f.yaml:2:9: \"yy\" is wrong; expected zz; did you mean \"z\"?\n"
            "    bb: [x, yy]\n"
            "            ^\n");
}

TEST(Diagnostics, KeepsTabsAndCountsCharactersUnderTheCaret) {
  Diagnostics d("f", "\t\xC3\xA4: b\n");
  d.Add({1, 6}, "m");
  EXPECT_EQ(d.Print(), "f:1:6: m\n    \t\xC3\xA4: b\n    \t   ^\n");
}

TEST(Diagnostics, PrintsInFileOrder) {
  Diagnostics d("f", "");
  d.Add({3, 1}, "third");
  d.Add({1, 9}, "second");
  d.Add({1, 2}, "first");
  d.Add({}, "no place");
  EXPECT_EQ(d.Print(), "f: no place\nf:1:2: first\nf:1:9: second\nf:3:1: third\n");
}

TEST(Diagnostics, CountsWhatItDoesNotKeep) {
  Diagnostics d("f", "");
  for (std::size_t i = 0; i < Diagnostics::kMaxKept + 7; ++i) d.Add({1, 1}, "m");
  EXPECT_EQ(d.count(), Diagnostics::kMaxKept + 7);
  EXPECT_NE(d.Print().find("f: and 7 more\n"), std::string::npos);
}

TEST(Diagnostics, NamesUnreadKeysByTheirPath) {
  auto inner = Node::Map({});
  inner->Add("c", {2, 3}, Node::Null({}));
  auto root = Node::Map({});
  root->Add("a", {1, 1}, inner);
  root->Find("a");
  Diagnostics d("f", "");
  d.AddUnread(*root, "filter x");
  EXPECT_EQ(d.Print(), "f:2:3: \"a.c\" is no key of filter x\n");
}

TEST(NearestName, FindsTyposAndNothingElse) {
  const std::vector<std::string_view> names = {"address", "port_value", "timeout", "idle_timeout"};
  EXPECT_EQ(NearestName("adress", names), "address");
  EXPECT_EQ(NearestName("prot_value", names), "port_value");
  EXPECT_EQ(NearestName("timeuot", names), "timeout");
  EXPECT_EQ(NearestName("cluster", names), "");
  EXPECT_EQ(NearestName("", names), "");
  EXPECT_EQ(NearestName(std::string(1000, 'a'), names), "");
}

TEST(Quote, EscapesAndShortens) {
  EXPECT_EQ(Quote("a\"b\n\x01"), "\"a\\\"b\\n\\x01\"");
  EXPECT_EQ(Quote(std::string(100, 'a')), "\"" + std::string(80, 'a') + "…\"");
}

}  // namespace
}  // namespace weir::config
