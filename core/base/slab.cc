#include "core/base/slab.h"

#include <cstdlib>
#include <new>

namespace weir::base {
namespace {

int ClassOf(uint32_t size) {
  int c = 0;
  while (SlabPool::kSizes[c] < size) ++c;
  return c;
}

void FreeSlab(Slab* slab) {
  std::free(slab);
}

}  // namespace

SlabPool::~SlabPool() {
  Trim();
}

Slab* SlabPool::Take(uint32_t size) {
  const int c = ClassOf(size);
  Slab* slab = free_[c];
  if (slab != nullptr) {
    free_[c] = slab->next_free;
    cached_[c] -= kSizes[c];
    total_cached_ -= kSizes[c];
  } else {
    void* memory = std::malloc(Slab::kHeader + kSizes[c] + Slab::kPadding);
    if (memory == nullptr) throw std::bad_alloc();
    slab = static_cast<Slab*>(memory);
    slab->pool = this;
    slab->size = kSizes[c];
    slab->size_class = static_cast<uint32_t>(c);
    // The padding is read by wide scans; defined bytes keep the memory checkers quiet.
    std::memset(slab->end(), 0, Slab::kPadding);
  }
  slab->next_free = nullptr;
  slab->refs = 1;
  slab->used = 0;
  pinned_bytes_ += slab->size;
  return slab;
}

void SlabPool::Recycle(Slab* slab) {
  pinned_bytes_ -= slab->size;
  const uint32_t c = slab->size_class;
  if (cached_[c] + slab->size > cache_bytes_) {
    FreeSlab(slab);
    return;
  }
  slab->next_free = free_[c];
  free_[c] = slab;
  cached_[c] += slab->size;
  total_cached_ += slab->size;
}

void SlabPool::Trim() {
  for (int c = 0; c < kClasses; ++c) {
    while (Slab* slab = free_[c]) {
      free_[c] = slab->next_free;
      FreeSlab(slab);
    }
    cached_[c] = 0;
  }
  total_cached_ = 0;
}

Slice CopyToFit(SlabPool* pool, const Slice& slice) {
  Slab* slab = pool->Take(slice.size());
  std::memcpy(slab->data(), slice.data(), slice.size());
  slab->used = slice.size();
  return Slice(slab, slab->data(), slice.size());
}

}  // namespace weir::base
