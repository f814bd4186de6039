#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/tls_config.h"

// What people want to know of a certificate. Config time only.

namespace weir::explain {

struct CertificateFacts {
  bool ok = false;
  std::string error;               // why not ok
  std::string subject;             // the common name; else the whole subject
  std::vector<std::string> names;  // DNS names and IP addresses that it is for
  int64_t not_before = 0;          // seconds since 1970
  int64_t not_after = 0;
};

// The first certificate of the source. Its file is read.
CertificateFacts ReadCertificate(const config::PemSource& source);
// Every certificate of the source, in order; at most one, not ok, when nothing can be read.
std::vector<CertificateFacts> ReadCertificates(const config::PemSource& source);

// Whether one of the names is the host's: "*" stands for one label.
bool NamesHost(const CertificateFacts& facts, std::string_view host);

// Whole days until the moment; negative when it has passed.
int64_t DaysUntil(int64_t moment, int64_t now);

}  // namespace weir::explain
