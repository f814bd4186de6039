#include "core/explain/request_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::explain {
namespace {

using testing::HasSubstr;

struct Read {
  Request request;
  std::vector<std::string> notes;
  std::string mistake;
};

Read ReadWords(const std::vector<std::string>& words,
               const std::vector<std::string>& headers = {}) {
  Read read;
  read.mistake = ReadRequest(words, headers, &read.request, &read.notes);
  return read;
}

TEST(RequestLine, AUrlIsWhatAClientMakesOfIt) {
  const struct {
    const char* url;
    const char* authority;
    const char* host;
    int port;
    const char* target;
  } kCases[] = {
      {"http://a", "a", "a", 80, "/"},
      {"https://A.b/c?d", "A.b", "a.b", 443, "/c?d"},
      {"HTTPS://a:443/", "a", "a", 443, "/"},
      {"http://a:443/x/../y", "a:443", "a", 443, "/x/../y"},
      {"http://[::1]:81", "[::1]:81", "::1", 81, "/"},
      {"http://[::1]", "[::1]", "::1", 80, "/"},
      {"http://a?q", "a", "a", 80, "/?q"},
      {"http://u:p@a/b#c", "a", "a", 80, "/b"},
  };
  for (const auto& c : kCases) {
    const Read read = ReadWords({c.url});
    EXPECT_EQ(read.mistake, "") << c.url;
    EXPECT_EQ(read.request.method, "GET");
    EXPECT_EQ(read.request.authority, c.authority) << c.url;
    EXPECT_EQ(read.request.host, c.host) << c.url;
    EXPECT_EQ(read.request.port, c.port) << c.url;
    EXPECT_EQ(read.request.target, c.target) << c.url;
  }
  EXPECT_EQ(ReadWords({"http://u:p@a/b#c"}).notes.size(), 2u);
}

TEST(RequestLine, FramingFieldsBecomeValues) {
  const Read read = ReadWords({"POST", "/x"}, {"Host: b", "Content-Length: 7", "Upgrade: WebSocket",
                                               "Connection: upgrade", "X-A:  b  "});
  EXPECT_EQ(read.mistake, "");
  EXPECT_EQ(read.request.method, "POST");
  EXPECT_EQ(read.request.scheme, "");
  EXPECT_EQ(read.request.authority, "b");
  EXPECT_TRUE(read.request.has_length);
  EXPECT_EQ(read.request.content_length, 7u);
  EXPECT_TRUE(read.request.tunnel);
  EXPECT_EQ(read.request.protocol, "websocket");
  ASSERT_EQ(read.request.fields.size(), 1u);
  EXPECT_EQ(read.request.fields[0].first, "x-a");
  EXPECT_EQ(read.request.fields[0].second, "b");
  ASSERT_EQ(read.notes.size(), 1u);
  EXPECT_THAT(read.notes[0], HasSubstr("connection"));
}

TEST(RequestLine, AConnectHasAnAuthorityAndNoPath) {
  const Read read = ReadWords({"CONNECT", "a:443"});
  EXPECT_EQ(read.mistake, "");
  EXPECT_TRUE(read.request.tunnel);
  EXPECT_EQ(read.request.authority, "a:443");
  EXPECT_EQ(read.request.target, "");
  EXPECT_NE(ReadWords({"CONNECT", "a"}).mistake, "");
}

TEST(RequestLine, MistakesSayWhatWasExpected) {
  EXPECT_THAT(ReadWords({"a/b"}).mistake, HasSubstr("https://host/path"));
  EXPECT_THAT(ReadWords({"http://"}).mistake, HasSubstr("host"));
  EXPECT_THAT(ReadWords({"http://a:0/"}).mistake, HasSubstr("host:port"));
  EXPECT_THAT(ReadWords({"http://a:x/"}).mistake, HasSubstr("host:port"));
  EXPECT_THAT(ReadWords({"/a", "/b"}).mistake, HasSubstr("no method"));
  EXPECT_THAT(ReadWords({"/"}, {"a"}).mistake, HasSubstr("'name: value'"));
  EXPECT_THAT(ReadWords({"/"}, {": a"}).mistake, HasSubstr("'name: value'"));
  EXPECT_THAT(ReadWords({"/"}, {"content-length: x"}).mistake, HasSubstr("no length"));
}

}  // namespace
}  // namespace weir::explain
