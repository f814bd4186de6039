#include "core/admin/certificates.h"

#include <ctime>
#include <memory>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/config/address.h"

namespace weir::admin {
namespace {

template <class T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* object) const { Free(object); }
};
void FreeBio(BIO* bio) {
  BIO_free(bio);
}
void FreeText(char* text) {
  OPENSSL_free(text);
}
using BioPtr = std::unique_ptr<BIO, Deleter<BIO, FreeBio>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Deleter<BIGNUM, BN_free>>;
using TextPtr = std::unique_ptr<char, Deleter<char, FreeText>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES, GENERAL_NAMES_free>>;

int64_t UnixTime(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return timegm(&parts);
}

std::string Subject(const X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (out == nullptr) return "";
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : "";
}

std::string Serial(const X509* certificate) {
  const NumberPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  const TextPtr hex(number == nullptr ? nullptr : BN_bn2hex(number.get()));
  std::string text = hex == nullptr ? "" : hex.get();
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string IpText(const ASN1_STRING* bytes) {
  config::Address address;
  const int size = ASN1_STRING_length(bytes);
  if (size != 4 && size != 16) return "";
  address.kind = size == 4 ? config::Address::Kind::kIpv4 : config::Address::Kind::kIpv6;
  const unsigned char* data = ASN1_STRING_get0_data(bytes);
  std::copy(data, data + size, address.ip.begin());
  std::string text = address.ToString();
  text.resize(text.rfind(':'));
  return text.front() == '[' ? text.substr(1, text.size() - 2) : text;
}

std::vector<std::string> AltNames(const X509* certificate) {
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> texts;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS || name->type == GEN_URI) {
      const ASN1_STRING* text = name->d.ia5;
      texts.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                         static_cast<size_t>(ASN1_STRING_length(text)));
    } else if (name->type == GEN_IPADD) {
      texts.push_back(IpText(name->d.iPAddress));
    }
  }
  return texts;
}

}  // namespace

std::vector<CertificateFacts> ReadCertificates(std::string_view pem, size_t most) {
  std::vector<CertificateFacts> all;
  const BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (in != nullptr && all.size() < most) {
    const CertificatePtr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) break;
    CertificateFacts facts;
    facts.subject = Subject(certificate.get());
    facts.serial_number = Serial(certificate.get());
    facts.subject_alt_names = AltNames(certificate.get());
    facts.not_before_unix_s = UnixTime(X509_get0_notBefore(certificate.get()));
    facts.not_after_unix_s = UnixTime(X509_get0_notAfter(certificate.get()));
    all.push_back(std::move(facts));
  }
  ERR_clear_error();
  return all;
}

int64_t DaysUntil(int64_t then_unix_s, int64_t now_unix_s) {
  constexpr int64_t kDay = 86'400;
  const int64_t seconds = then_unix_s - now_unix_s;
  return seconds >= 0 ? seconds / kDay : -((-seconds + kDay - 1) / kDay);
}

std::string UtcTime(int64_t unix_s) {
  const auto time = static_cast<std::time_t>(unix_s);
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[40];
  const size_t size = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, size);
}

}  // namespace weir::admin
