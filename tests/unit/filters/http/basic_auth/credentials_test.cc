#include "filters/http/basic_auth/credentials.h"

#include <string>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace weir::filters {
namespace {

using Problem = Credentials::Problem;

std::string Base64(const std::string& text) {
  std::string out(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

TEST(CredentialsTest, TheNameEndsAtTheFirstColon) {
  Credentials credentials;
  EXPECT_EQ(credentials.Parse("Basic " + Base64("user:pass:word")), Problem::kNone);
  EXPECT_EQ(credentials.user, "user");
  EXPECT_EQ(credentials.password, "pass:word");
}

TEST(CredentialsTest, TheSchemeHasNoCaseAndMayBeFollowedByBlanks) {
  Credentials credentials;
  EXPECT_EQ(credentials.Parse("bASIC   " + Base64("a:")), Problem::kNone);
  EXPECT_EQ(credentials.password, "");
}

TEST(CredentialsTest, OtherSchemesAreSaidToBeOthers) {
  for (const char* field :
       {"", "Bearer abc", "Basi", "BasicYTpi", "Negotiate YTpi", "Basic\tYTpi"}) {
    EXPECT_EQ(Credentials().Parse(field), Problem::kScheme) << field;
  }
}

TEST(CredentialsTest, WhatIsNoBase64OrHasNoColonIsRefused) {
  for (const std::string& field :
       {std::string("Basic"), std::string("Basic "), std::string("Basic YTpi="),
        std::string("Basic YTp"), std::string("Basic YTpi YTpi"), std::string("Basic Y-pi"),
        std::string("Basic YTpj="), "Basic " + Base64("nocolon"), "Basic " + Base64(":password"),
        // Bits beyond the last byte: two texts of one meaning.
        std::string("Basic YTp=")}) {
    EXPECT_EQ(Credentials().Parse(field), Problem::kFormat) << field;
  }
}

TEST(CredentialsTest, ControlCharactersWouldEndAPasswordEarly) {
  for (const std::string& text :
       {std::string("a:b\0c", 5), std::string("a\n:b"), std::string("a:\x7f")}) {
    EXPECT_EQ(Credentials().Parse("Basic " + Base64(text)), Problem::kFormat);
  }
}

TEST(CredentialsTest, BytesAboveAsciiAreKept) {
  Credentials credentials;
  EXPECT_EQ(credentials.Parse("Basic " + Base64("j\xc3\xbcrgen:p\xc3\xa4ss")), Problem::kNone);
  EXPECT_EQ(credentials.user, "j\xc3\xbcrgen");
}

TEST(CredentialsTest, LengthsAreBounded) {
  const std::string name(kMaxUserName, 'n');
  const std::string password(kMaxPassword, 'p');
  EXPECT_EQ(Credentials().Parse("Basic " + Base64(name + ":" + password)), Problem::kNone);
  EXPECT_EQ(Credentials().Parse("Basic " + Base64(name + "n:p")), Problem::kFormat);
  EXPECT_EQ(Credentials().Parse("Basic " + Base64("n:p" + password)), Problem::kFormat);
  EXPECT_EQ(Credentials().Parse("Basic " + std::string(100000, 'A')), Problem::kFormat);
}

}  // namespace
}  // namespace weir::filters
