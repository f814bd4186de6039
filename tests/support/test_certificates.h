#pragma once

#include <string>
#include <vector>

// Certificates for tests, made anew each time: no key is kept anywhere.

namespace weir::test {

struct TestCertificate {
  std::string chain;  // PEM, leaf first
  std::string key;    // PEM
};

enum class KeyType { kEcdsa, kRsa };

// An authority of the given name.
TestCertificate MakeAuthority(const std::string& name);

struct CertificateRequest {
  std::string common_name;
  std::vector<std::string> names;  // subjectAltName: "DNS:a.example", "IP:127.0.0.1"
  KeyType key = KeyType::kEcdsa;
  int days = 30;  // negative: it has expired
};
TestCertificate MakeCertificate(const TestCertificate& authority,
                                const CertificateRequest& request);

// The key, sealed with a pass phrase.
std::string EncryptKey(const std::string& key, const std::string& pass_phrase);

}  // namespace weir::test
