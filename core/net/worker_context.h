#pragma once

#include <cstdint>
#include <memory>

#include "core/base/random.h"
#include "core/base/slab.h"
#include "core/net/io.h"
#include "core/net/reactor.h"

namespace weir::observe {
class StatBlock;
}

namespace weir::server {
class WorkerServices;
}

namespace weir::net::tls {
class TlsWorker;
}

namespace weir::net {

class Address;

// Makes connections to backends: sockets in the proxy, scripted peers in the simulator.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // Starts to connect. Never null: an immediate failure is an Io whose first Write says kFailed
  // (and whose client is told in a later turn).
  virtual std::unique_ptr<Io> Dial(const Address& address) = 0;
};

// The slab that the connections of a worker read into, one after the other. While nobody keeps a
// slice of it, every read starts at its front: the same hot memory serves all small messages.
class ReceiveBuffer {
 public:
  explicit ReceiveBuffer(base::SlabPool* pool) : pool_(pool) {}
  ~ReceiveBuffer() {
    if (slab_ != nullptr) base::SlabPool::Release(slab_);
  }
  ReceiveBuffer(const ReceiveBuffer&) = delete;
  ReceiveBuffer& operator=(const ReceiveBuffer&) = delete;

  // As much as was read in one go before its output is worth sending at once: a good part of a
  // second-level cache.
  static constexpr uint32_t kHotBytes = 65536;

  // The slab with at least kMinRoom unused bytes at data() + used. Whoever reads advances `used`
  // and retains what it keeps.
  base::Slab* Prepare() {
    if (slab_ != nullptr) {
      if (slab_->refs == 1) slab_->used = 0;
      if (slab_->room() >= kMinRoom) return slab_;
      base::SlabPool::Release(slab_);
    }
    slab_ = pool_->Take(kSize);
    return slab_;
  }
  // Gives the slab back while the worker sleeps.
  void Drop() {
    if (slab_ != nullptr) base::SlabPool::Release(slab_);
    slab_ = nullptr;
  }

 private:
  static constexpr uint32_t kSize = 262144;
  static constexpr uint32_t kMinRoom = 65536;

  base::SlabPool* pool_;
  base::Slab* slab_ = nullptr;
};

// What everything on a worker shares. One per worker, alive until all its connections are gone; not
// thread-safe.
struct WorkerContext {
  uint32_t worker_id = 0;
  Reactor* reactor = nullptr;
  base::SlabPool* pool = nullptr;
  ReceiveBuffer* receive = nullptr;
  Dialer* dialer = nullptr;
  tls::TlsWorker* tls = nullptr;
  observe::StatBlock* stats = nullptr;
  // What the linked-in terminal filters share on this worker (core/server/wiring.h); may be null.
  server::WorkerServices* services = nullptr;
  base::Random* random = nullptr;
  // The last number given to a downstream connection; 0 is nobody's.
  uint32_t last_client = 0;
  // Bytes in slabs that somebody holds beyond which HTTP refuses new requests as overloaded; 0: no
  // limit.
  uint64_t max_pinned_bytes = 0;
  bool draining = false;    // finish what was begun, keep no connection alive
  bool overloaded = false;  // refuse new work: HTTP answers 503 with x-envoy-overloaded
};

}  // namespace weir::net
