#pragma once

#include <cstdint>

#include <sys/uio.h>

#include "core/http/slice_queue.h"
#include "core/net/io.h"
#include "plugins/abi/weir.h"

namespace weir::http {

// What a connection still has to write: heads and framing copied front to back into an output slab,
// large bodies as slices, in order. The codec writes through the weir_out part. Holds no memory
// while empty.
class OutQueue : public weir_out {
 public:
  explicit OutQueue(base::SlabPool* pool) : weir_out{nullptr, nullptr}, queue_(pool) {}
  ~OutQueue() { DropSlab(); }

  static OutQueue* From(weir_out* out) { return static_cast<OutQueue*>(out); }

  uint64_t bytes() const { return queue_.bytes() + static_cast<uint64_t>(at - start_); }
  bool empty() const { return bytes() == 0; }

  // Makes at least `size` (<= 64 KiB) contiguous bytes available at `at`.
  void Room(size_t size);
  // Moves the first `size` bytes of `body` here: small pieces are copied, large ones keep their
  // slab.
  void Take(SliceQueue* body, uint64_t size);
  void Append(const void* data, size_t size);
  void Push(base::Slice slice);

  // Writes until all is written or the Io would block. Returns bytes written, or net::kFailed.
  ssize_t WriteTo(net::Io* io);
  // After a write that left bytes: small rests give their big slabs back.
  void Compact() {
    Commit();
    queue_.Compact(slab_);
  }
  void Clear();

 private:
  // An iovec and a pinned slab cost more than copying this much.
  static constexpr uint32_t kCopyBelow = 4096;
  static constexpr int kMaxPieces = 64;

  void Commit();
  void DropSlab();

  SliceQueue queue_;
  base::Slab* slab_ = nullptr;
  uint8_t* start_ = nullptr;  // bytes from here to `at` are not in queue_ yet
};

}  // namespace weir::http
