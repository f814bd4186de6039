#include "core/net/tls/peer_certificate.h"

#include <algorithm>
#include <string_view>

#include <openssl/x509v3.h>

#include "core/net/tls/openssl.h"

namespace weir::net::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

bool IsPlain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

}  // namespace

std::string Hex(const unsigned char* bytes, size_t size) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string SubjectOf(x509_st* peer) {
  if (peer == nullptr) return "";
  const BioPtr text(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(text.get(), X509_get_subject_name(peer), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text.get(), &data);
  return std::string(data, size > 0 ? static_cast<size_t>(size) : 0);
}

std::string AlternativeNamesOf(x509_st* peer, PeerNames kind) {
  if (peer == nullptr) return "";
  const NamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(peer, NID_subject_alt_name, nullptr, nullptr)));
  const int wanted = kind == PeerNames::kDns ? GEN_DNS : GEN_URI;
  std::string list;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type);
    if (type != wanted) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    const std::string_view name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<size_t>(ASN1_STRING_length(text)));
    if (!IsPlain(name)) continue;
    if (!list.empty()) list += ',';
    list += name;
  }
  ClearErrors();
  return list;
}

std::string SerialOf(x509_st* peer) {
  if (peer == nullptr) return "";
  const ASN1_INTEGER* serial = X509_get0_serialNumber(peer);
  return Hex(ASN1_STRING_get0_data(serial), static_cast<size_t>(ASN1_STRING_length(serial)));
}

std::string FingerprintOf(x509_st* peer) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (peer == nullptr || X509_digest(peer, EVP_sha256(), digest, &size) != 1) return "";
  return Hex(digest, size);
}

}  // namespace weir::net::tls
