#include "tests/support/test_certificates.h"

#include <memory>
#include <stdexcept>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

namespace weir::test {
namespace {

template <class T>
T* Need(T* made) {
  if (made == nullptr) throw std::runtime_error("OpenSSL did not make a test certificate");
  return made;
}

template <class T, class Write>
std::string ToPem(T* object, Write write) {
  BIO* bio = Need(BIO_new(BIO_s_mem()));
  write(bio, object);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

std::string KeyPem(EVP_PKEY* key) {
  return ToPem(key, [](BIO* bio, EVP_PKEY* k) {
    PEM_write_bio_PrivateKey(bio, k, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

template <class Read>
auto FromPem(const std::string& pem, Read read) {
  BIO* bio = Need(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto* made = Need(read(bio));
  BIO_free(bio);
  return made;
}

EVP_PKEY* ReadKey(const std::string& pem) {
  return FromPem(pem,
                 [](BIO* bio) { return PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr); });
}

EVP_PKEY* NewKey(KeyType type) {
  switch (type) {
    case KeyType::kRsa:
      return EVP_RSA_gen(2048);
    case KeyType::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::kEcdsa:
      break;
  }
  return EVP_EC_gen("P-256");
}

// Takes neither key. issuer null: it signs itself.
TestCertificate Make(const CertificateRequest& request, EVP_PKEY* key, X509* issuer,
                     EVP_PKEY* issuer_key) {
  X509* cert = Need(X509_new());
  X509_set_version(cert, X509_VERSION_3);
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1);
  constexpr long kDay = 24 * 3600;
  X509_gmtime_adj(X509_getm_notBefore(cert), -60 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(cert), request.days * kDay);
  if (request.lasts == Lasts::kFixed) {
    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20200101000000Z");
    ASN1_TIME_set_string(X509_getm_notAfter(cert), "20991231235959Z");
  }
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(request.common_name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer == nullptr ? cert : issuer));
  X509_set_pubkey(cert, key);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer == nullptr ? cert : issuer, cert, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const std::string& value) {
    X509_EXTENSION* extension = Need(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  };
  extend(NID_basic_constraints, issuer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  if (issuer == nullptr) extend(NID_key_usage, "critical,keyCertSign,cRLSign");
  std::string names;
  for (const std::string& name : request.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(NID_subject_alt_name, names);
  if (X509_sign(cert, issuer_key, EVP_sha256()) == 0)
    throw std::runtime_error("OpenSSL did not sign a test certificate");
  TestCertificate made{ToPem(cert, [](BIO* bio, X509* c) { PEM_write_bio_X509(bio, c); }),
                       KeyPem(key)};
  X509_free(cert);
  return made;
}

}  // namespace

TestCertificate MakeAuthority(const std::string& name, Lasts lasts) {
  EVP_PKEY* key = Need(EVP_EC_gen("P-256"));
  CertificateRequest request;
  request.common_name = name;
  request.lasts = lasts;
  TestCertificate made = Make(request, key, nullptr, key);
  EVP_PKEY_free(key);
  return made;
}

TestCertificate MakeCertificate(const TestCertificate& authority,
                                const CertificateRequest& request) {
  EVP_PKEY* key = Need(NewKey(request.key));
  X509* issuer = FromPem(
      authority.chain, [](BIO* bio) { return PEM_read_bio_X509(bio, nullptr, nullptr, nullptr); });
  EVP_PKEY* issuer_key = ReadKey(authority.key);
  TestCertificate made = Make(request, key, issuer, issuer_key);
  X509_free(issuer);
  EVP_PKEY_free(issuer_key);
  EVP_PKEY_free(key);
  return made;
}

std::string EncryptKey(const std::string& key, const std::string& pass_phrase) {
  EVP_PKEY* opened = ReadKey(key);
  BIO* bio = Need(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio, opened, EVP_aes_256_cbc(), pass_phrase.c_str(),
                                static_cast<int>(pass_phrase.size()), nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  EVP_PKEY_free(opened);
  return text;
}

}  // namespace weir::test
