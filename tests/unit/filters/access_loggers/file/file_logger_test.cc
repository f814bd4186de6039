#include "filters/access_loggers/file/file_logger.h"

#include <cstdlib>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/filters/access_loggers/file/logger_world.h"

namespace weir::access_log {
namespace {

using ::testing::HasSubstr;

class FileLoggerTest : public ::testing::Test {
 protected:
  std::string Text(std::string_view format) { return TextLine(&stream_, format); }
  std::string Json(std::string_view map) {
    return LineOf(&stream_, "log_format: {json_format: " + std::string(map) + "}");
  }

  kit::FakeHttpStream stream_;
};

TEST_F(FileLoggerTest, FieldsAreFoundByEitherName) {
  stream_.messages[WEIR_REQUEST].fields = {{"x-a", "1"}, {"user-agent", "curl"}};
  stream_.messages[WEIR_RESPONSE].fields = {{"x-b", "2"}};
  stream_.messages[WEIR_RESPONSE_TRAILERS].fields = {{"x-c", "3"}};
  EXPECT_EQ(Text("%REQ(X-A)% %RESP(x-b)% %TRAILER(x-c)%\n"), "1 2 3\n");
  EXPECT_EQ(Text("%REQUEST_HEADER(x-a)% %RESPONSE_HEADER(x-b)% %RESPONSE_TRAILER(x-c)%\n"),
            "1 2 3\n");
  EXPECT_EQ(Text("%REQ(X-NONE?USER-AGENT)% %REQ(:METHOD)% %RESP(X-NONE?X-B)% %REQ(x-z)%\n"),
            "curl GET 2 -\n");
  EXPECT_EQ(Text("%REQ(USER-AGENT):2% %REQ(:PATH):0%.\n"), "cu .\n");
}

TEST_F(FileLoggerTest, TimesAreMilliseconds) {
  stream_.numbers = {{WEIR_NUMBER_REQUEST_END_US, 1999},
                     {WEIR_NUMBER_UPSTREAM_END_US, 3000},
                     {WEIR_NUMBER_RESPONSE_START_US, 5000},
                     {WEIR_NUMBER_END_US, 12'500}};
  EXPECT_EQ(Text("%REQUEST_DURATION% %REQUEST_TX_DURATION% %RESPONSE_DURATION% "
                 "%RESPONSE_TX_DURATION% %DURATION%\n"),
            "1 3 5 7 12\n");
  stream_.numbers.erase(WEIR_NUMBER_RESPONSE_START_US);
  EXPECT_EQ(Text("%RESPONSE_DURATION% %RESPONSE_TX_DURATION%\n"), "- -\n");
}

TEST_F(FileLoggerTest, AddressesComeWithAndWithoutTheirPort) {
  stream_.attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = "[2001:db8::1]:4711";
  stream_.attributes[WEIR_ATTR_LOCAL_ADDRESS] = "10.0.0.2:80";
  stream_.attributes[WEIR_ATTR_DIRECT_ADDRESS] = "unix:/run/a:b";
  stream_.numbers[WEIR_NUMBER_LOCAL_PORT] = 80;
  EXPECT_EQ(Text("%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% "
                 "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_LOCAL_PORT% "
                 "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%\n"),
            "[2001:db8::1]:4711 2001:db8::1 10.0.0.2 80 unix:/run/a:b\n");
}

TEST_F(FileLoggerTest, ConstantsAreReadWhenTheConfigurationIs) {
  ::setenv("WEIR_TEST_ENVIRONMENT", "blue", 1);
  ::unsetenv("WEIR_TEST_NOT_THERE");
  EXPECT_EQ(Text("%ENVIRONMENT(WEIR_TEST_ENVIRONMENT)% %ENVIRONMENT(WEIR_TEST_NOT_THERE)% 100%%\n"),
            "blue - 100%\n");
  EXPECT_NE(Text("%HOSTNAME%\n"), "-\n");
}

TEST_F(FileLoggerTest, MetadataIsFoundBySpaceAndKey) {
  stream_.metadata[{"envoy.x", "user"}] = "alice";
  EXPECT_EQ(Text("%DYNAMIC_METADATA(envoy.x:user)% %DYNAMIC_METADATA(envoy.x:other)%\n"),
            "alice -\n");
}

TEST_F(FileLoggerTest, AGrpcStatusComesOfTrailersHeadOrHttp) {
  EXPECT_EQ(Text("%GRPC_STATUS%\n"), "-\n");
  stream_.messages[WEIR_REQUEST].fields = {{"content-type", "application/grpc+proto"}};
  stream_.status = 503;
  EXPECT_EQ(Text("%GRPC_STATUS% %GRPC_STATUS_NUMBER%\n"), "Unavailable 14\n");
  stream_.messages[WEIR_RESPONSE].fields = {{"grpc-status", "5"}};
  EXPECT_EQ(Text("%GRPC_STATUS(SNAKE_STRING)%\n"), "NOT_FOUND\n");
  stream_.messages[WEIR_RESPONSE_TRAILERS].fields = {{"grpc-status", "0"}};
  EXPECT_EQ(Text("%GRPC_STATUS% %GRPC_STATUS(NUMBER)%\n"), "OK 0\n");
  stream_.messages[WEIR_RESPONSE_TRAILERS].fields = {{"grpc-status", "99"}};
  EXPECT_EQ(Text("%GRPC_STATUS%\n"), "99\n");
  stream_.messages[WEIR_RESPONSE_TRAILERS].fields = {{"grpc-status", "x"}};
  EXPECT_EQ(Text("%GRPC_STATUS%\n"), "Unknown\n");
  stream_.messages[WEIR_REQUEST].fields = {{"content-type", "application/grpcx"}};
  EXPECT_EQ(Text("%GRPC_STATUS%\n"), "-\n");
}

TEST_F(FileLoggerTest, ALineAlwaysEnds) {
  EXPECT_EQ(Text("%REQ(:METHOD)%"), "GET\n");
  EXPECT_EQ(Text("a\n"), "a\n");
}

TEST_F(FileLoggerTest, JsonKeepsTheTypeOfAValueThatStandsAlone) {
  stream_.numbers = {{WEIR_NUMBER_RESPONSE_CODE, 404}, {WEIR_NUMBER_BYTES_SENT, 7}};
  EXPECT_EQ(Json("{code: '%RESPONSE_CODE%', all: {sent: '%BYTES_SENT%', list: ['%REQ(:METHOD)%', "
                 "x]}, text: 'is %RESPONSE_CODE% %REQ(x)%', none: '%REQ(x-none)%', \"k\\\"\": ''}"),
            R"({"code":404,"all":{"sent":7,"list":["GET","x"]},"text":"is 404 -","none":null,)"
            "\"k\\\"\":\"\"}\n");
}

TEST_F(FileLoggerTest, EmptyValuesAreLeftOutWhereAsked) {
  EXPECT_EQ(LineOf(&stream_,
                   "log_format: {omit_empty_values: true, json_format: {a: '%REQ(x)%', b: "
                   "'%REQ(:METHOD)%', c: '%REQ(x)%', d: {e: '%REQ(x)%'}, f: '%REQ(x)%.'}}"),
            "{\"b\":\"GET\",\"d\":{},\"f\":\".\"}\n");
  EXPECT_EQ(LineOf(&stream_, "log_format: {omit_empty_values: true, text_format: '%REQ(x)%.'}"),
            ".\n");
}

TEST_F(FileLoggerTest, NothingOfAPeerEndsALineOrAValue) {
  stream_.messages[WEIR_REQUEST].fields = {{"x-a", "1\"\n\\\xff\","}};
  EXPECT_EQ(Text("\"%REQ(X-A)%\"\n"), "\"1\\x22\\x0A\\x5C\\xFF\\x22,\"\n");
  EXPECT_EQ(Json("{a: '%REQ(X-A)%', b: '<%REQ(X-A)%>'}"),
            R"({"a":"1\"\n\\\ufffd\",","b":"<1\"\n\\\ufffd\",>"})"
            "\n");
}

// However many and long its values are, a line is whole and fits.
TEST_F(FileLoggerTest, ALineIsBounded) {
  stream_.messages[WEIR_REQUEST].fields = {{"x-a", std::string(60'000, '\x01')}};
  std::string text;
  std::string json = "{";
  for (int i = 0; i < 200; ++i) {
    text += "%REQ(X-A)%,%BYTES_SENT%;";
    json += "k" + std::to_string(i) + ": '%REQ(X-A)%', ";
  }
  stream_.numbers[WEIR_NUMBER_BYTES_SENT] = INT64_MIN;
  const std::string line = Text(text);
  EXPECT_GT(line.size(), 60'000u);
  EXPECT_LE(line.size(), kMaxLine);
  EXPECT_EQ(line.substr(line.size() - 2), ";\n");
  const std::string object = Json(json + "last: x}");
  EXPECT_LE(object.size(), kMaxLine);
  EXPECT_THAT(object, ::testing::EndsWith("\"last\":\"x\"}\n"));
  EXPECT_EQ(kit::World().counters["file.truncated"], 1u);
}

TEST_F(FileLoggerTest, AFormatThatLeavesNoRoomIsRefused) {
  EXPECT_THAT(Text(std::string(33'000, 'x')), HasSubstr("the format is too long"));
}

TEST_F(FileLoggerTest, AnUnknownOperatorIsNamedWithTheNearest) {
  EXPECT_THAT(Text("a %RESPONSE_CDE%"),
              HasSubstr("there is no operator %RESPONSE_CDE%; did you mean %RESPONSE_CODE%?"));
  EXPECT_THAT(Json("{a: '%TRACE_ID%'}"), HasSubstr("there is no operator %TRACE_ID%"));
  EXPECT_THAT(Text("100% "), HasSubstr("begins no operator; a percent sign itself is %%"));
  EXPECT_THAT(Text("%REQ(a"), HasSubstr("begins no operator"));
  EXPECT_THAT(Text("%PROTOCOL(x)%"), HasSubstr("%PROTOCOL% takes no argument"));
  EXPECT_THAT(Text("%REQ()%"), HasSubstr("takes the name of a field"));
  EXPECT_THAT(Text("%REQ(a b)%"), HasSubstr("takes the name of a field"));
  EXPECT_THAT(Text("%REQ%"), HasSubstr("takes the name of a field"));
  EXPECT_THAT(Text("%REQ(A):x%"), HasSubstr("is no length"));
  EXPECT_THAT(Text("%DYNAMIC_METADATA(a)%"), HasSubstr("takes (space:key)"));
  EXPECT_THAT(Text("%START_TIME(%Q)%"), HasSubstr("%Q is no specifier"));
}

TEST_F(FileLoggerTest, MistakesOfItsKeysAreReported) {
  EXPECT_THAT(LineOf(&stream_, "log_format: {}"), HasSubstr("is needed"));
  EXPECT_THAT(LineOf(&stream_, "log_format: {text_format: a, json_format: {}}"),
              HasSubstr("is needed"));
  EXPECT_THAT(LineOf(&stream_, "format: a, json_format: {}"), HasSubstr("only one of"));
  EXPECT_THAT(LineOf(&stream_, "log_format: {text_format: a, formatters: []}"),
              HasSubstr("formatters is not there"));
  EXPECT_THAT(LineOf(&stream_, "log_fromat: {}"), HasSubstr("log_fromat"));
  const kit::FakeConfig no_path = kit::FakeConfig::Logger(kFileLoggerApi, "{format: a}");
  EXPECT_THAT(no_path.errors(), HasSubstr("has no path"));
  const kit::FakeConfig missing =
      kit::FakeConfig::Logger(kFileLoggerApi, "{path: /missing/a, format: a}");
  EXPECT_THAT(missing.errors(), HasSubstr("cannot open /missing/a"));
}

TEST_F(FileLoggerTest, StdoutAndStderrTakeNoPath) {
  kit::FakeLines().clear();
  const kit::FakeConfig out = kit::FakeConfig::Logger(kStdoutLoggerApi, "{format: a}");
  ASSERT_TRUE(out.ok()) << out.errors();
  EXPECT_EQ(kStdoutLoggerApi.log(out.get(), stream_.handle(), WEIR_LOG_STREAM_END), WEIR_OK);
  EXPECT_EQ(kit::FakeLines()["/dev/stdout"], "a\n");
  EXPECT_THAT(kit::FakeConfig::Logger(kStderrLoggerApi, "{path: /a}").errors(),
              HasSubstr("only the access logger file takes a path"));
}

TEST_F(FileLoggerTest, WhatIsNotTheEndOfAStreamIsNoLine) {
  const kit::FakeConfig config = kit::FakeConfig::Logger(kFileLoggerApi, "{path: /x, format: a}");
  kit::FakeLines()["/x"].clear();
  EXPECT_EQ(kFileLoggerApi.log(config.get(), stream_.handle(), 2), WEIR_OK);
  EXPECT_EQ(kit::FakeLines()["/x"], "");
}

}  // namespace
}  // namespace weir::access_log
