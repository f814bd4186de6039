#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/slab.h"

namespace weir::base {

// Bump memory of one stream: everything in it dies at once. Starts in memory that the owner lends
// (so that an ordinary request takes no further slab) and goes on in slabs. 64 bytes past every
// allocation can be read.
class Arena {
 public:
  // `memory` must be followed by Slab::kPadding readable bytes and outlive the arena. limit: bytes
  // from slabs; an allocation beyond it returns null, which callers turn into the stream's end (431
  // or 500), never into a crash.
  Arena(SlabPool* pool, uint8_t* memory, size_t size, uint32_t limit)
      : pool_(pool), at_(memory), end_(memory + size), limit_(limit) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* Allocate(size_t size, size_t align = 8) {
    uint8_t* p =
        reinterpret_cast<uint8_t*>((reinterpret_cast<uintptr_t>(at_) + align - 1) & ~(align - 1));
    if (p > end_ || size > static_cast<size_t>(end_ - p)) return AllocateSlow(size, align);
    at_ = p + size;
    return p;
  }
  template <class T>
  T* AllocateArray(size_t n) {
    return static_cast<T*>(Allocate(n * sizeof(T), alignof(T)));
  }
  // A copy of text; data() is null when the limit is reached.
  std::string_view Copy(std::string_view text) {
    char* p = static_cast<char*>(Allocate(text.size(), 1));
    if (p == nullptr) return {};
    if (!text.empty()) std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
  }
  uint32_t slab_bytes() const { return taken_; }

 private:
  void* AllocateSlow(size_t size, size_t align);

  SlabPool* pool_;
  uint8_t* at_;
  uint8_t* end_;
  Slab* slabs_ = nullptr;  // linked through next_free, which a slab in use does not need
  uint32_t taken_ = 0;
  uint32_t limit_;
};

}  // namespace weir::base
