#include "filters/http/common/header_matcher.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_stream.h"
#include "tests/unit/filters/http/common/loaded.h"

namespace weir::filters {
namespace {

using ::testing::HasSubstr;
using FieldList = std::vector<std::pair<std::string, std::string>>;

bool Matches(const std::string& yaml, FieldList fields, const std::string& authority = "a.test") {
  const Loaded<HeaderMatcher> matcher(yaml);
  EXPECT_TRUE(matcher.ok()) << yaml << ": " << matcher.errors();
  kit::FakeHttpStream stream;
  stream.messages[WEIR_REQUEST].fields = std::move(fields);
  stream.SetStart(":authority", authority);
  return matcher.ok() && matcher->Matches(*kit::FakeHttpApi(), stream.handle());
}

TEST(HeaderMatcherTest, OneValueOfSeveralIsEnough) {
  const std::string admin = "{name: x-role, string_match: {exact: admin}}";
  EXPECT_TRUE(Matches(admin, {{"x-role", "user"}, {"x-role", "admin"}}));
  EXPECT_FALSE(Matches(admin, {{"x-role", "user"}, {"x-role", "guest"}}));
  EXPECT_FALSE(Matches(admin, {{"x-role", "user,admin"}})) << "one value, whatever is in it";
}

TEST(HeaderMatcherTest, InvertedNoneOfThemMayBe) {
  const std::string none = "{name: x-role, string_match: {exact: admin}, invert_match: true}";
  EXPECT_FALSE(Matches(none, {{"x-role", "user"}, {"x-role", "admin"}}));
  EXPECT_FALSE(Matches(none, {{"x-role", "admin"}, {"x-role", "user"}}));
  EXPECT_TRUE(Matches(none, {{"x-role", "user"}}));
  EXPECT_TRUE(Matches(none, {}));
}

TEST(HeaderMatcherTest, KnownNamesAreFoundByTheirToken) {
  EXPECT_TRUE(Matches("{name: User-Agent, string_match: {prefix: curl/}}",
                      {{"user-agent", "x"}, {"user-agent", "curl/8"}}));
  EXPECT_FALSE(Matches("{name: user-agent, string_match: {prefix: curl/}}", {}));
}

TEST(HeaderMatcherTest, HostsHaveNoCase) {
  EXPECT_TRUE(Matches("{name: ':authority', string_match: {exact: A.Test}}", {}));
  EXPECT_TRUE(Matches("{name: ':authority', exact_match: A.Test}", {}));
  EXPECT_TRUE(Matches("{name: ':authority', string_match: {safe_regex: {regex: 'A[.]T.*'}}}", {}));
  EXPECT_TRUE(Matches("{name: ':authority', string_match: {suffix: .test}}", {}, "X.TEST"));
  EXPECT_FALSE(Matches("{name: x-a, string_match: {exact: A}}", {{"x-a", "a"}}));
}

TEST(HeaderMatcherTest, RangesHoldTheirStartAndNotTheirEnd) {
  const std::string range = "{name: x-n, range_match: {start: -5, end: 10}}";
  for (const char* in : {"-5", "0", "9", "007"}) EXPECT_TRUE(Matches(range, {{"x-n", in}})) << in;
  for (const char* out : {"-6", "10", "9.5", "9 ", "+1", "", "x", "99999999999999999999"}) {
    EXPECT_FALSE(Matches(range, {{"x-n", out}})) << out;
  }
  EXPECT_FALSE(Matches(range, {}));
  EXPECT_TRUE(Matches(range, {{"x-n", "77"}, {"x-n", "7"}}));
}

TEST(HeaderMatcherTest, EnvoysOlderKeys) {
  EXPECT_TRUE(Matches("{name: x-a, exact_match: b}", {{"x-a", "b"}}));
  EXPECT_TRUE(Matches("{name: x-a, prefix_match: b}", {{"x-a", "bc"}}));
  EXPECT_TRUE(Matches("{name: x-a, suffix_match: c}", {{"x-a", "bc"}}));
  EXPECT_TRUE(Matches("{name: x-a, contains_match: c}", {{"x-a", "bcd"}}));
  EXPECT_TRUE(Matches("{name: x-a, safe_regex_match: {regex: 'b+'}}", {{"x-a", "bb"}}));
}

TEST(HeaderMatcherTest, MistakesAreNamedAtTheirPlace) {
  const auto errors = [](const char* yaml) { return Loaded<HeaderMatcher>(yaml).errors(); };
  EXPECT_THAT(errors("{exact_match: a}"), HasSubstr("a header matcher needs a name"));
  EXPECT_THAT(errors("{name: 'a b'}"), HasSubstr("1:8: the filter: \"a b\" is neither"));
  EXPECT_THAT(errors("{name: a, exact_match: a, present_match: true}"), HasSubstr("has one of"));
  EXPECT_THAT(errors("{name: a, range_match: {start: 1}}"), HasSubstr("range_match needs end"));
  EXPECT_THAT(errors("{name: a, range_match: {start: 1, end: 1}}"), HasSubstr("is empty"));
  EXPECT_THAT(errors("{name: a, exact: b}"), HasSubstr("\"exact\""));
}

}  // namespace
}  // namespace weir::filters
