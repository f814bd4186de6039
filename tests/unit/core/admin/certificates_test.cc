#include "core/admin/certificates.h"

#include <gtest/gtest.h>

namespace weir::admin {
namespace {

TEST(CertificatesTest, DaysAreWholeOnesThatAreLeft) {
  constexpr int64_t kDay = 86'400;
  EXPECT_EQ(DaysUntil(1000 + 2 * kDay, 1000), 2);
  EXPECT_EQ(DaysUntil(1000 + kDay - 1, 1000), 0);
  EXPECT_EQ(DaysUntil(1000, 1000), 0);
  EXPECT_EQ(DaysUntil(999, 1000), -1) << "it is over";
  EXPECT_EQ(DaysUntil(1000 - kDay, 1000), -1);
  EXPECT_EQ(DaysUntil(1000 - kDay - 1, 1000), -2);
}

TEST(CertificatesTest, WhatIsNoCertificateIsNone) {
  EXPECT_TRUE(ReadCertificates("", 10).empty());
  EXPECT_TRUE(ReadCertificates("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 10)
                  .empty());
}

TEST(CertificatesTest, TimesAreUtc) {
  EXPECT_EQ(UtcTime(0), "1970-01-01T00:00:00Z");
}

}  // namespace
}  // namespace weir::admin
