#include "tests/simulation/tls_kit.h"

#include <cstdlib>
#include <iostream>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/simulation/sim_certificates.h"
#include "tests/simulation/tls_end.h"

namespace weir::sim {
namespace {

template <class T>
T* Need(T* made) {
  if (made != nullptr) return made;
  std::cerr << "OpenSSL has no memory\n";
  std::exit(2);
}

X509* ReadCertificate(const std::string& pem) {
  BIO* bio = Need(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509* made = Need(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  BIO_free(bio);
  return made;
}

void UseSite(SSL_CTX* ctx) {
  const std::string& pem = SimCertificates::Made().site.key;
  BIO* bio = Need(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* key = Need(PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr));
  X509* leaf = ReadCertificate(SimCertificates::Made().site.chain);
  SSL_CTX_use_certificate(ctx, leaf);
  SSL_CTX_use_PrivateKey(ctx, key);
  X509_free(leaf);
  EVP_PKEY_free(key);
  BIO_free(bio);
}

int KeepSession(SSL* ssl, SSL_SESSION* session) {
  return TlsEnd::OnSession(ssl, session) ? 1 : 0;
}

int SelectAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
               const unsigned char* in, unsigned int in_size, void*) {
  const std::string& ours = TlsEnd::AlpnOf(ssl);
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(
          &selected, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
          static_cast<unsigned>(ours.size()), in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsKit::TlsKit()
    : client_(Need(SSL_CTX_new(TLS_client_method()))),
      server_(Need(SSL_CTX_new(TLS_server_method()))) {
  X509* authority = ReadCertificate(SimCertificates::Made().authority.chain);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(client_), authority);
  X509_free(authority);
  SSL_CTX_set_verify(client_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_session_cache_mode(client_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(client_, KeepSession);
  UseSite(server_);
  SSL_CTX_set_session_cache_mode(server_, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(server_, SelectAlpn, nullptr);
  for (SSL_CTX* ctx : {client_, server_}) {
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set1_groups_list(ctx, "X25519:P-256");
  }
}

TlsKit::~TlsKit() {
  for (const auto& [client, session] : sessions_) SSL_SESSION_free(session);
  SSL_CTX_free(client_);
  SSL_CTX_free(server_);
}

ssl_st* TlsKit::NewSsl(bool server) {
  SSL* ssl = Need(SSL_new(server ? server_ : client_));
  BIO* in = Need(BIO_new(BIO_s_mem()));
  BIO* out = Need(BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(ssl, in, out);
  if (server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
    SSL_set_tlsext_host_name(ssl, SimCertificates::kName);
    SSL_set1_host(ssl, SimCertificates::kName);
  }
  return ssl;
}

void TlsKit::Resume(const void* client, ssl_st* ssl) const {
  const auto found = sessions_.find(client);
  if (found != sessions_.end()) SSL_set_session(ssl, found->second);
}

void TlsKit::Keep(const void* client, ssl_session_st* session) {
  SSL_SESSION*& kept = sessions_[client];
  if (kept != nullptr) SSL_SESSION_free(kept);
  kept = session;
}

}  // namespace weir::sim
