#include "plugins/util/token.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace weir::util {
namespace {

TEST(TokenTest, EveryKnownNameIsFoundUnderItsNumber) {
  for (uint16_t token = 1; token < WEIR_TOKEN_COUNT; ++token) {
    EXPECT_EQ(FindToken(TokenName(token)), token) << TokenName(token);
  }
}

TEST(TokenTest, NamesAreUnique) {
  std::set<std::string_view> seen;
  for (uint16_t token = 1; token < WEIR_TOKEN_COUNT; ++token) {
    EXPECT_TRUE(seen.insert(TokenName(token)).second) << TokenName(token);
  }
}

TEST(TokenTest, ANameThatDiffersInOneByteIsUnknown) {
  std::set<std::string_view> names;
  for (uint16_t token = 1; token < WEIR_TOKEN_COUNT; ++token) names.insert(TokenName(token));
  for (const std::string_view name : names) {
    for (size_t i = 0; i < name.size(); ++i) {
      std::string other(name);
      other[i] = other[i] == 'q' ? 'z' : 'q';
      if (names.count(other) == 0) {
        EXPECT_EQ(FindToken(other), WEIR_TOKEN_UNKNOWN) << other;
      }
    }
    for (const std::string& other : {std::string(name) + "x", std::string(name.substr(1))}) {
      if (names.count(other) == 0) {
        EXPECT_EQ(FindToken(other), WEIR_TOKEN_UNKNOWN) << other;
      }
    }
  }
}

TEST(TokenTest, OddNamesAreUnknown) {
  EXPECT_EQ(FindToken("", 0), WEIR_TOKEN_UNKNOWN);
  EXPECT_EQ(FindToken("Host"), WEIR_TOKEN_UNKNOWN) << "names are lower case";
  EXPECT_EQ(FindToken(std::string(100000, 'a')), WEIR_TOKEN_UNKNOWN);
  EXPECT_TRUE(TokenName(WEIR_TOKEN_UNKNOWN).empty());
  EXPECT_TRUE(TokenName(WEIR_TOKEN_UNSET).empty());
}

TEST(TokenTest, FramingNamesAreOneRange) {
  EXPECT_TRUE(IsFramingToken(FindToken("content-length")));
  EXPECT_TRUE(IsFramingToken(FindToken("http2-settings")));
  EXPECT_TRUE(IsFramingToken(FindToken("host")));
  EXPECT_FALSE(IsFramingToken(FindToken("accept")));
  EXPECT_FALSE(IsFramingToken(FindToken("trailer")));
  EXPECT_FALSE(IsFramingToken(WEIR_TOKEN_UNKNOWN));
  EXPECT_FALSE(IsFramingToken(WEIR_TOKEN_UNSET));
  EXPECT_TRUE(WEIR_TOKEN_IS_FRAMING(WEIR_TOKEN_HOST));
  EXPECT_FALSE(WEIR_TOKEN_IS_FRAMING(WEIR_TOKEN_UNKNOWN));
}

}  // namespace
}  // namespace weir::util
