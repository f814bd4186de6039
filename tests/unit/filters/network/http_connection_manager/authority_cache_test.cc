#include <string>

#include <gtest/gtest.h>

#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {
namespace {

TEST(AuthorityCache, KnowsWhatWasAddedAndNothingElse) {
  AuthorityCache cache;
  EXPECT_FALSE(cache.Has("example.com"));
  cache.Add("example.com");
  EXPECT_TRUE(cache.Has("example.com"));
  EXPECT_FALSE(cache.Has("example.con"));
  EXPECT_FALSE(cache.Has("example.co"));
  EXPECT_FALSE(cache.Has("Example.com"));
}

TEST(AuthorityCache, OneSlotHoldsTheLastOne) {
  AuthorityCache cache;
  // Alike in all that the slot depends on: length, first, middle and last byte.
  cache.Add("a-x-bcd-z");
  cache.Add("a-y-bcd-z");
  EXPECT_TRUE(cache.Has("a-y-bcd-z"));
  EXPECT_FALSE(cache.Has("a-x-bcd-z"));
}

TEST(AuthorityCache, LongOnesAreNotKept) {
  AuthorityCache cache;
  const std::string fits(63, 'a');
  const std::string longer(64, 'a');
  const std::string much_longer(63 + 256, 'a');
  cache.Add(fits);
  cache.Add(longer);
  cache.Add(much_longer);
  EXPECT_TRUE(cache.Has(fits));
  EXPECT_FALSE(cache.Has(longer));
  EXPECT_FALSE(cache.Has(much_longer)) << "a size of one byte must not take it for another";
}

TEST(AuthorityCache, ASingleByteIsAName) {
  AuthorityCache cache;
  cache.Add("a");
  EXPECT_TRUE(cache.Has("a"));
  EXPECT_FALSE(cache.Has("b"));
}

}  // namespace
}  // namespace weir::hcm
