#include "filters/http/direct_response/direct_response.h"

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
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

FakeConfig Load(const std::string& yaml) {
  return FakeConfig::Http(kHttpDirectResponseApi, yaml);
}

void Request(const FakeConfig& config, FakeHttpStream* stream) {
  ASSERT_TRUE(config.ok()) << config.errors();
  EXPECT_EQ(FakeFilter(kHttpDirectResponseApi, config, stream).RequestHeaders(), WEIR_STOP_ALL);
}

TEST(HttpDirectResponseTest, AnswersEverything) {
  const FakeConfig config = Load(R"(
status: 503
body: {inline_string: "come back later\n"}
headers:
- {key: Retry-After, value: 120}
- {key: x-a, value: ""}
)");
  FakeHttpStream stream;
  Request(config, &stream);
  EXPECT_EQ(stream.reply_status, 503u);
  EXPECT_EQ(stream.reply_body, "come back later\n");
  EXPECT_EQ(stream.reply_details, "direct_response");
  EXPECT_THAT(stream.reply_fields, ElementsAre(Pair("retry-after", "120"), Pair("x-a", "")));
}

TEST(HttpDirectResponseTest, TheShortFormOfABodyIsText) {
  FakeHttpStream stream;
  Request(Load("body: hello"), &stream);
  EXPECT_EQ(stream.reply_status, 200u);
  EXPECT_EQ(stream.reply_body, "hello");
}

TEST(HttpDirectResponseTest, WithoutConfigurationItIsAnEmpty200) {
  for (const std::string yaml : {"", "{}", "~"}) {
    FakeHttpStream stream;
    Request(Load(yaml), &stream);
    EXPECT_EQ(stream.reply_status, 200u);
    EXPECT_EQ(stream.reply_body, "");
    EXPECT_TRUE(stream.reply_fields.empty());
  }
}

TEST(HttpDirectResponseTest, TheRoutesAnswerReplacesTheFilters) {
  const FakeConfig base = Load("{status: 200, body: base}");
  const FakeConfig route =
      FakeConfig::Http(kHttpDirectResponseApi, "{status: 404, body: route}", /*per_route=*/true);
  FakeHttpStream stream;
  stream.route_config = route.get();
  Request(base, &stream);
  EXPECT_EQ(stream.reply_status, 404u);
  EXPECT_EQ(stream.reply_body, "route");
}

TEST(HttpDirectResponseTest, ARefusedReplyFailsClosed) {
  const FakeConfig config = Load("body: x");
  FakeHttpStream stream;
  stream.failure = WEIR_REFUSED;
  EXPECT_LT(FakeFilter(kHttpDirectResponseApi, config, &stream).RequestHeaders(true), 0);
}

TEST(HttpDirectResponseTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("status: 99").errors(),
              HasSubstr("1:9: status is \"99\"; expected a whole number "
                        "from 200 to 599"));
  EXPECT_THAT(Load("status: ok").errors(), HasSubstr("1:9: status is \"ok\""));
  EXPECT_THAT(Load("body: {filename: /etc/passwd}").errors(),
              HasSubstr("1:18: the filter: filename is not available: use inline_string"));
  EXPECT_THAT(Load("body: {}").errors(), HasSubstr("body needs inline_string"));
  EXPECT_THAT(Load("body: []").errors(), HasSubstr("body is an empty list; expected text"));
  EXPECT_THAT(Load("headers: {a: b}").errors(), HasSubstr("headers must be a list"));
  EXPECT_THAT(Load("headers: [{key: a}]").errors(), HasSubstr("a header needs key and value"));
  EXPECT_THAT(Load("headers: [{key: content-length, value: 5}]").errors(),
              HasSubstr("\"content-length\" is a framing field"));
  EXPECT_THAT(Load("headers: [{key: a, value: \"x\\ry\"}]").errors(),
              HasSubstr("not a field value"));
  EXPECT_THAT(Load("statuss: 200").errors(), HasSubstr("\"statuss\" is no key of the filter"));
  EXPECT_THAT(Load("5").errors(), HasSubstr("direct_response must be a mapping"));
}

TEST(HttpDirectResponseTest, HugeInputsAreRefused) {
  EXPECT_THAT(Load("body: " + std::string((1 << 20) + 1, 'x')).errors(),
              HasSubstr("more than 1048576 bytes"));
  EXPECT_TRUE(Load("body: " + std::string(1 << 20, 'x')).ok());
  std::string many = "headers:\n";
  for (int i = 0; i < 101; ++i) many += "- {key: a, value: b}\n";
  EXPECT_THAT(Load(many).errors(), HasSubstr("more than 100 entries"));
}

}  // namespace
}  // namespace weir::filters
