#include "core/explain/certificate_facts.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <memory>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace weir::explain {
namespace {

constexpr std::streamsize kMostBytes = 4 << 20;
constexpr int64_t kSecondsOfDay = 86'400;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

bool ReadText(const config::PemSource& source, std::string* text) {
  if (source.filename.empty()) {
    *text = source.inline_string;
    return true;
  }
  std::ifstream file(source.filename, std::ios::binary);
  text->assign(static_cast<size_t>(kMostBytes), '\0');
  if (!file) return false;
  file.read(text->data(), kMostBytes);
  text->resize(static_cast<size_t>(file.gcount()));
  return !file.bad();
}

int64_t Seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) : 0;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

std::string_view Bytes(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string SubjectOf(X509* certificate) {
  X509_NAME* name = X509_get_subject_name(certificate);
  char text[256];
  if (X509_NAME_get_text_by_NID(name, NID_commonName, text, sizeof text) > 0) return text;
  return X509_NAME_oneline(name, text, sizeof text) == nullptr ? "" : text;
}

std::string IpText(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN];
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return "";
  return inet_ntop(family, bytes.data(), text, sizeof text) == nullptr ? "" : text;
}

std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> found;
  const std::unique_ptr<GENERAL_NAMES, Free> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) found.push_back(Lower(Bytes(name->d.dNSName)));
    if (name->type == GEN_IPADD) found.push_back(IpText(Bytes(name->d.iPAddress)));
  }
  // As the listener chooses: without alternative names the common name stands for one.
  if (names == nullptr) found.push_back(Lower(SubjectOf(certificate)));
  return found;
}

CertificateFacts FactsOf(X509* certificate) {
  CertificateFacts facts;
  facts.ok = true;
  facts.subject = SubjectOf(certificate);
  facts.names = NamesOf(certificate);
  facts.not_before = Seconds(X509_get0_notBefore(certificate));
  facts.not_after = Seconds(X509_get0_notAfter(certificate));
  return facts;
}

}  // namespace

std::vector<CertificateFacts> ReadCertificates(const config::PemSource& source) {
  CertificateFacts bad;
  std::string text;
  if (!ReadText(source, &text)) {
    bad.error = "cannot be read";
    return {bad};
  }
  std::vector<CertificateFacts> all;
  const std::unique_ptr<BIO, Free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  while (true) {
    const std::unique_ptr<X509, Free> next(
        PEM_read_bio_X509_AUX(bio.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    all.push_back(FactsOf(next.get()));
  }
  ERR_clear_error();
  if (!all.empty()) return all;
  bad.error = "has no certificate";
  return {bad};
}

CertificateFacts ReadCertificate(const config::PemSource& source) {
  return ReadCertificates(source).front();
}

bool NamesHost(const CertificateFacts& facts, std::string_view host) {
  const std::string lower = Lower(host);
  const size_t dot = lower.find('.');
  return std::any_of(facts.names.begin(), facts.names.end(), [&](const std::string& name) {
    if (name == lower) return true;
    return name.starts_with("*.") && dot != lower.npos && dot > 0 &&
           std::string_view(lower).substr(dot) == std::string_view(name).substr(1);
  });
}

int64_t DaysUntil(int64_t moment, int64_t now) {
  const int64_t seconds = moment - now;
  return seconds >= 0 ? seconds / kSecondsOfDay : -((-seconds + kSecondsOfDay - 1) / kSecondsOfDay);
}

}  // namespace weir::explain
