#include "filters/http/basic_auth/credential_cache.h"

#include <gtest/gtest.h>

namespace weir::filters {
namespace {

CredentialMac Mac(std::uint8_t n) {
  CredentialMac mac{};
  mac[0] = n;
  mac[31] = n;
  return mac;
}

TEST(CredentialCacheTest, WhatWasAddedIsThereUntilItsTime) {
  CredentialCache cache;
  cache.Add(Mac(1), 100, 10);
  EXPECT_TRUE(cache.Has(Mac(1), 99));
  EXPECT_FALSE(cache.Has(Mac(2), 99));
  EXPECT_FALSE(cache.Has(Mac(1), 100));
  EXPECT_EQ(cache.size(), 0u);
}

TEST(CredentialCacheTest, TheLeastRecentlyUsedOneGoesFirst) {
  CredentialCache cache;
  for (std::uint8_t n = 1; n <= 3; ++n) cache.Add(Mac(n), 100, 3);
  EXPECT_TRUE(cache.Has(Mac(1), 0));
  cache.Add(Mac(4), 100, 3);
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_TRUE(cache.Has(Mac(1), 0));
  EXPECT_FALSE(cache.Has(Mac(2), 0));
}

TEST(CredentialCacheTest, AddedAgainItLivesLonger) {
  CredentialCache cache;
  cache.Add(Mac(1), 100, 3);
  cache.Add(Mac(1), 200, 3);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_TRUE(cache.Has(Mac(1), 150));
}

TEST(CredentialCacheTest, NoRoomMeansNoCache) {
  CredentialCache cache;
  cache.Add(Mac(1), 100, 0);
  EXPECT_FALSE(cache.Has(Mac(1), 0));
}

}  // namespace
}  // namespace weir::filters
