#include "filters/http/basic_auth/password_hash.h"

#include <string>

#include <gtest/gtest.h>
#include <openssl/sha.h>

namespace weir::filters {
namespace {

void Sha1(const std::uint8_t* in, std::size_t size, std::uint8_t out[20]) {
  SHA1(in, size, out);
}

constexpr char kSha512[] =
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/"
    "1GM/O6IND4WQhG.";

// All of "secret", made by htpasswd and openssl passwd.
constexpr const char* kHashes[] = {
    "$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza",
    "$2a$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza",
    "$2b$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza",
    "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
    kSha512,
    "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
};

TEST(PasswordHashTest, EachKindKnowsItsPassword) {
  for (const char* text : kHashes) {
    PasswordHash hash;
    ASSERT_EQ(hash.Parse(text), nullptr) << text;
    EXPECT_TRUE(hash.Matches("secret", Sha1)) << text;
    for (const char* wrong : {"", "Secret", "secret ", "secre"}) {
      EXPECT_FALSE(hash.Matches(wrong, Sha1)) << text << " " << wrong;
    }
  }
}

TEST(PasswordHashTest, WhatCannotBeAHashIsSaidToBeNone) {
  for (const std::string text :
       {"", "secret", "$apr1$1Pww6Lb3$VI0Ppqc49d.9PrbOZPdiy/", "{SHA}", "{SHA}5en6G6MezRroT3XKqk",
        "$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtz",
        "$2y$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwt!",
        "$2y$31$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza",
        "$2y$03$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza",
        "$2x$04$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza", "$5$", "$5$salt",
        "$5$salt$short", "$5$rounds=999999999$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.",
        "$5$rounds=10$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.", "$1$salt$abc"}) {
    PasswordHash hash;
    EXPECT_NE(hash.Parse(text), nullptr) << text;
  }
}

TEST(PasswordHashTest, MethodAndRoundsAreTheCost) {
  PasswordHash bcrypt, sha, sha256;
  ASSERT_EQ(bcrypt.Parse("$2y$12$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza"), nullptr);
  ASSERT_EQ(sha.Parse(kHashes[5]), nullptr);
  ASSERT_EQ(sha256.Parse(kHashes[3]), nullptr);
  EXPECT_TRUE(bcrypt.CostsLike(bcrypt));
  EXPECT_FALSE(bcrypt.CostsLike(sha256));
  EXPECT_FALSE(sha256.CostsLike(sha));
  PasswordHash cheaper;
  ASSERT_EQ(cheaper.Parse("$2y$11$7mtZ5q.sclIvC2G6CUJC4eRkulBdbzkLtiQuQ4wJMv7RbAjOfwtza"), nullptr);
  EXPECT_FALSE(bcrypt.CostsLike(cheaper));
}

TEST(PasswordHashTest, EqualityLooksAtAllBytes) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abc", "xbc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abcd"));
}

}  // namespace
}  // namespace weir::filters
