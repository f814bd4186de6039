#include "core/base/arena.h"

#include <algorithm>

namespace weir::base {

Arena::~Arena() {
  while (slabs_ != nullptr) {
    Slab* next = slabs_->next_free;
    slabs_->next_free = nullptr;
    SlabPool::Release(slabs_);
    slabs_ = next;
  }
}

void* Arena::AllocateSlow(size_t size, size_t align) {
  if (size > SlabPool::kSizes[SlabPool::kClasses - 1] - align) return nullptr;
  const auto want = static_cast<uint32_t>(std::max<size_t>(size + align, 1024));
  Slab* slab = pool_->Take(want);
  if (taken_ + slab->size > limit_) {
    SlabPool::Release(slab);
    return nullptr;
  }
  taken_ += slab->size;
  slab->next_free = slabs_;
  slabs_ = slab;
  at_ = slab->data();
  end_ = slab->end();
  return Allocate(size, align);
}

}  // namespace weir::base
