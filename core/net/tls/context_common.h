#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/net/tls/openssl.h"
#include "core/net/tls/tls_options.h"

// What server and client contexts have in common. Each function is false after it filled in *error.

namespace weir::net::tls {

// A certificate with its chain and key, checked to belong together.
struct Certificate {
  CertPtr leaf;
  std::vector<CertPtr> chain;  // without the leaf
  KeyPtr key;
  int type = 0;  // EVP_PKEY_RSA, EVP_PKEY_EC, ...
  // Whom it is for, in lower case: the DNS names among its subjectAltNames; where it has none, the
  // common name.
  std::vector<std::string> names;
};

bool LoadCertificate(OSSL_LIB_CTX* library, const CertificateSource& source, size_t index,
                     Certificate* out, TlsError* error);
bool UseCertificate(SSL_CTX* ctx, const Certificate& certificate, size_t index, TlsError* error);

// Versions, ciphers, curves, modes and options of either side.
CtxPtr NewContext(OSSL_LIB_CTX* library, const SSL_METHOD* method, const TlsOptions& options,
                  TlsError* error);
// Trusts the certificates of the PEM. With `offered` a server also names them to its clients.
bool TrustAuthorities(SSL_CTX* ctx, const Pem& pem, bool offered, TlsError* error);

// The list as ALPN sends it; empty when a name is empty or too long (RFC 7301, section 3.1).
std::string AlpnWire(const std::vector<std::string>& protocols);

// In ASCII; a final dot is removed. DNS names compare so.
std::string LowerHost(std::string_view host);
bool IsIpAddress(const std::string& text);

}  // namespace weir::net::tls
