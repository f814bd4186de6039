#pragma once

#include <string>
#include <vector>

// Certificates for tests, made anew each time: no key is kept anywhere.

namespace weir::test {

struct TestCertificate {
  std::string chain;  // PEM, leaf first
  std::string key;    // PEM
};

// kEd25519: its signatures all have one length.
enum class KeyType { kEcdsa, kRsa, kEd25519 };

// Whether it lasts from two months ago, or from a fixed day to a fixed day: then it is the same
// whenever it is made, where OpenSSL's random bytes are.
enum class Lasts { kFromNow, kFixed };

// An authority of the given name.
TestCertificate MakeAuthority(const std::string& name, Lasts lasts = Lasts::kFromNow);

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> names;  // subjectAltName: "DNS:a.example", "IP:127.0.0.1"
  KeyType key = KeyType::kEcdsa;
  int days = 30;  // negative: it has expired
  Lasts lasts = Lasts::kFromNow;
};
TestCertificate MakeCertificate(const TestCertificate& authority,
                                const CertificateRequest& request);

// The key, sealed with a pass phrase.
std::string EncryptKey(const std::string& key, const std::string& pass_phrase);

}  // namespace weir::test
