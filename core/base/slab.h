#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace weir::base {

class SlabPool;

// A refcounted piece of memory of one worker. Not thread-safe: retained and released on the owning
// worker only. kPadding bytes past the end can be read (wide scans), and hold no data.
struct Slab {
  static constexpr uint32_t kPadding = 64;

  SlabPool* pool;
  Slab* next_free;
  uint32_t refs;
  uint32_t size;  // usable bytes
  uint32_t size_class;
  uint32_t used;  // for whoever fills the slab front to back

  uint8_t* data() { return reinterpret_cast<uint8_t*>(this) + kHeader; }
  uint8_t* end() { return data() + size; }
  uint32_t room() const { return size - used; }

  static constexpr uint32_t kHeader = 64;
};

// Per-worker memory in five sizes, with a bounded free list for each (last in, first out: the
// hottest memory is reused first).
class SlabPool {
 public:
  static constexpr uint32_t kSizes[] = {1024, 4096, 16384, 65536, 262144};
  static constexpr int kClasses = 5;

  // cache_bytes: free memory kept per size; what is released beyond goes back to the allocator.
  explicit SlabPool(uint64_t cache_bytes = 4u << 20) : cache_bytes_(cache_bytes) {}
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  // A slab of at least `size` usable bytes (size <= 256 KiB) with one reference. Never null: out of
  // memory aborts in the allocator; the worker refuses work long before (see the overload limits).
  Slab* Take(uint32_t size);
  static void Retain(Slab* slab) { ++slab->refs; }
  static void Release(Slab* slab) {
    if (--slab->refs == 0) slab->pool->Recycle(slab);
  }

  // Bytes in slabs that somebody holds.
  uint64_t pinned_bytes() const { return pinned_bytes_; }
  uint64_t cached_bytes() const { return total_cached_; }
  // Gives free memory back to the allocator.
  void Trim();

 private:
  void Recycle(Slab* slab);

  const uint64_t cache_bytes_;
  uint64_t pinned_bytes_ = 0;
  uint64_t total_cached_ = 0;
  Slab* free_[kClasses] = {};
  uint64_t cached_[kClasses] = {};
};

// A view of bytes in a slab that keeps the slab alive. Move-only; Share makes a second one.
class Slice {
 public:
  Slice() = default;
  // Adopts one reference to slab. data must lie in it. A null slab means memory that outlives every
  // slice (static text).
  Slice(Slab* slab, const uint8_t* data, size_t size)
      : slab_(slab), data_(data), size_(static_cast<uint32_t>(size)) {}
  Slice(Slice&& other) noexcept { *this = std::move(other); }
  Slice& operator=(Slice&& other) noexcept {
    if (this == &other) return *this;
    Reset();
    slab_ = std::exchange(other.slab_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Slice() { Reset(); }

  // Retains the slab.
  static Slice Of(Slab* slab, const uint8_t* data, size_t size) {
    if (slab != nullptr) SlabPool::Retain(slab);
    return Slice(slab, data, size);
  }
  Slice Share() const { return Of(slab_, data_, size_); }
  // Cuts the first n bytes off into a slice of their own.
  Slice Split(uint32_t n) {
    Slice head = Of(slab_, data_, n);
    data_ += n;
    size_ -= n;
    return head;
  }
  void RemovePrefix(uint32_t n) {
    data_ += n;
    size_ -= n;
  }
  void Reset() {
    if (slab_ != nullptr) SlabPool::Release(slab_);
    slab_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

  const uint8_t* data() const { return data_; }
  uint32_t size() const { return size_; }
  Slab* slab() const { return slab_; }
  // What this slice really costs while it waits: design rule "charged as pinned, not as used".
  bool wasteful() const { return slab_ != nullptr && size_ < slab_->size / 8; }

 private:
  Slab* slab_ = nullptr;
  const uint8_t* data_ = nullptr;
  uint32_t size_ = 0;
};

// Copies the bytes of `slice` into the smallest slab that holds them.
Slice CopyToFit(SlabPool* pool, const Slice& slice);

}  // namespace weir::base
