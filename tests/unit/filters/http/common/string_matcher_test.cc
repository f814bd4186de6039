#include "filters/http/common/string_matcher.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/filters/http/common/loaded.h"

namespace weir::filters {
namespace {

using ::testing::HasSubstr;

bool Matches(const std::string& yaml, std::string_view text) {
  const Loaded<StringMatcher> matcher(yaml);
  EXPECT_TRUE(matcher.ok()) << yaml << ": " << matcher.errors();
  return matcher.ok() && matcher->Matches(text);
}

TEST(StringMatcherTest, EachKind) {
  EXPECT_TRUE(Matches("{exact: ab}", "ab"));
  EXPECT_FALSE(Matches("{exact: ab}", "abc"));
  EXPECT_FALSE(Matches("{exact: ab}", "AB"));
  EXPECT_TRUE(Matches("{exact: ''}", ""));
  EXPECT_TRUE(Matches("{prefix: ab}", "abc"));
  EXPECT_FALSE(Matches("{prefix: ab}", "a"));
  EXPECT_TRUE(Matches("{suffix: bc}", "abc"));
  EXPECT_FALSE(Matches("{suffix: bc}", "c"));
  EXPECT_TRUE(Matches("{contains: b}", "abc"));
  EXPECT_FALSE(Matches("{contains: bb}", "abc"));
  EXPECT_TRUE(Matches("{safe_regex: {regex: 'a[0-9]+'}}", "a12"));
  EXPECT_FALSE(Matches("{safe_regex: {regex: 'a[0-9]+'}}", "a12b")) << "the whole of it";
  EXPECT_TRUE(Matches("{safe_regex: {google_re2: {}, regex: 'a|ab'}}", "ab"));
}

TEST(StringMatcherTest, CaseIsIgnoredWhenAsked) {
  for (const std::string key :
       {"exact: aBc", "prefix: aB", "suffix: Bc", "contains: B", "safe_regex: {regex: 'aB.'}"}) {
    EXPECT_TRUE(Matches("{" + key + ", ignore_case: true}", "AbC")) << key;
    EXPECT_FALSE(Matches("{" + key + "}", "AbC")) << key;
  }
}

TEST(StringMatcherTest, ARegexSeesBytes) {
  EXPECT_TRUE(Matches("{safe_regex: {regex: 'a.b'}}",
                      "a\xff"
                      "b"))
      << "no byte is outside of it";
  EXPECT_TRUE(Matches("{safe_regex: {regex: 'a.*b'}}",
                      "a\xc3\n\x01"
                      "b"));
}

TEST(StringMatcherTest, ARegexTakesTimeThatIsLinearInTheText) {
  // A backtracking engine would not come back from this one.
  const std::string text(20000, 'a');
  EXPECT_FALSE(Matches("{safe_regex: {regex: '(a*)*(a|aa)*b'}}", text));
}

TEST(StringMatcherTest, MistakesAreNamedAtTheirPlace) {
  const auto errors = [](const char* yaml) { return Loaded<StringMatcher>(yaml).errors(); };
  EXPECT_THAT(errors("{}"), HasSubstr("exactly one of exact, prefix, suffix, contains"));
  EXPECT_THAT(errors("{exact: a, prefix: a}"), HasSubstr("exactly one of"));
  EXPECT_THAT(errors("{prefix: ''}"), HasSubstr("1:10: the filter: an empty pattern matches"));
  EXPECT_THAT(errors("{safe_regex: {regex: '(a'}}"), HasSubstr("no regular expression"));
  EXPECT_THAT(errors("{safe_regex: {regex: '(a)\\1'}}"), HasSubstr("no regular expression"));
  EXPECT_THAT(errors("{safe_regex: {}}"), HasSubstr("safe_regex needs regex"));
  EXPECT_THAT(errors("{safe_regex: {regex: '((((a{100}){100}){100}){100})'}}"),
              HasSubstr("no regular expression"));
  EXPECT_THAT(errors("{custom: {}}"), HasSubstr("custom is not available"));
  EXPECT_THAT(errors("{regex: a}"), HasSubstr("exactly one of"));
  EXPECT_THAT(errors("a"), HasSubstr("must be a mapping"));
}

}  // namespace
}  // namespace weir::filters
