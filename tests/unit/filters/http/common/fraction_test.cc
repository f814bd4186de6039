#include "filters/http/common/fraction.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_host.h"
#include "tests/unit/filters/http/common/loaded.h"

namespace weir::filters {
namespace {

using ::testing::HasSubstr;

const sdk::Host kHost(kit::FakeHost(), "test");

int HitsOf10000(const Fraction& fraction) {
  int hits = 0;
  for (int i = 0; i < 10000; ++i) hits += fraction.Draw(kHost) ? 1 : 0;
  return hits;
}

int HitsOf10000(const std::string& yaml) {
  const Loaded<Fraction> fraction(yaml);
  EXPECT_TRUE(fraction.ok()) << fraction.errors();
  return HitsOf10000(*fraction);
}

TEST(FractionTest, NoneAndAllAreCertain) {
  EXPECT_EQ(HitsOf10000("{}"), 0);
  EXPECT_EQ(HitsOf10000("{numerator: 0, denominator: MILLION}"), 0);
  EXPECT_EQ(HitsOf10000("{numerator: 100}"), 10000);
  EXPECT_EQ(HitsOf10000("{numerator: 4294967295, denominator: TEN_THOUSAND}"), 10000);
  EXPECT_EQ(HitsOf10000(Fraction()), 0);
  EXPECT_EQ(HitsOf10000(Fraction::All()), 10000);
}

TEST(FractionTest, APartIsAboutThatPart) {
  EXPECT_NEAR(HitsOf10000("{numerator: 25, denominator: HUNDRED}"), 2500, 300);
  EXPECT_NEAR(HitsOf10000("{numerator: 500, denominator: TEN_THOUSAND}"), 500, 150);
  EXPECT_NEAR(HitsOf10000("{numerator: 990000, denominator: MILLION}"), 9900, 60);
}

TEST(FractionTest, AnotherNumeratorIsNoLarger) {
  const Loaded<Fraction> half("{numerator: 50}");
  EXPECT_NEAR(HitsOf10000(half->AtMost(100)), 5000, 300);
  EXPECT_NEAR(HitsOf10000(half->AtMost(10)), 1000, 200);
  EXPECT_EQ(HitsOf10000(half->AtMost(0)), 0);
}

TEST(FractionTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Loaded<Fraction>("{numerator: -1}").errors(), HasSubstr("1:13: "));
  EXPECT_THAT(Loaded<Fraction>("{denominator: TEN}").errors(), HasSubstr("is none of HUNDRED"));
  EXPECT_THAT(Loaded<Fraction>("50").errors(), HasSubstr("must be a mapping"));
  EXPECT_THAT(Loaded<Fraction>("{numerators: 1}").errors(), HasSubstr("\"numerators\""));
}

}  // namespace
}  // namespace weir::filters
