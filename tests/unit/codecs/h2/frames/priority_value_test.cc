#include "codecs/h2/frames/priority_value.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace weir::h2 {
namespace {

// "u=3,i" with a '-' for what was not there.
std::string Parsed(std::string_view text) {
  const PriorityValue value = ParsePriorityValue(text);
  EXPECT_TRUE(value.has_urgency || value.urgency == 3) << text;
  EXPECT_TRUE(value.has_incremental || !value.incremental) << text;
  return (value.has_urgency ? std::to_string(value.urgency) : "-") +
         (value.has_incremental ? (value.incremental ? "i" : "n") : "-");
}

TEST(H2PriorityValue, AbsentMembersAreAtTheirDefaults) {
  EXPECT_EQ(Parsed(""), "--");
  EXPECT_EQ(Parsed("  "), "--");
  EXPECT_EQ(ParsePriorityValue("").urgency, 3);
  EXPECT_FALSE(ParsePriorityValue("").incremental);
}

TEST(H2PriorityValue, UrgencyIsZeroToSeven) {
  for (int urgency = 0; urgency <= 7; ++urgency) {
    EXPECT_EQ(Parsed("u=" + std::to_string(urgency)), std::to_string(urgency) + "-");
  }
  for (const char* text : {"u=8", "u=-1", "u=10", "u=999999999999999", "u=-999999999999999"}) {
    EXPECT_EQ(Parsed(text), "--") << text;
  }
  EXPECT_EQ(Parsed("u=007"), "7-");
  EXPECT_EQ(Parsed("u=-0"), "0-");
}

TEST(H2PriorityValue, IncrementalIsABoolean) {
  EXPECT_EQ(Parsed("i"), "-i");
  EXPECT_EQ(Parsed("i=?1"), "-i");
  EXPECT_EQ(Parsed("i=?0"), "-n");
  EXPECT_EQ(Parsed("u=1, i"), "1i");
  EXPECT_EQ(Parsed("i,u=5"), "5i");
  EXPECT_EQ(Parsed("u=1 \t , \t i=?0"), "1n");
}

TEST(H2PriorityValue, AMemberOfTheWrongTypeCountsAsAbsent) {
  for (const char* text : {"u", "u=?1", "u=1.0", "u=a", "u=\"1\"", "u=:MQ==:", "u=(1)", "u=()"}) {
    EXPECT_EQ(Parsed(text), "--") << text;
    EXPECT_EQ(Parsed(std::string(text) + ", i"), "-i") << text;
  }
  for (const char* text : {"i=1", "i=1.5", "i=true", "i=\"\"", "i=::", "i=(?1)"}) {
    EXPECT_EQ(Parsed(text), "--") << text;
    EXPECT_EQ(Parsed(std::string("u=2, ") + text), "2-") << text;
  }
}

TEST(H2PriorityValue, OtherMembersAndParametersAreReadOver) {
  EXPECT_EQ(Parsed("a, b=1, *c=\"x\\\"y,\", d=(1 \"u=7\";q=1 t);z, u=2;x=1;y, e=tok/en:x, i;w=?0"),
            "2i");
  EXPECT_EQ(Parsed("u=1;u=7"), "1-");
  EXPECT_EQ(Parsed("i;i=?0"), "-i");
  EXPECT_EQ(Parsed("uu=1, ii"), "--");
  EXPECT_EQ(Parsed("u=1;  a;  b=1"), "1-");
}

TEST(H2PriorityValue, TheLastMemberOfANameCounts) {
  EXPECT_EQ(Parsed("u=1, u=2"), "2-");
  EXPECT_EQ(Parsed("u=1, u=9"), "--");
  EXPECT_EQ(Parsed("i, i=?0"), "-n");
  EXPECT_EQ(Parsed("i, i=1"), "--");
}

TEST(H2PriorityValue, WhatIsNoDictionaryIsAsGoodAsNone) {
  for (const char* text : {"u=1,",
                           "u=1, ",
                           ",u=1",
                           "u=1,,i",
                           "u=1 i",
                           "u=",
                           "u= 1",
                           "u =1",
                           "U=1",
                           "1=1",
                           "u=1;",
                           "u=1;A",
                           "u=1 ;a",
                           "u=1.",
                           "u=1.2345",
                           "u=1234567890123456",
                           "u=--1",
                           "u=-",
                           "u=1, x=?2",
                           "u=1, x=?",
                           "u=1, x=\"",
                           "u=1, x=\"\\a\"",
                           "u=1, x=\"\\",
                           "u=1, x=:a",
                           "u=1, x=:*:",
                           "u=1, x=(",
                           "u=1, x=(1",
                           "u=1, x=(1,2)",
                           "u=1, x=(1\t2)",
                           "u=1, x=@1",
                           "u=1, x=\"\x7f\"",
                           "u=1, x=\"\xc3\"",
                           "u=1, x=1234567890123.1",
                           "\tu=1",
                           "u=1, \xff"}) {
    EXPECT_EQ(Parsed(text), "--") << text;
  }
  EXPECT_EQ(Parsed(std::string("u=1\0", 4)), "--");
}

// At each cut the parser stops in time: every cut is in memory of its own, where reading on shows.
TEST(H2PriorityValue, EndsWhereItEnds) {
  const std::string whole = "a=\"x\\\\\";p=:YQ==:, u=5, c=(1.5 tok;r);s=?1, i=?1, z=-12.125";
  EXPECT_EQ(Parsed(whole), "5i");
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::string cut(whole.data(), size);
    Parsed(cut);
  }
}

TEST(H2PriorityValue, AParameterIsNoInnerList) {
  EXPECT_EQ(Parsed("u=5;q=(1)"), "--");
}

TEST(H2PriorityValue, AnyBytesGiveAValueInRange) {
  std::mt19937 random(1);
  static constexpr std::string_view kAlphabet = "ui=?01,; ()\"\\:-.7*a\t";
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const size_t size = random() % 24;
    while (text.size() < size) text.push_back(kAlphabet[random() % kAlphabet.size()]);
    EXPECT_LE(ParsePriorityValue(text).urgency, 7) << text;
    Parsed(text);
  }
}

TEST(H2PriorityValue, AResponseOverridesWhatItNames) {
  const PriorityValue request = ParsePriorityValue("u=5, i");
  PriorityValue merged = OverlayPriority(request, ParsePriorityValue("u=1"));
  EXPECT_EQ(merged.urgency, 1);
  EXPECT_TRUE(merged.incremental);
  merged = OverlayPriority(request, ParsePriorityValue("i=?0"));
  EXPECT_EQ(merged.urgency, 5);
  EXPECT_FALSE(merged.incremental);
  merged = OverlayPriority(request, ParsePriorityValue("nonsense,"));
  EXPECT_EQ(merged.urgency, 5);
  EXPECT_TRUE(merged.incremental);
}

}  // namespace
}  // namespace weir::h2
