#include "core/config/abi_node.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/yaml.h"

namespace weir::config {
namespace {

using ::testing::HasSubstr;

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}
std::string Text(weir_view view) {
  return std::string(view.data, view.size);
}

class AbiNodeTest : public ::testing::Test {
 protected:
  const weir_node* Load(const std::string& yaml) {
    diagnostics_ = Diagnostics("test.yaml", yaml);
    const auto no_environment = [](const std::string&) { return std::optional<std::string>(); };
    root_ = ParseYaml(yaml, no_environment, &diagnostics_);
    EXPECT_TRUE(diagnostics_.ok()) << diagnostics_.Print();
    scope_.reset();
    scope_.emplace(&diagnostics_, root_.get(), Mark{9, 3}, "http filter foo");
    return scope_->node();
  }
  const weir_node* Get(const weir_node* node, std::string_view key) {
    return api_.get(node, View(key));
  }
  // The one mistake that was found.
  std::string Mistake() {
    const std::vector<Diagnostic> all = diagnostics_.Sorted();
    if (all.size() != 1) return std::to_string(all.size()) + " mistakes\n" + diagnostics_.Print();
    std::string text = std::to_string(all[0].mark.line) + ":" + std::to_string(all[0].mark.column) +
                       ": " + all[0].message;
    return all[0].expected.empty() ? text : text + "; expected " + all[0].expected;
  }

  const weir_config_api& api_ = *AbiConfigApi();
  Diagnostics diagnostics_;
  std::shared_ptr<const Node> root_;
  std::optional<AbiConfigScope> scope_;
};

TEST_F(AbiNodeTest, EveryKindCanBeRead) {
  const weir_node* node = Load(R"(
text: hello
quoted: "5"
number: 5
real: 1.5
yes: true
time: 1.5s
nothing:
list: [a, b]
map: {k: v}
)");
  EXPECT_EQ(api_.kind(node), std::uint32_t{WEIR_NODE_MAP});
  EXPECT_EQ(api_.count(node), 9u);
  weir_view view{};
  EXPECT_EQ(api_.string(Get(node, "text"), &view), WEIR_OK);
  EXPECT_EQ(Text(view), "hello");
  EXPECT_EQ(api_.string(Get(node, "quoted"), &view), WEIR_OK);
  EXPECT_EQ(Text(view), "5");
  std::int64_t number = 0;
  EXPECT_EQ(api_.integer(Get(node, "number"), 5, 5, &number), WEIR_OK);
  EXPECT_EQ(number, 5);
  double real = 0;
  EXPECT_EQ(api_.number(Get(node, "real"), &real), WEIR_OK);
  EXPECT_EQ(real, 1.5);
  std::uint32_t yes = 7;
  EXPECT_EQ(api_.boolean(Get(node, "yes"), &yes), WEIR_OK);
  EXPECT_EQ(yes, 1u);
  EXPECT_EQ(api_.duration_ms(Get(node, "time"), &number), WEIR_OK);
  EXPECT_EQ(number, 1500);
  EXPECT_EQ(api_.kind(Get(node, "nothing")), std::uint32_t{WEIR_NODE_NULL});
  const weir_node* list = Get(node, "list");
  EXPECT_EQ(api_.kind(list), std::uint32_t{WEIR_NODE_LIST});
  EXPECT_EQ(api_.count(list), 2u);
  EXPECT_NE(api_.at(list, 0), nullptr);
  EXPECT_EQ(api_.string(api_.at(list, 1), &view), WEIR_OK);
  EXPECT_EQ(Text(view), "b");
  EXPECT_EQ(api_.at(list, 2), nullptr);
  const weir_node* map = Get(node, "map");
  EXPECT_EQ(Text(api_.key_at(map, 0)), "k");
  EXPECT_EQ(api_.string(api_.at(map, 0), &view), WEIR_OK);
  EXPECT_EQ(Text(view), "v");
  EXPECT_EQ(api_.key_at(map, 1).data, nullptr);
  EXPECT_EQ(Get(node, "missing"), nullptr);
  EXPECT_EQ(Get(list, "missing"), nullptr);
  EXPECT_TRUE(scope_->Finish(true)) << diagnostics_.Print();
}

TEST_F(AbiNodeTest, AFailedReadIsReportedWithItsKeyAndPlace) {
  weir_view view{};
  std::int64_t number = 0;
  double real = 0;
  std::uint32_t yes = 0;
  EXPECT_EQ(api_.string(Get(Load("a:\n  [x]"), "a"), &view), WEIR_ERROR);
  EXPECT_EQ(Mistake(), "2:3: a is a list; expected text");
  EXPECT_EQ(api_.integer(Get(Load("a: 11"), "a"), 1, 10, &number), WEIR_ERROR);
  EXPECT_EQ(Mistake(), "1:4: a is \"11\"; expected a whole number from 1 to 10");
  EXPECT_EQ(api_.integer(Get(Load("a: 5.5"), "a"), 1, 10, &number), WEIR_ERROR);
  EXPECT_THAT(Mistake(), HasSubstr("1:4: a is \"5.5\""));
  EXPECT_EQ(api_.number(Get(Load("a: x"), "a"), &real), WEIR_ERROR);
  EXPECT_EQ(Mistake(), "1:4: a is \"x\"; expected a number");
  EXPECT_EQ(api_.boolean(Get(Load("a: 1"), "a"), &yes), WEIR_ERROR);
  EXPECT_EQ(Mistake(), "1:4: a is \"1\"; expected true or false");
  EXPECT_EQ(api_.duration_ms(Get(Load("a: 1500us"), "a"), &number), WEIR_ERROR);
  EXPECT_THAT(Mistake(), HasSubstr("expected a duration in whole milliseconds"));
  EXPECT_EQ(api_.string(api_.at(Load("[[x]]"), 0), &view), WEIR_ERROR);
  EXPECT_THAT(Mistake(), HasSubstr("1:2: entry 0 is a list"));
}

TEST_F(AbiNodeTest, AMissingValueIsReportedAtTheOwner) {
  Load("{}");
  weir_view view{};
  EXPECT_EQ(api_.string(nullptr, &view), WEIR_ERROR);
  EXPECT_EQ(Mistake(), "9:3: http filter foo: a value is missing; expected text");
  EXPECT_FALSE(scope_->Finish(true));
}

TEST_F(AbiNodeTest, APluginsOwnErrorStandsAtItsNode) {
  const weir_node* node = Load("a:\n  b: 5");
  api_.error(Get(Get(node, "a"), "b"), View("five is too much"));
  EXPECT_EQ(Mistake(), "2:6: http filter foo: five is too much");
}

TEST_F(AbiNodeTest, AKeyThatNobodyReadIsUnknown) {
  const weir_node* node = Load("a: {b: 1, typo: 2}\nother: 3");
  Get(Get(node, "a"), "b");
  EXPECT_FALSE(scope_->Finish(true));
  const std::string text = diagnostics_.Print();
  EXPECT_THAT(text, HasSubstr("test.yaml:1:11: \"a.typo\" is no key of http filter foo"));
  EXPECT_THAT(text, HasSubstr("test.yaml:2:1: \"other\" is no key of http filter foo"));
}

TEST_F(AbiNodeTest, AfterARefusalUnreadKeysAreNotCounted) {
  const weir_node* node = Load("a: 1\nb: 2");
  api_.error(Get(node, "a"), View("no"));
  EXPECT_FALSE(scope_->Finish(false));
  EXPECT_EQ(Mistake(), "1:4: http filter foo: no");
}

TEST_F(AbiNodeTest, ARefusalWithoutAReasonIsReported) {
  Load("a: 1");
  EXPECT_FALSE(scope_->Finish(false));
  EXPECT_EQ(Mistake(),
            "1:1: http filter foo: the plugin refused this configuration and gave no reason");
}

TEST_F(AbiNodeTest, NoConfigurationIsNullAndReadsAsNothing) {
  scope_.emplace(&diagnostics_, nullptr, Mark{4, 2}, "codec bar");
  EXPECT_EQ(scope_->node(), nullptr);
  EXPECT_EQ(api_.kind(nullptr), std::uint32_t{WEIR_NODE_NULL});
  EXPECT_EQ(api_.get(nullptr, View("a")), nullptr);
  EXPECT_EQ(api_.count(nullptr), 0u);
  EXPECT_EQ(api_.at(nullptr, 0), nullptr);
  EXPECT_EQ(api_.key_at(nullptr, 0).data, nullptr);
  EXPECT_TRUE(scope_->Finish(true));
}

TEST_F(AbiNodeTest, OutsideOfAScopeEveryReadFails) {
  const weir_node* node = Load("a: text");
  scope_.reset();
  weir_view view{};
  EXPECT_EQ(api_.string(Get(node, "a"), &view), WEIR_ERROR);
  api_.error(node, View("nobody listens"));
  EXPECT_TRUE(diagnostics_.ok());
}

TEST_F(AbiNodeTest, EarlierMistakesOfOthersDoNotCount) {
  Load("{}");
  scope_.reset();
  diagnostics_.Add({1, 1}, "somebody else's");
  scope_.emplace(&diagnostics_, root_.get(), Mark{9, 3}, "http filter foo");
  EXPECT_TRUE(scope_->Finish(true));
}

}  // namespace
}  // namespace weir::config
