#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/base/slab.h"
#include "core/net/reactor.h"

struct ossl_lib_ctx_st;
struct x509_store_st;

namespace weir::net::tls {

// What the TLS connections of one worker share. OpenSSL 3.0 takes locks on what threads share
// (fetched algorithms, stores, contexts), so a worker has its own library context. Made on any
// thread; used by one at a time. Outlives the worker's contexts and connections.
class TlsWorker {
 public:
  TlsWorker(Reactor* reactor, base::SlabPool* pool);
  ~TlsWorker();
  TlsWorker(const TlsWorker&) = delete;
  TlsWorker& operator=(const TlsWorker&) = delete;

  // Ciphertext is read into `in` and gathered in `out`; small pieces of plaintext become one record
  // in `plain`. Nothing stays in them between two calls of a connection.
  struct Scratch {
    static constexpr size_t kIn = 66560;  // four full records
    // Plaintext of one record: four of them, with what TLS 1.2 or 1.3 adds, fill 64 KiB.
    static constexpr size_t kRecord = 16352;
    static constexpr size_t kGather = 65536;  // ciphertext that is written at once
    uint8_t in[kIn];
    uint8_t out[kGather];
    uint8_t plain[kRecord];
  };

  // Null when OpenSSL has no memory for it: nothing can be served then.
  ossl_lib_ctx_st* library();
  // The authorities that the system trusts, loaded when first asked for.
  x509_store_st* SystemStore();
  Scratch* scratch() { return &scratch_; }
  uint64_t now_ms() const { return reactor_->now_ms(); }
  base::SlabPool* pool() const { return pool_; }

 private:
  Reactor* reactor_;
  base::SlabPool* pool_;
  ossl_lib_ctx_st* library_ = nullptr;
  x509_store_st* system_store_ = nullptr;
  Scratch scratch_;
};

}  // namespace weir::net::tls
