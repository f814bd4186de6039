#include "core/net/tls/context_common.h"

#include <algorithm>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace weir::net::tls {
namespace {

bool Fail(TlsError* error, TlsError::Part part, size_t index, std::string text) {
  ClearErrors();
  *error = TlsError{part, index, std::move(text)};
  return false;
}

BioPtr BioOf(const Pem& pem) {
  return BioPtr(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

bool EndOfPem() {
  const unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

// The certificates of a PEM. False: *reason.
bool ReadCertificates(OSSL_LIB_CTX* library, const Pem& pem, std::vector<CertPtr>* out,
                      std::string* reason) {
  const BioPtr bio = BioOf(pem);
  for (;;) {
    X509* made = X509_new_ex(library, nullptr);
    if (PEM_read_bio_X509(bio.get(), &made, nullptr, nullptr) == nullptr) {
      X509_free(made);
      break;
    }
    out->emplace_back(made);
  }
  if (!EndOfPem()) {
    *reason = TakeReason();
    return false;
  }
  ClearErrors();
  if (out->empty()) *reason = "no certificate in PEM form";
  return !out->empty();
}

// A pass phrase is never asked for.
int NoPassPhrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

bool ReadKey(OSSL_LIB_CTX* library, const Pem& pem, KeyPtr* out, std::string* reason) {
  const BioPtr bio = BioOf(pem);
  bool asked = false;
  out->reset(
      PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, NoPassPhrase, &asked, library, nullptr));
  if (*out != nullptr) return true;
  if (pem.text.find("PRIVATE KEY-----") == std::string::npos) {
    *reason = "no private key in PEM form";
  } else if (asked) {
    *reason = "the key is encrypted, and Weir takes no pass phrase";
  } else {
    *reason = TakeReason();
  }
  return false;
}

std::string TextOf(const ASN1_STRING* text) {
  const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  return std::string(data, static_cast<size_t>(ASN1_STRING_length(text)));
}

void AddName(const std::string& name, std::vector<std::string>* out) {
  // A NUL inside a name was once a way to fool whoever compares C strings.
  if (name.empty() || name.find('\0') != std::string::npos) return;
  const std::string lower = LowerHost(name);
  if (std::find(out->begin(), out->end(), lower) == out->end()) out->push_back(lower);
}

std::vector<std::string> NamesOf(X509* leaf) {
  std::vector<std::string> names;
  auto* list =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr));
  const bool has_list = list != nullptr;
  for (int i = 0; i < sk_GENERAL_NAME_num(list); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list, i);
    if (name->type == GEN_DNS) AddName(TextOf(name->d.dNSName), &names);
  }
  GENERAL_NAMES_free(list);
  if (has_list) return names;
  const X509_NAME* subject = X509_get_subject_name(leaf);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) AddName(TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))), &names);
  return names;
}

int VersionOf(Version version) {
  return version == Version::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

const std::string& Or(const std::string& text, const std::string& other) {
  return text.empty() ? other : text;
}

}  // namespace

bool LoadCertificate(OSSL_LIB_CTX* library, const CertificateSource& source, size_t index,
                     Certificate* out, TlsError* error) {
  std::vector<CertPtr> all;
  std::string reason;
  if (!ReadCertificates(library, source.chain, &all, &reason))
    return Fail(error, TlsError::Part::kChain, index, source.chain.name + ": " + reason);
  if (!ReadKey(library, source.key, &out->key, &reason))
    return Fail(error, TlsError::Part::kKey, index, source.key.name + ": " + reason);
  out->leaf = std::move(all.front());
  out->chain.assign(std::make_move_iterator(all.begin() + 1), std::make_move_iterator(all.end()));
  if (X509_check_private_key(out->leaf.get(), out->key.get()) != 1)
    return Fail(error, TlsError::Part::kKey, index,
                source.key.name + ": not the key of the certificate in " + source.chain.name +
                    ": " + TakeReason());
  out->type = EVP_PKEY_get_base_id(out->key.get());
  out->names = NamesOf(out->leaf.get());
  return true;
}

bool UseCertificate(SSL_CTX* ctx, const Certificate& certificate, size_t index, TlsError* error) {
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const CertPtr& link : certificate.chain) sk_X509_push(chain, link.get());
  const int used =
      SSL_CTX_use_cert_and_key(ctx, certificate.leaf.get(), certificate.key.get(), chain, 1);
  sk_X509_free(chain);
  if (used == 1) return true;
  return Fail(error, TlsError::Part::kChain, index,
              "the certificate cannot be used: " + TakeReason());
}

CtxPtr NewContext(OSSL_LIB_CTX* library, const SSL_METHOD* method, const TlsOptions& options,
                  TlsError* error) {
  CtxPtr ctx(SSL_CTX_new_ex(library, nullptr, method));
  if (ctx == nullptr) {
    Fail(error, TlsError::Part::kOther, 0, TakeReason());
    return nullptr;
  }
  SSL_CTX_set_options(ctx.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_min_proto_version(ctx.get(), VersionOf(options.min_version));
  SSL_CTX_set_max_proto_version(ctx.get(), VersionOf(options.max_version));
  if (SSL_CTX_set_cipher_list(ctx.get(), Or(options.ciphers, kDefaultCiphers).c_str()) != 1 ||
      SSL_CTX_set_ciphersuites(ctx.get(), Or(options.ciphersuites, kDefaultCiphersuites).c_str()) !=
          1) {
    Fail(error, TlsError::Part::kCiphers, 0, TakeReason());
    return nullptr;
  }
  if (SSL_CTX_set1_groups_list(ctx.get(), Or(options.curves, kDefaultCurves).c_str()) != 1) {
    ClearErrors();
    Fail(error, TlsError::Part::kCurves, 0, "OpenSSL does not know one of the curves");
    return nullptr;
  }
  return ctx;
}

bool TrustAuthorities(SSL_CTX* ctx, const Pem& pem, bool offered, TlsError* error) {
  std::vector<CertPtr> authorities;
  std::string reason;
  if (!ReadCertificates(nullptr, pem, &authorities, &reason))
    return Fail(error, TlsError::Part::kTrustedCa, 0, pem.name + ": " + reason);
  X509_STORE* store = SSL_CTX_get_cert_store(ctx);
  for (const CertPtr& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1 ||
        (offered && SSL_CTX_add_client_CA(ctx, authority.get()) != 1))
      return Fail(error, TlsError::Part::kTrustedCa, 0, pem.name + ": " + TakeReason());
  }
  return true;
}

std::string AlpnWire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return "";
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

std::string LowerHost(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  std::string lower(host);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

bool IsIpAddress(const std::string& text) {
  uint8_t bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace weir::net::tls
