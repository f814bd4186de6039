#include "core/http/route/path_regex.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

std::unique_ptr<const PathRegex> Compiled(std::string_view pattern) {
  std::string error;
  auto regex = PathRegex::Compile(pattern, &error);
  EXPECT_NE(regex, nullptr) << error;
  return regex;
}

TEST(PathRegex, MatchesTheWholePathOnly) {
  const auto regex = Compiled("/admin");
  EXPECT_TRUE(regex->Matches("/admin"));
  EXPECT_FALSE(regex->Matches("/x/admin"));
  EXPECT_FALSE(regex->Matches("/admin/x"));
  const auto either = Compiled("/a|/b");
  EXPECT_TRUE(either->Matches("/b"));
  EXPECT_FALSE(either->Matches("/ab"));
  EXPECT_FALSE(either->Matches("/x/b"));
}

TEST(PathRegex, AByteIsACharacter) {
  const auto regex = Compiled("/a.");
  EXPECT_TRUE(regex->Matches("/a\xff"));
  EXPECT_TRUE(regex->Matches("/a\xe9"));
  EXPECT_FALSE(regex->Matches("/a\xc3\xa9"));
}

TEST(PathRegex, AWrongPatternSaysWhy) {
  for (const char* pattern : {"(", "[a", "a**", "(?<x", "\\8", "(?=a)", "a{1001}"}) {
    std::string error;
    EXPECT_EQ(PathRegex::Compile(pattern, &error), nullptr) << pattern;
    EXPECT_FALSE(error.empty()) << pattern;
  }
}

TEST(PathRegex, ATooLargeProgramIsRefused) {
  std::string pattern;
  std::string error;
  for (int i = 0; i < 8; ++i) pattern += "[a-z]{900}/";
  EXPECT_NE(PathRegex::Compile(pattern, &error), nullptr) << error;
  pattern += pattern;
  EXPECT_EQ(PathRegex::Compile(pattern, &error), nullptr);
  EXPECT_NE(error.find("too large: 14420 instructions, at most 10000"), std::string::npos) << error;
  for (int i = 0; i < 4; ++i) pattern += pattern;
  EXPECT_EQ(PathRegex::Compile(pattern, &error), nullptr) << "beyond RE2's own bound";
  EXPECT_EQ(PathRegex::Compile("((a{30}){30}b){2}", &error), nullptr);
}

TEST(PathRegex, NestedRepetitionTakesNoLongerThanTheTextIsLong) {
  const auto regex = Compiled("/(a*)*(a|aa)+b");
  EXPECT_FALSE(regex->Matches("/" + std::string(60000, 'a')));
  EXPECT_TRUE(regex->Matches("/" + std::string(60000, 'a') + "b"));
}

}  // namespace
}  // namespace weir::http
