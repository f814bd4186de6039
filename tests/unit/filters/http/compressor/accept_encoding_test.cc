#include "filters/http/compressor/accept_encoding.h"

#include <string_view>

#include <gtest/gtest.h>

namespace weir::filters {
namespace {

constexpr std::string_view kCodings[] = {"zstd", "br", "gzip"};

AcceptEncoding Read(std::string_view value) {
  AcceptEncoding accept;
  accept.Read(value, kCodings, 3);
  return accept;
}

TEST(AcceptEncodingTest, ACodingWithoutWeightIsWholeAndOneThatIsNotNamedIsNotAcceptable) {
  const AcceptEncoding accept = Read("gzip, deflate");
  EXPECT_EQ(accept.Weight(2), 1000);
  EXPECT_EQ(accept.Weight(0), 0);
  EXPECT_EQ(accept.identity(), -1);
}

TEST(AcceptEncodingTest, WeightsAreThousandths) {
  const AcceptEncoding accept = Read("gzip;q=0.5 , br; Q=0.125,zstd ;q=1.000");
  EXPECT_EQ(accept.Weight(2), 500);
  EXPECT_EQ(accept.Weight(1), 125);
  EXPECT_EQ(accept.Weight(0), 1000);
}

TEST(AcceptEncodingTest, ANamedCodingIsNotUnderTheWildcard) {
  const AcceptEncoding accept = Read("gzip;q=0, *;q=1");
  EXPECT_EQ(accept.Weight(2), 0);
  EXPECT_EQ(accept.Weight(1), 1000);
  EXPECT_EQ(Read("*;q=0, gzip").Weight(2), 1000);
  EXPECT_EQ(Read("*;q=0, gzip").Weight(0), 0);
}

TEST(AcceptEncodingTest, NamesHaveNoCaseAndXGzipIsGzip) {
  EXPECT_EQ(Read("GZIP").Weight(2), 1000);
  EXPECT_EQ(Read("x-gzip").Weight(2), 1000);
  EXPECT_EQ(Read("gzipped").Weight(2), 0);
}

TEST(AcceptEncodingTest, AWeightThatCannotBeReadIsNone) {
  for (const char* bad : {"gzip;q=2", "gzip;q=0.1234", "gzip;q=", "gzip;q=-1", "gzip;q=1.001",
                          "gzip;q=a", "gzip;q=0,5"}) {
    EXPECT_EQ(Read(bad).Weight(2), 0) << bad;
  }
}

TEST(AcceptEncodingTest, IdentityHasAWeightOfItsOwn) {
  EXPECT_EQ(Read("identity;q=0.7, gzip;q=0.2").identity(), 700);
  EXPECT_EQ(Read("identity;q=0").identity(), 0);
}

TEST(AcceptEncodingTest, JunkIsLeftOut) {
  const AcceptEncoding accept = Read(",,; ;q=1,\t, gzip;a=b;q=0.3;c,");
  EXPECT_TRUE(accept.seen());
  EXPECT_EQ(accept.Weight(2), 300);
}

}  // namespace
}  // namespace weir::filters
