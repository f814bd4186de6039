// The table of strictness: each rule that can be switched off, switched off; each limit, set; and
// how both are read from the configuration.
#include "codecs/h1/strictness.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/expect_events.h"

namespace weir::h1 {
namespace {

CodecOptions With(Strictness* strictness) {
  CodecOptions options;
  options.config = strictness;
  return options;
}

std::string Post(const std::string& lines, const std::string& version = "1.1") {
  return "POST / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n";
}

TEST(StrictnessTest, WithoutTheRuleTransferEncodingWinsAndTheConnectionEnds) {
  Strictness loose;
  loose.reject_length_with_transfer_encoding = false;
  const std::string bytes =
      Post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") + "2\r\nab\r\n0\r\n\r\n";
  ExpectRequestEvents(bytes, "HEAD POST [] a /\nDATA ab\nEND\n", With(&loose));
  CodecHarness codec(With(&loose));
  codec.Feed(bytes);
  codec.Send(Response(200), true);
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(StrictnessTest, WithoutTheRuleEqualLengthsAreOneAndDifferentOnesAreStillRefused) {
  Strictness loose;
  loose.reject_repeated_length = false;
  ExpectRequestEvents(Post("Content-Length: 1\r\nContent-Length: 1\r\n") + "x",
                      "HEAD POST [] a / length=1\nDATA x\nEND\n", With(&loose));
  for (const char* other : {"2", "01", "1, 1"}) {
    ExpectRequestEvents(
        Post(std::string("Content-Length: 1\r\nContent-Length: ") + other + "\r\n") + "x",
        "ERROR 400 http1.repeated_content_length\n", With(&loose));
  }
}

TEST(StrictnessTest, WithoutTheRuleChunkedIsDecodedOnHttpOneZeroAndTheConnectionEnds) {
  Strictness loose;
  loose.reject_transfer_encoding_in_http_10 = false;
  const std::string bytes =
      Post("Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", "1.0") + "0\r\n\r\n";
  ExpectRequestEvents(bytes, "HEAD POST [] a / v10\nEND\n", With(&loose));
  CodecHarness codec(With(&loose));
  codec.Feed(bytes);
  codec.Send(Response(200), true);
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(StrictnessTest, WithoutTheRuleAGetOnHttpOneZeroMayHaveABody) {
  Strictness loose;
  loose.reject_body_of_http_10_get = false;
  ExpectRequestEvents("GET / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx",
                      "HEAD GET []  / v10 length=1\nDATA x\nEND\n", With(&loose));
}

TEST(StrictnessTest, WithoutTheRuleALengthOnAResponseWithoutContentIsDropped) {
  Strictness loose;
  loose.reject_length_without_content = false;
  ExpectResponseEvents("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
                       "RESPONSE 204 nobody\nEND\n", Request("GET", "/"), true, With(&loose));
}

TEST(StrictnessTest, WithoutTheRuleBlanksMayStandInAChunkLine) {
  Strictness loose;
  loose.reject_blanks_in_chunk_line = false;
  const std::string head = Post("Transfer-Encoding: chunked\r\n");
  ExpectRequestEvents(head + "1 ; a\t= b ;c\r\nx\r\n0\r\n\r\n", "HEAD POST [] a /\nDATA x\nEND\n",
                      With(&loose));
  for (const char* bad : {"1 \r\nx", "1 2\r\nx", " 1\r\nx", "1; a b\r\nx", "1; a \r\nx"}) {
    CodecHarness codec(With(&loose));
    codec.Feed(head + bad);
    EXPECT_EQ(codec.events().back().substr(0, 9), "ERROR 400") << bad;
  }
}

TEST(StrictnessTest, LimitsAreTheConfigureds) {
  Strictness tight;
  tight.max_interim_responses = 1;
  tight.max_discarded_bytes = 4;
  tight.max_chunk_extension_bytes = 3;
  const std::string hints = "HTTP/1.1 103 Early Hints\r\n\r\n";
  ExpectResponseEvents(hints + hints, "INTERIM 103\nERROR 0 http1.too_many_interim_responses\n",
                       Request("GET", "/"), true, With(&tight));
  const std::string chunked = Post("Transfer-Encoding: chunked\r\n");
  ExpectRequestEvents(chunked + "1;abc\r\nx\r\n0\r\n\r\n", "HEAD POST [] a /\nDATA x\nEND\n",
                      With(&tight));
  ExpectRequestEvents(chunked + "1;abcd\r\nx\r\n0\r\n\r\n",
                      "HEAD POST [] a /\nERROR 400 http1.chunk_extensions_too_long\n",
                      With(&tight));
  CodecHarness codec(With(&tight));
  codec.Feed(Post("Content-Length: 5\r\n"));
  codec.Send(Response(200), true);
  codec.TakeEvents();
  codec.Feed("abcd");
  EXPECT_EQ(codec.EventText(), "");
  codec.Feed("e");
  EXPECT_EQ(codec.EventText(), "ERROR 0 http1.request_after_response\n");
}

// ---- The configuration ------------------------------------------------------------------------

// A map of texts; a node is one of them.
std::map<std::string, std::string>* config_map = nullptr;
int reports = 0;

const weir_node* Get(const weir_node*, weir_view key) {
  const auto found = config_map->find(std::string(key.data, key.size));
  return found == config_map->end() ? nullptr : reinterpret_cast<const weir_node*>(&found->second);
}

const std::string& TextOf(const weir_node* node) {
  return *reinterpret_cast<const std::string*>(node);
}

int32_t ReadBoolean(const weir_node* node, uint32_t* out) {
  if (TextOf(node) != "true" && TextOf(node) != "false") {
    ++reports;
    return WEIR_ERROR;
  }
  *out = TextOf(node) == "true" ? 1 : 0;
  return WEIR_OK;
}

int32_t ReadInteger(const weir_node* node, int64_t min, int64_t max, int64_t* out) {
  *out = std::strtoll(TextOf(node).c_str(), nullptr, 10);
  if (*out >= min && *out <= max) return WEIR_OK;
  ++reports;
  return WEIR_ERROR;
}

bool ReadMap(std::map<std::string, std::string> map, Strictness* out) {
  weir_config_api api{};
  api.struct_size = sizeof(api);
  api.get = Get;
  api.boolean = ReadBoolean;
  api.integer = ReadInteger;
  config_map = &map;
  reports = 0;
  return ReadStrictness(api, nullptr, out);
}

TEST(StrictnessTest, AllIsStrictWithoutAConfiguration) {
  Strictness strictness;
  EXPECT_TRUE(ReadMap({}, &strictness));
#define WEIR_TEST_RULE_(name, on, where) EXPECT_TRUE(strictness.name) << #name;
  WEIR_H1_RULES(WEIR_TEST_RULE_)
#undef WEIR_TEST_RULE_
  EXPECT_EQ(strictness.max_interim_responses, 64u);
}

TEST(StrictnessTest, EachKeyIsReadUnderItsName){
#define WEIR_TEST_RULE_(name, on, where)                   \
  {                                                        \
    Strictness strictness;                                 \
    EXPECT_TRUE(ReadMap({{#name, "false"}}, &strictness)); \
    EXPECT_FALSE(strictness.name);                         \
  }
    WEIR_H1_RULES(WEIR_TEST_RULE_)
#undef WEIR_TEST_RULE_
#define WEIR_TEST_LIMIT_(name, value, least, most, what) \
  {                                                      \
    Strictness strictness;                               \
    EXPECT_TRUE(ReadMap({{#name, "7"}}, &strictness));   \
    EXPECT_EQ(strictness.name, 7u);                      \
  }
        WEIR_H1_LIMITS(WEIR_TEST_LIMIT_)
#undef WEIR_TEST_LIMIT_
}

TEST(StrictnessTest, EveryMistakeIsReported) {
  Strictness strictness;
  EXPECT_FALSE(
      ReadMap({{"reject_repeated_length", "maybe"}, {"max_discarded_bytes", "-1"}}, &strictness));
  EXPECT_EQ(reports, 2);
}

}  // namespace
}  // namespace weir::h1
