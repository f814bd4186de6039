#include "core/explain/certificate_facts.h"

#include <gtest/gtest.h>

namespace weir::explain {
namespace {

TEST(CertificateFacts, AWildcardStandsForOneLabel) {
  CertificateFacts facts;
  facts.names = {"example.com", "*.example.com", "10.0.0.1"};
  for (const char* host : {"example.com", "EXAMPLE.com", "a.example.com", "10.0.0.1"})
    EXPECT_TRUE(NamesHost(facts, host)) << host;
  for (const char* host : {"a.b.example.com", ".example.com", "example.org", "xexample.com", ""})
    EXPECT_FALSE(NamesHost(facts, host)) << host;
}

TEST(CertificateFacts, DaysAreWholeAndNegativeOnceTheyHavePassed) {
  EXPECT_EQ(DaysUntil(86'400 * 3, 0), 3);
  EXPECT_EQ(DaysUntil(86'400 * 3 - 1, 0), 2);
  EXPECT_EQ(DaysUntil(1, 0), 0);
  EXPECT_EQ(DaysUntil(0, 1), -1);
  EXPECT_EQ(DaysUntil(0, 86'400), -1);
  EXPECT_EQ(DaysUntil(0, 86'401), -2);
}

TEST(CertificateFacts, WhatIsNoCertificateIsSaid) {
  config::PemSource source;
  source.inline_string = "nothing";
  EXPECT_FALSE(ReadCertificate(source).ok);
  EXPECT_EQ(ReadCertificate(source).error, "has no certificate");
  source.filename = "/nonexistent/cert.pem";
  EXPECT_EQ(ReadCertificate(source).error, "cannot be read");
}

}  // namespace
}  // namespace weir::explain
