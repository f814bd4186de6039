#include "filters/http/common/cidr_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/filters/http/common/loaded.h"

namespace weir::filters {
namespace {

using ::testing::HasSubstr;

void ExpectRange(const char* yaml, const char* ip, unsigned length) {
  const Loaded<CidrRange> range(yaml);
  ASSERT_TRUE(range.ok()) << yaml << ": " << range.errors();
  EXPECT_EQ(range->ip, *util::ParseIp(ip)) << yaml;
  EXPECT_EQ(range->length, length) << yaml;
}

TEST(CidrRangeTest, EnvoysFormAndTheShortOne) {
  ExpectRange("{address_prefix: 10.0.0.0, prefix_len: 8}", "10.0.0.0", 8);
  ExpectRange("10.0.0.0/8", "10.0.0.0", 8);
  ExpectRange("10.1.2.3", "10.1.2.3", 32);
  ExpectRange("'2001:db8::/32'", "2001:db8::", 32);
  ExpectRange("'::1'", "::1", 128);
  ExpectRange("0.0.0.0/0", "0.0.0.0", 0);
}

TEST(CidrRangeTest, BitsBeyondThePrefixAreCleared) {
  ExpectRange("10.1.2.3/8", "10.0.0.0", 8);
  ExpectRange("{address_prefix: '2001:db8::ffff', prefix_len: 33}", "2001:db8::", 33);
}

TEST(CidrRangeTest, AMappedPrefixIsOneOfIpv4) {
  ExpectRange("'::ffff:10.0.0.0/104'", "10.0.0.0", 8);
  ExpectRange("'::ffff:10.0.0.1'", "10.0.0.1", 32);
}

TEST(CidrRangeTest, MistakesAreNamedAtTheirPlace) {
  const auto errors = [](const char* yaml) { return Loaded<CidrRange>(yaml).errors(); };
  EXPECT_THAT(errors("10.0.0.0/33"), HasSubstr("1:1: the filter: a prefix of 33 bits"));
  EXPECT_THAT(errors("10.0.0.0/"), HasSubstr("no prefix length after the /"));
  EXPECT_THAT(errors("10.0.0.0/8x"), HasSubstr("no prefix length"));
  EXPECT_THAT(errors("10.0.0/8"), HasSubstr("is no IP address; expected as 10.0.0.0/8"));
  EXPECT_THAT(errors("{prefix_len: 8}"), HasSubstr("needs address_prefix"));
  EXPECT_THAT(errors("{address_prefix: 10.0.0.0}"), HasSubstr("it would hold every address"));
  EXPECT_THAT(errors("{address_prefix: 10.0.0.0, prefix_len: 33}"),
              HasSubstr("a prefix of 33 bits"));
  EXPECT_THAT(errors("{address_prefix: 10.0.0.0, prefix_len: 8, len: 1}"), HasSubstr("\"len\""));
}

}  // namespace
}  // namespace weir::filters
