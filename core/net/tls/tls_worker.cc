#include "core/net/tls/tls_worker.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "core/net/tls/openssl.h"

namespace weir::net::tls {

TlsWorker::TlsWorker(Reactor* reactor, base::SlabPool* pool) : reactor_(reactor), pool_(pool) {}

TlsWorker::~TlsWorker() {
  X509_STORE_free(system_store_);
  OSSL_LIB_CTX_free(library_);
}

ossl_lib_ctx_st* TlsWorker::library() {
  if (library_ == nullptr) library_ = OSSL_LIB_CTX_new();
  return library_;
}

x509_store_st* TlsWorker::SystemStore() {
  if (system_store_ == nullptr) {
    system_store_ = X509_STORE_new();
    if (system_store_ != nullptr)
      X509_STORE_set_default_paths_ex(system_store_, library(), nullptr);
    // A missing file of authorities shows when a peer cannot be verified.
    ClearErrors();
  }
  return system_store_;
}

}  // namespace weir::net::tls
