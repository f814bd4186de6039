#include "filters/access_loggers/file/line_writer.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace weir::access_log {
namespace {

std::string Write(std::string_view value, Escaping escaping, std::size_t limit = 4096,
                  bool* truncated = nullptr) {
  std::string room(8192, '\0');
  LineWriter writer(room.data(), room.size());
  writer.Value(value, escaping, limit);
  if (truncated != nullptr) *truncated = writer.truncated();
  return std::string(writer.text());
}

TEST(LineWriter, ATextCannotEndItsValueOrItsLine) {
  EXPECT_EQ(Write("a\"b\\c\r\nd\te\x7f", Escaping::kText), "a\\x22b\\x5Cc\\x0D\\x0Ad\\x09e\\x7F");
  EXPECT_EQ(Write("\xc3\xa4", Escaping::kText), "\\xC3\\xA4");
}

TEST(LineWriter, JsonStringsHoldWhatTheyAreGiven) {
  EXPECT_EQ(Write("a\"b\\c\r\nd\te\b\f/", Escaping::kJson), R"(a\"b\\c\r\nd\te\b\f/)");
  EXPECT_EQ(Write(std::string_view("\0\x1f\x7f", 3), Escaping::kJson), R"(\u0000\u001F\u007F)");
  EXPECT_EQ(Write("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", Escaping::kJson),
            "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80");
}

// RFC 3629 section 4: lone tails, cut sequences, overlong forms, surrogates, beyond U+10FFFF.
TEST(LineWriter, WhatIsNoUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(Write("a\x80z", Escaping::kJson), "a\\ufffdz");
  EXPECT_EQ(Write("\xc3", Escaping::kJson), "\\ufffd");
  EXPECT_EQ(Write("\xe2\x82", Escaping::kJson), "\\ufffd\\ufffd");
  EXPECT_EQ(Write("\xc0\xaf", Escaping::kJson), "\\ufffd\\ufffd");
  EXPECT_EQ(Write("\xe0\x80\xaf", Escaping::kJson), "\\ufffd\\ufffd\\ufffd");
  EXPECT_EQ(Write("\xed\xa0\x80", Escaping::kJson), "\\ufffd\\ufffd\\ufffd");
  EXPECT_EQ(Write("\xf4\x90\x80\x80", Escaping::kJson), "\\ufffd\\ufffd\\ufffd\\ufffd");
  EXPECT_EQ(Write("\xff\xfe", Escaping::kJson), "\\ufffd\\ufffd");
}

TEST(LineWriter, ALongValueIsCutBetweenItsEscapes) {
  for (std::size_t limit = 8; limit < 40; ++limit) {
    for (const Escaping escaping : {Escaping::kText, Escaping::kJson}) {
      bool truncated = false;
      const std::string text =
          Write(std::string(13, '\x01') + std::string(30, 'x'), escaping, limit, &truncated);
      EXPECT_TRUE(truncated);
      EXPECT_LE(text.size(), limit);
      ASSERT_GE(text.size(), 3u);
      EXPECT_EQ(text.substr(text.size() - 3), "...");
      const std::size_t whole = text.size() - 3;
      EXPECT_EQ(whole % (escaping == Escaping::kText ? 4 : 6), 0u) << text;
    }
  }
  bool truncated = true;
  EXPECT_EQ(Write("12345", Escaping::kText, 8, &truncated), "12345");
  EXPECT_FALSE(truncated);
}

TEST(LineWriter, ASequenceOfUtf8IsNotCut) {
  std::string euros;
  for (int i = 0; i < 20; ++i) euros += "\xe2\x82\xac";
  for (std::size_t limit = 9; limit < 30; ++limit) {
    const std::string text = Write(euros, Escaping::kJson, limit);
    EXPECT_EQ((text.size() - 3) % 3, 0u);
  }
}

}  // namespace
}  // namespace weir::access_log
