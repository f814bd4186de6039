#pragma once

#include <memory>

#include "core/config/tls_config.h"
#include "tests/support/test_certificates.h"

namespace weir::sim {

// The certificates of all runs, made once for the program, and the configuration of a worker that
// uses them.
struct SimCertificates {
  static constexpr const char* kName = "sim.example";

  test::TestCertificate authority;
  test::TestCertificate site;  // for kName

  static const SimCertificates& Made();
  static std::shared_ptr<const config::TlsContext> Listener();
  static std::shared_ptr<const config::TlsContext> Cluster();
};

}  // namespace weir::sim
