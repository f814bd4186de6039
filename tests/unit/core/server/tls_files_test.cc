#include "core/server/tls_files.h"

#include <ctime>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/log.h"
#include "core/net/reactor.h"
#include "core/net/tls/server_contexts.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using net::tls::ServerTlsOptions;
using net::tls::TlsError;
using ::testing::HasSubstr;
using weir::test::CertificateRequest;
using weir::test::KeyType;
using weir::test::TestCertificate;

const TestCertificate& Authority() {
  static const TestCertificate authority = weir::test::MakeAuthority("Test Root");
  return authority;
}

TestCertificate Make(const std::string& name) {
  CertificateRequest request;
  request.common_name = name;
  request.names = {"DNS:" + name + ".example"};
  return weir::test::MakeCertificate(Authority(), request);
}

int tries = 0;

bool Try(const ServerTlsOptions& options, TlsError* error) {
  ++tries;
  net::Reactor reactor{0};
  base::SlabPool pool{0};
  const auto worker = std::make_unique<net::tls::TlsWorker>(&reactor, &pool);
  return net::tls::ServerContexts::Make(options, nullptr, worker.get(), nullptr, error) != nullptr;
}

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() {
    Put("a", first);
    Put("b", other);
    directory.Write("ca.pem", Authority().chain);
    tries = 0;
  }

  // One listener with the pairs a and b, and an authority.
  void Build() {
    for (const char* name : {"a", "b"}) {
      config::TlsCertificate& certificate = tls.certificates.emplace_back();
      certificate.certificate_chain.filename = directory.Path(std::string(name) + ".pem");
      certificate.private_key.filename = directory.Path(std::string(name) + ".key");
    }
    tls.trusted_ca.filename = directory.Path("ca.pem");
    files = std::make_unique<ServerTlsFiles>("listener", "web", tls, &registry, Try);
    auto options = std::make_shared<ServerTlsOptions>();
    options->certificates = {{{"a.pem", first.chain}, {"a.key", first.key}},
                             {{"b.pem", other.chain}, {"b.key", other.key}}};
    options->trusted_ca = {"ca.pem", Authority().chain};
    options->id_context = "web";
    files->Begin(std::move(options));
    number = files->number();
  }

  void Put(const std::string& name, const TestCertificate& pair) {
    directory.Replace(name + ".pem", pair.chain);
    directory.Replace(name + ".key", pair.key);
  }
  // A look, long after the files were written.
  std::string Look() { return files->Look(int64_t{1} << 62); }
  uint64_t Count(const char* what) {
    const auto id = registry.Define(std::string("listener.web.ssl.cert_reload_") + what,
                                    observe::StatKind::kCounter);
    return registry.main_block()->Get(id)->value();
  }
  bool Changed() { return files->number() != number; }

  const TestCertificate first = Make("first");
  const TestCertificate other = Make("other");
  const TestCertificate renewed = Make("renewed");
  test::TemporaryDirectory directory;
  observe::StatRegistry registry;
  config::TlsContext tls;
  std::unique_ptr<ServerTlsFiles> files;
  uint64_t number = 0;
};

TEST_F(TlsFilesTest, WhereNothingChangesNothingIsTried) {
  Build();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Look(), "");
  EXPECT_FALSE(Changed());
  EXPECT_EQ(tries, 0);
}

TEST_F(TlsFilesTest, ARenewedPairIsTakenAndNamed) {
  Build();
  Put("a", renewed);
  EXPECT_EQ(Look(), directory.Path("a.pem") + ", " + directory.Path("a.key"));
  EXPECT_TRUE(Changed());
  EXPECT_EQ(files->Get()->certificates[0].chain.text, renewed.chain);
  EXPECT_EQ(files->Get()->certificates[0].key.text, renewed.key);
  EXPECT_EQ(files->Get()->certificates[1].chain.text, other.chain);
  EXPECT_EQ(files->Get()->id_context, "web");
  EXPECT_EQ(Count("success"), 1u);
  EXPECT_EQ(Count("failure"), 0u);
  EXPECT_EQ(Look(), "");
}

TEST_F(TlsFilesTest, AKeyThatComesLaterEndsWithTheNewPair) {
  Build();
  directory.Replace("a.pem", renewed.chain);
  EXPECT_EQ(Look(), "");
  EXPECT_FALSE(Changed());
  const std::string error = files->Sources()[0].error;
  EXPECT_THAT(error, HasSubstr("not the key of the certificate"));
  EXPECT_EQ(Count("failure"), 1u);
  EXPECT_EQ(Look(), "") << "and is not tried again before something changes";
  EXPECT_EQ(Count("failure"), 1u);
  directory.Replace("a.key", renewed.key);
  EXPECT_NE(Look(), "");
  EXPECT_TRUE(Changed());
  EXPECT_EQ(files->Sources()[0].error, "");
  EXPECT_EQ(files->Sources()[0].pem, renewed.chain);
  EXPECT_EQ(Count("success"), 1u);
}

TEST_F(TlsFilesTest, AHalfWrittenFileKeepsThePairThatIsInUse) {
  Build();
  directory.Write("a.pem", renewed.chain.substr(0, renewed.chain.size() / 2));
  Look();
  EXPECT_FALSE(Changed());
  EXPECT_EQ(Count("failure"), 1u);
  EXPECT_EQ(files->Sources()[0].pem, first.chain) << "what is shown is what is used";
  directory.Write("a.pem", "");
  Look();
  EXPECT_THAT(files->Sources()[0].error, HasSubstr("it is empty"));
  directory.Remove("a.pem");
  Look();
  EXPECT_THAT(files->Sources()[0].error, HasSubstr("a.pem: there is no such file"));
  EXPECT_FALSE(Changed());
  Put("a", renewed);
  Look();
  EXPECT_TRUE(Changed());
}

TEST_F(TlsFilesTest, NoMessageHoldsWhatIsInAKey) {
  Build();
  directory.Write("a.key", renewed.key);
  Look();
  const std::string error = files->Sources()[0].error;
  ASSERT_NE(error, "");
  EXPECT_EQ(error.find("PRIVATE"), std::string::npos);
  EXPECT_EQ(error.find(renewed.key.substr(30, 20)), std::string::npos);
}

TEST_F(TlsFilesTest, WhatIsPutBackIsNoFailureAnyMore) {
  Build();
  directory.Write("a.key", "nothing");
  Look();
  EXPECT_NE(files->Sources()[0].error, "");
  directory.Write("a.key", first.key);
  EXPECT_EQ(Look(), "");
  EXPECT_EQ(files->Sources()[0].error, "");
  EXPECT_FALSE(Changed());
  EXPECT_EQ(Count("success"), 0u);
}

TEST_F(TlsFilesTest, ABrokenPairDoesNotKeepAnotherBack) {
  Build();
  directory.Write("a.key", "nothing");
  Put("b", renewed);
  EXPECT_EQ(Look(), directory.Path("b.pem") + ", " + directory.Path("b.key"));
  EXPECT_EQ(files->Get()->certificates[0].key.text, first.key);
  EXPECT_EQ(files->Get()->certificates[1].chain.text, renewed.chain);
  EXPECT_NE(files->Sources()[0].error, "");
  EXPECT_EQ(files->Sources()[1].error, "");
  EXPECT_EQ(Count("success"), 1u);
  EXPECT_EQ(Count("failure"), 1u);
}

TEST_F(TlsFilesTest, AuthoritiesAreTakenByThemselves) {
  Build();
  const TestCertificate another = weir::test::MakeAuthority("Another Root");
  directory.Replace("ca.pem", another.chain);
  EXPECT_EQ(Look(), directory.Path("ca.pem"));
  EXPECT_EQ(files->Get()->trusted_ca.text, another.chain);
  directory.Replace("ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_EQ(Look(), "");
  EXPECT_EQ(files->Get()->trusted_ca.text, another.chain);
  ASSERT_EQ(files->Sources().size(), 3u);
  EXPECT_TRUE(files->Sources()[2].authority);
  EXPECT_NE(files->Sources()[2].error, "");
  EXPECT_EQ(files->Sources()[0].error, "");
}

TEST_F(TlsFilesTest, WhatIsWrittenTwiceInOneTickOfTheClockIsSeen) {
  Build();
  Put("a", renewed);
  // At the very time of the write, in which the clock may stand still.
  const auto soon = static_cast<int64_t>(std::time(nullptr)) * 1'000'000'000;
  files->Look(soon);
  EXPECT_TRUE(Changed());
  const int before = tries;
  files->Look(soon);
  EXPECT_EQ(tries, before) << "it is read again, and found to be the same";
}

TEST_F(TlsFilesTest, AThousandChangesKeepOneSetOfOptions) {
  Build();
  std::weak_ptr<const ServerTlsOptions> last;
  base::SetLogLevel(base::LogLevel::kWarn);
  for (int i = 0; i < 1000; ++i) {
    Put("a", i % 2 == 0 ? renewed : first);
    last = files->Get();
    ASSERT_NE(Look(), "") << i;
    EXPECT_TRUE(last.expired()) << i;
  }
  EXPECT_EQ(Count("success"), 1000u);
}

}  // namespace
}  // namespace weir::server
