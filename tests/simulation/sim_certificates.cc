#include "tests/simulation/sim_certificates.h"

#include <string>
#include <utility>

#include "tests/support/seeded_openssl.h"

namespace weir::sim {
namespace {

config::PemSource Inline(const std::string& text) {
  config::PemSource source;
  source.inline_string = text;
  return source;
}

}  // namespace

const SimCertificates& SimCertificates::Made() {
  static const SimCertificates made = [] {
    test::SeedOpenSsl(1);
    SimCertificates c;
    c.authority = test::MakeAuthority("Sim Root", test::Lasts::kFixed);
    // What it signs may hold the time, in a ticket that was sealed; its length must not.
    c.site = test::MakeCertificate(
        c.authority, {kName, {"DNS:sim.example"}, test::KeyType::kEd25519, 0, test::Lasts::kFixed});
    return c;
  }();
  return made;
}

std::shared_ptr<const config::TlsContext> SimCertificates::Listener() {
  auto tls = std::make_shared<config::TlsContext>();
  config::TlsCertificate certificate;
  certificate.certificate_chain = Inline(Made().site.chain);
  certificate.private_key = Inline(Made().site.key);
  tls->certificates.push_back(std::move(certificate));
  return tls;
}

std::shared_ptr<const config::TlsContext> SimCertificates::Cluster() {
  auto tls = std::make_shared<config::TlsContext>();
  tls->trusted_ca = Inline(Made().authority.chain);
  tls->sni = kName;
  return tls;
}

}  // namespace weir::sim
