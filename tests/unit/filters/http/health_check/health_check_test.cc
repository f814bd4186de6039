#include "filters/http/health_check/health_check.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_filter.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeFilter;
using kit::FakeHttpStream;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml) {
  return FakeConfig::Http(kHealthCheckApi, yaml);
}

// A configuration of one header matcher.
FakeConfig LoadOne(const std::string& matcher) {
  return Load("pass_through_mode: false\nheaders:\n- " + matcher + "\n");
}

// Whether a request with this path and these fields is answered here.
bool Answered(const FakeConfig& config, const std::string& path,
              std::vector<std::pair<std::string, std::string>> fields = {}) {
  EXPECT_TRUE(config.ok()) << config.errors();
  FakeHttpStream stream;
  stream.start[1].second = path;
  stream.messages[WEIR_REQUEST].fields = std::move(fields);
  const std::int32_t result =
      FakeFilter(kHealthCheckApi, config, &stream).RequestHeaders(/*end=*/true);
  EXPECT_EQ(result, stream.local_replies > 0 ? WEIR_STOP_ALL : WEIR_CONTINUE);
  return stream.local_replies > 0;
}

TEST(HealthCheckTest, AProbeIsAnsweredWith200) {
  const FakeConfig config = Load("path: /healthz");
  ASSERT_TRUE(config.ok()) << config.errors();
  FakeHttpStream stream;
  stream.start[1].second = "/healthz";
  EXPECT_EQ(FakeFilter(kHealthCheckApi, config, &stream).RequestHeaders(true), WEIR_STOP_ALL);
  EXPECT_EQ(stream.local_replies, 1);
  EXPECT_EQ(stream.reply_status, 200u);
  EXPECT_EQ(stream.reply_body, "");
  EXPECT_EQ(stream.reply_details, "health_check_ok");
}

TEST(HealthCheckTest, TheShortFormIsThePathWithoutItsQuery) {
  const FakeConfig config = Load("path: /healthz");
  EXPECT_TRUE(Answered(config, "/healthz"));
  EXPECT_TRUE(Answered(config, "/healthz?deep=1"));
  EXPECT_FALSE(Answered(config, "/healthz/"));
  EXPECT_FALSE(Answered(config, "/Healthz"));
  EXPECT_FALSE(Answered(config, "/"));
}

TEST(HealthCheckTest, EnvoysPathMatcherSeesTheQuery) {
  const FakeConfig config = LoadOne("{name: ':path', string_match: {exact: /healthz}}");
  EXPECT_TRUE(Answered(config, "/healthz"));
  EXPECT_FALSE(Answered(config, "/healthz?deep=1"));
}

TEST(HealthCheckTest, StringMatchers) {
  EXPECT_TRUE(Answered(LoadOne("{name: ':path', string_match: {prefix: /health}}"), "/healthz"));
  EXPECT_FALSE(Answered(LoadOne("{name: ':path', string_match: {prefix: /health}}"), "/heal"));
  EXPECT_TRUE(Answered(LoadOne("{name: ':path', string_match: {suffix: z}}"), "/healthz"));
  EXPECT_FALSE(Answered(LoadOne("{name: ':path', string_match: {suffix: z}}"), "/"));
  EXPECT_TRUE(Answered(LoadOne("{name: ':path', string_match: {contains: alt}}"), "/healthz"));
  EXPECT_FALSE(Answered(LoadOne("{name: ':path', string_match: {contains: alt}}"), "/HEALTHZ"));
}

TEST(HealthCheckTest, CaseIsIgnoredWhenAsked) {
  for (const std::string key :
       {"exact: /HealthZ", "prefix: /HeAl", "suffix: tHz", "contains: ALT"}) {
    EXPECT_TRUE(Answered(LoadOne("{name: ':path', string_match: {" + key + ", ignore_case: true}}"),
                         "/hEALTHz"))
        << key;
  }
}

TEST(HealthCheckTest, AllMatchersMustMatch) {
  const FakeConfig config = Load(R"(
path: /healthz
headers:
- {name: X-Probe, string_match: {exact: "yes"}}
)");
  EXPECT_FALSE(Answered(config, "/healthz"));
  EXPECT_FALSE(Answered(config, "/healthz", {{"x-probe", "no"}}));
  EXPECT_FALSE(Answered(config, "/", {{"x-probe", "yes"}}));
  EXPECT_TRUE(Answered(config, "/healthz", {{"x-probe", "yes"}}));
}

TEST(HealthCheckTest, PresenceAndInversion) {
  EXPECT_TRUE(Answered(LoadOne("{name: x-a}"), "/", {{"x-a", ""}}));
  EXPECT_FALSE(Answered(LoadOne("{name: x-a}"), "/"));
  EXPECT_TRUE(Answered(LoadOne("{name: x-a, present_match: false}"), "/"));
  EXPECT_FALSE(Answered(LoadOne("{name: x-a, present_match: false}"), "/", {{"x-a", ""}}));
  EXPECT_TRUE(Answered(LoadOne("{name: x-a, invert_match: true}"), "/"));
  EXPECT_FALSE(Answered(LoadOne("{name: x-a, invert_match: true}"), "/", {{"x-a", ""}}));
  const std::string not_b = "{name: x-a, string_match: {exact: b}, invert_match: true}";
  EXPECT_TRUE(Answered(LoadOne(not_b), "/"));
  EXPECT_TRUE(Answered(LoadOne(not_b), "/", {{"x-a", "a"}}));
  EXPECT_FALSE(Answered(LoadOne(not_b), "/", {{"x-a", "b"}}));
}

TEST(HealthCheckTest, AMissingFieldCanStandForAnEmptyOne) {
  const std::string start = "{name: x-a, string_match: {exact: ''}";
  EXPECT_FALSE(Answered(LoadOne(start + "}"), "/"));
  EXPECT_TRUE(Answered(LoadOne(start + ", treat_missing_header_as_empty: true}"), "/"));
}

TEST(HealthCheckTest, SeveralValuesAreComparedOneByOne) {
  const FakeConfig config = LoadOne("{name: x-a, string_match: {exact: b}}");
  EXPECT_TRUE(Answered(config, "/", {{"x-a", "a"}, {"x-a", "b"}}));
  EXPECT_FALSE(Answered(config, "/", {{"x-a", "a"}, {"x-a", "c"}}));
  EXPECT_FALSE(Answered(config, "/", {{"x-a", "a,b"}})) << "one value, whatever is in it";
  const FakeConfig joined = LoadOne("{name: x-a, string_match: {exact: 'a,b'}}");
  EXPECT_FALSE(Answered(joined, "/", {{"x-a", "a"}, {"x-a", "b"}}));
  // A further value opens nothing that one value keeps shut.
  const FakeConfig not_b = LoadOne("{name: x-a, string_match: {exact: b}, invert_match: true}");
  EXPECT_FALSE(Answered(not_b, "/", {{"x-a", "b"}, {"x-a", "a"}}));
  EXPECT_FALSE(Answered(not_b, "/", {{"x-a", "a"}, {"x-a", "b"}}));
  EXPECT_TRUE(Answered(not_b, "/", {{"x-a", "a"}, {"x-a", "c"}}));
}

TEST(HealthCheckTest, ARefusedReplyFailsClosed) {
  const FakeConfig config = Load("path: /");
  FakeHttpStream stream;
  stream.failure = WEIR_ERROR;
  EXPECT_EQ(FakeFilter(kHealthCheckApi, config, &stream).RequestHeaders(true), WEIR_ERROR);
}

TEST(HealthCheckTest, AHugePathIsNoProbe) {
  EXPECT_FALSE(Answered(Load("path: /healthz"), "/healthz" + std::string(1 << 20, 'z')));
  EXPECT_FALSE(Answered(Load("path: /healthz"), ""));
}

TEST(HealthCheckTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("").errors(), HasSubstr("1:1: the filter: health_check needs path or headers"));
  EXPECT_THAT(Load("pass_through_mode: false").errors(), HasSubstr("it would answer everything"));
  EXPECT_THAT(Load("{pass_through_mode: true, path: /x}").errors(),
              HasSubstr("1:21: the filter: pass_through_mode: true is not available"));
  EXPECT_THAT(Load("{path: /x, cache_time: 5s}").errors(),
              HasSubstr("cache_time is not available"));
  EXPECT_THAT(Load("path: x").errors(), HasSubstr("1:7: the filter: path must begin with /"));
  EXPECT_THAT(Load("path: /x?y").errors(), HasSubstr("neither ? nor #"));
  EXPECT_THAT(Load("paths: /x").errors(), HasSubstr("health_check needs path or headers"));
  EXPECT_THAT(Load("{path: /x, paths: /x}").errors(), HasSubstr("\"paths\" is no key"));
  EXPECT_THAT(Load("headers: 5").errors(), HasSubstr("headers must be a list"));
  EXPECT_THAT(LoadOne("{string_match: {exact: x}}").errors(), HasSubstr("needs a name"));
  EXPECT_THAT(LoadOne("{name: ':status'}").errors(), HasSubstr("neither a field name nor"));
  EXPECT_THAT(LoadOne("{name: x, string_match: {}}").errors(), HasSubstr("exactly one of"));
  EXPECT_THAT(LoadOne("{name: x, string_match: {exact: a, prefix: b}}").errors(),
              HasSubstr("exactly one of"));
  EXPECT_THAT(LoadOne("{name: x, string_match: {safe_regex: {regex: '(a'}}}").errors(),
              HasSubstr("no regular expression"));
}

TEST(HealthCheckTest, ThereIsNoConfigurationPerRoute) {
  const FakeConfig config = FakeConfig::Http(kHealthCheckApi, "path: /x", /*per_route=*/true);
  EXPECT_THAT(config.errors(), HasSubstr("no configuration per route"));
}

}  // namespace
}  // namespace weir::filters
