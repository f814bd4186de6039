#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::admin {

// What a certificate says of itself.
struct CertificateFacts {
  std::string subject;
  std::string serial_number;                   // lower case hexadecimal
  std::vector<std::string> subject_alt_names;  // DNS names and IP addresses
  int64_t not_before_unix_s = 0;
  int64_t not_after_unix_s = 0;
};

// Every certificate of a PEM text, in order, at most `most`.
std::vector<CertificateFacts> ReadCertificates(std::string_view pem, size_t most);

// Whole days from now until then, rounded towards the past: 0 on the last day, negative once it is
// over.
int64_t DaysUntil(int64_t then_unix_s, int64_t now_unix_s);

// "2026-11-22T20:00:00Z"
std::string UtcTime(int64_t unix_s);

}  // namespace weir::admin
