#include "core/config/address.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

std::string Literal(std::string_view text) {
  std::string expected;
  const auto parsed = ParseAddress(text, &expected);
  if (!parsed) return "refused: " + expected;
  return parsed->literal ? parsed->literal->ToString() : "name " + parsed->host;
}

TEST(ParseAddress, ReadsBackWhatItPrints) {
  for (const char* text : {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:80", "[2001:db8::1]:65535",
                           "unix:/run/app.sock", "unix:@abstract"}) {
    EXPECT_EQ(Literal(text), text);
  }
}

TEST(ParseAddress, TakesAPortAloneForAllInterfaces) {
  EXPECT_EQ(Literal(":8080"), "0.0.0.0:8080");
}

TEST(ParseAddress, TellsNamesFromAddresses) {
  std::string expected;
  const auto parsed = ParseAddress("app.example.com:81", &expected);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_FALSE(parsed->literal.has_value());
  EXPECT_EQ(parsed->host, "app.example.com");
  EXPECT_EQ(parsed->port, 81);
}

TEST(ParseAddress, SaysWhatItExpected) {
  EXPECT_EQ(Literal("127.0.0.1:65536"), "refused: a port from 0 to 65535 after the colon");
  EXPECT_EQ(Literal("127.0.0.1:"), "refused: a port from 0 to 65535 after the colon");
  EXPECT_EQ(Literal("127.0.0.1:+1"), "refused: a port from 0 to 65535 after the colon");
  EXPECT_EQ(Literal("::1:80"), "refused: brackets around an IPv6 address, as [::1]:8080");
  EXPECT_EQ(Literal("[127.0.0.1]:80"), "refused: an IPv6 address in the brackets");
  EXPECT_EQ(Literal("[::1:80"), "refused: an IPv6 address in the brackets");
  EXPECT_EQ(Literal("300.1.1.1:80"), "refused: an IP address or a host name before the port");
  EXPECT_EQ(Literal("a b:80"), "refused: an IP address or a host name before the port");
  EXPECT_EQ(Literal("unix:"), "refused: a socket path of 1 to 107 bytes after unix:");
  EXPECT_EQ(Literal("unix:/" + std::string(107, 'a')),
            "refused: a socket path of 1 to 107 bytes after unix:");
  EXPECT_EQ(Literal("unix:/tmp/a\app").substr(0, 7), "refused") << "a control character";
  EXPECT_EQ(Literal("localhost").substr(0, 7), "refused");
  EXPECT_EQ(Literal("").substr(0, 7), "refused");
}

TEST(IsHostName, HoldsTheLengthsOfLabelsAndNames) {
  EXPECT_TRUE(IsHostName("a"));
  EXPECT_TRUE(IsHostName("app_1.svc-2.local."));
  EXPECT_TRUE(IsHostName(std::string(63, 'a')));
  EXPECT_FALSE(IsHostName(std::string(64, 'a')));
  EXPECT_FALSE(IsHostName("a..b"));
  EXPECT_FALSE(IsHostName(".a"));
  EXPECT_FALSE(IsHostName("1.2.3"));
  EXPECT_FALSE(IsHostName("*.a"));
  EXPECT_FALSE(IsHostName(""));
}

}  // namespace
}  // namespace weir::config
