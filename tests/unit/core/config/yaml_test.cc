#include "core/config/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::config {
namespace {

const Environment kEnvironment = [](const std::string& name) -> std::optional<std::string> {
  if (name == "YAML") return "a: [b]\n- c: {";
  return std::nullopt;
};

struct Parsed {
  std::shared_ptr<const Node> root;
  std::vector<Diagnostic> mistakes;
};

Parsed Parse(std::string_view text, const YamlLimits& limits = {}) {
  Diagnostics diagnostics("t", std::string(text));
  auto root = ParseYaml(text, kEnvironment, &diagnostics, limits);
  return {root, diagnostics.Sorted()};
}

std::string FirstMistake(std::string_view text, const YamlLimits& limits = {}) {
  const Parsed parsed = Parse(text, limits);
  if (parsed.mistakes.empty()) return "none";
  const Diagnostic& first = parsed.mistakes[0];
  return std::to_string(first.mark.line) + ":" + std::to_string(first.mark.column) + " " +
         first.message;
}

TEST(ParseYaml, KeepsThePlaceOfKeysAndValues) {
  const Parsed p = Parse("a: 1\nb:\n  - x\n  - {c: d}\n");
  ASSERT_TRUE(p.mistakes.empty());
  EXPECT_EQ(p.root->KeyMarkAt(1), (Mark{2, 1}));
  EXPECT_EQ(p.root->Find("a")->mark(), (Mark{1, 4}));
  const Node* list = p.root->Find("b");
  EXPECT_EQ(list->At(0)->mark(), (Mark{3, 5}));
  EXPECT_EQ(list->At(1)->KeyMarkAt(0), (Mark{4, 6}));
  EXPECT_EQ(list->At(1)->Find("c")->mark(), (Mark{4, 9}));
}

TEST(ParseYaml, MarksAMissingValueByItsKey) {
  const Parsed p = Parse("x:\n  a:\n\n  b: 1\n");
  ASSERT_TRUE(p.mistakes.empty());
  const Node* a = p.root->Find("x")->Find("a");
  EXPECT_TRUE(a->is_null());
  EXPECT_EQ(a->mark(), (Mark{2, 3}));
}

TEST(ParseYaml, TellsNullFromText) {
  const Parsed p = Parse("{a: null, b: ~, c: 'null', d: '', e: !!str}");
  ASSERT_TRUE(p.mistakes.empty());
  EXPECT_TRUE(p.root->Find("a")->is_null());
  EXPECT_TRUE(p.root->Find("b")->is_null());
  EXPECT_EQ(p.root->Find("c")->text(), "null");
  EXPECT_TRUE(p.root->Find("c")->quoted());
  EXPECT_TRUE(p.root->Find("d")->is_scalar());
}

TEST(ParseYaml, ReportsSyntaxErrorsWithTheirPlace) {
  EXPECT_EQ(FirstMistake("a: b\n c: d\n").substr(0, 26), "2:3 this is no valid YAML:");
  EXPECT_EQ(FirstMistake("a: [1, 2\nb: c\n").substr(0, 26), "2:2 this is no valid YAML:");
  EXPECT_EQ(FirstMistake("a: *nowhere\n").substr(0, 26), "1:4 this is no valid YAML:");
  EXPECT_EQ(FirstMistake(""), "1:1 the file is empty");
}

TEST(ParseYaml, ReportsEachDuplicateKeyAndKeepsTheFirst) {
  const Parsed p = Parse("a: 1\nb: {c: 1, c: 2}\na: [3]\n");
  ASSERT_EQ(p.mistakes.size(), 2u);
  EXPECT_EQ(p.mistakes[0].mark, (Mark{2, 11}));
  EXPECT_EQ(p.mistakes[0].message, "key \"c\" is given twice");
  EXPECT_EQ(p.mistakes[1].mark, (Mark{3, 1}));
  EXPECT_EQ(p.root->Find("a")->text(), "1");
}

TEST(ParseYaml, RefusesASecondDocument) {
  EXPECT_EQ(FirstMistake("a: 1\n---\nb: 2\n"), "2:1 a second document starts here");
  EXPECT_EQ(FirstMistake("---\na: 1\n"), "none");
}

TEST(ParseYaml, RefusesKeysThatAreNoNames) {
  EXPECT_EQ(FirstMistake("? [a]\n: b\n"), "1:3 a key is an empty list, not a name");
  EXPECT_EQ(FirstMistake("? {a: b}\n: c\n"), "1:3 a key is an empty mapping, not a name");
  EXPECT_EQ(FirstMistake("~: c\n"), "1:1 a key is nothing, not a name");
}

TEST(ParseYaml, RefusesTagsAndMergeKeys) {
  EXPECT_EQ(FirstMistake("a: !include x\n"), "1:4 tag \"!include\" has no meaning here");
  EXPECT_EQ(FirstMistake("b: &b {c: 1}\na:\n  <<: *b\n"),
            "3:3 merge keys (<<) are not part of this format");
}

TEST(ParseYaml, CopiesAliasesSoThatEachPlaceIsReadOnItsOwn) {
  const Parsed p = Parse("a: &x {k: v}\nb: *x\n");
  ASSERT_TRUE(p.mistakes.empty());
  p.root->Find("a")->Find("k");
  p.root->Find("b");
  ASSERT_EQ(p.root->UnreadKeys().size(), 1u);
  EXPECT_EQ(p.root->UnreadKeys()[0].path, "b.k");
}

TEST(ParseYaml, RefusesAliasCycles) {
  EXPECT_EQ(FirstMistake("a: &x [*x]\n"),
            "1:8 this alias stands inside the very value that it repeats");
  EXPECT_EQ(FirstMistake("a: &x {b: {c: *x}}\n"),
            "1:15 this alias stands inside the very value that it repeats");
}

TEST(ParseYaml, RefusesAliasBombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", " : "") + last;
    bomb += "]\n";
  }
  EXPECT_EQ(FirstMistake(bomb), "4:45 aliases repeat more than 10000 values");
}

TEST(ParseYaml, HoldsItsBounds) {
  YamlLimits limits;
  limits.max_depth = 3;
  EXPECT_EQ(FirstMistake("[[[x]]]", limits), "none");
  EXPECT_EQ(FirstMistake("[[[[x]]]]", limits), "1:4 values are nested deeper than 3");
  limits.max_nodes = 4;
  EXPECT_EQ(FirstMistake("[a, b, c]", limits), "none");
  EXPECT_EQ(FirstMistake("[a, b, c, d]", limits), "1:11 the file holds more than 4 values");
  limits.max_text_bytes = 4;
  EXPECT_EQ(FirstMistake("abcd", limits), "none");
  EXPECT_EQ(FirstMistake("abcde", limits), "0:0 the file is larger than 4 bytes");
}

TEST(ParseYaml, BoundsTheDepthOfRepeatedAliases) {
  YamlLimits limits;
  limits.max_depth = 3;
  EXPECT_EQ(FirstMistake("a: &a [x]\nb: [*a]\nc: {d: [*a]}", limits),
            "1:4 values are nested deeper than 3");
}

TEST(ParseYaml, SurvivesDeepNesting) {
  EXPECT_EQ(FirstMistake(std::string(300, '[') + std::string(300, ']')),
            "1:65 values are nested deeper than 64");
  EXPECT_NE(FirstMistake(std::string(100'000, '[')), "none");
  EXPECT_NE(FirstMistake(std::string(100'000, '{')), "none");
}

TEST(ParseYaml, ExpandsVariablesAfterParsingSoThatTheyAddNoStructure) {
  const Parsed p = Parse("a: ${YAML}\n");
  ASSERT_TRUE(p.mistakes.empty());
  EXPECT_EQ(p.root->size(), 1u);
  EXPECT_EQ(p.root->Find("a")->text(), "a: [b]\n- c: {");
}

TEST(ParseYaml, ReportsEveryUnsetVariableAtItsValue) {
  const Parsed p = Parse("a: ${NO}\nb: [x, '${NEITHER}']\n${KEY}: 1\n");
  ASSERT_EQ(p.mistakes.size(), 2u);
  EXPECT_EQ(p.mistakes[0].mark, (Mark{1, 4}));
  EXPECT_EQ(p.mistakes[1].mark, (Mark{2, 8}));
  EXPECT_EQ(p.root->KeyAt(2), "${KEY}");
}

void ExpectSame(const Node& a, const Node& b) {
  ASSERT_EQ(a.kind(), b.kind());
  EXPECT_EQ(a.text(), b.text());
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a.KeyAt(i), b.KeyAt(i));
    ExpectSame(*a.At(i), *b.At(i));
  }
}

TEST(PrintYaml, IsReadBackTheSame) {
  auto map = Node::Map({});
  for (const char* text :
       {"",   "a",  "null",   "~",  "true", "1",     "- a",    "a: b",     "#x",  "a #b", "'q'",
        "\"", "\\", "x\ny\n", "\t", "\x01", "${A}",  "$${A}",  "a:",       ":",   "*x",   "&x",
        "!t", "[",  "{",      "%",  "@",    " lead", "trail ", "\xC3\xA4", "0x1", "/p",   "<<"}) {
    auto list = Node::Sequence({});
    list->Add("", {}, Node::Scalar(text, true, {}));
    list->Add("", {}, Node::Map({}));
    auto nested = Node::Sequence({});
    nested->Add("", {}, Node::Null({}));
    nested->Add("", {}, Node::Sequence({}));
    list->Add("", {}, nested);
    map->Add(std::string("key ") + text, {}, list);
  }
  const std::string text = PrintYaml(*map);
  const Parsed p = Parse(text);
  ASSERT_TRUE(p.mistakes.empty()) << p.mistakes[0].message << "\n" << text;
  ExpectSame(*p.root, *map);
}

}  // namespace
}  // namespace weir::config
