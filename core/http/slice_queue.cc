#include "core/http/slice_queue.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace weir::http {

using base::Slab;
using base::SlabPool;
using base::Slice;

void SliceQueue::Push(Slice slice) {
  if (slice.size() == 0) return;
  bytes_ += slice.size();
  if (count_ > 0) {
    Slice& last = back();
    if (last.slab() == slice.slab() && last.data() + last.size() == slice.data()) {
      const uint8_t* start = last.data();
      const uint32_t size = last.size() + slice.size();
      last = Slice::Of(slice.slab(), start, size);
      return;
    }
  }
  if (count_ == capacity_) Grow();
  ++count_;
  back() = std::move(slice);
}

void SliceQueue::Append(const void* data, size_t size) {
  const auto* from = static_cast<const uint8_t*>(data);
  while (size > 0) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(size, 65536));
    Slab* slab = pool_->Take(n);
    std::memcpy(slab->data(), from, n);
    slab->used = n;
    Push(Slice(slab, slab->data(), n));
    from += n;
    size -= n;
  }
}

Slice SliceQueue::Pop() {
  Slice slice = std::move(front());
  bytes_ -= slice.size();
  head_ = (head_ + 1) & (capacity_ - 1);
  if (--count_ == 0) Clear();
  return slice;
}

void SliceQueue::Drain(uint64_t n) {
  assert(n <= bytes_);
  while (n > 0) {
    Slice& first = front();
    if (first.size() <= n) {
      n -= first.size();
      Pop();
    } else {
      first.RemovePrefix(static_cast<uint32_t>(n));
      bytes_ -= n;
      n = 0;
    }
  }
}

void SliceQueue::MoveTo(SliceQueue* other) {
  while (!empty()) other->Push(Pop());
}

void SliceQueue::Clear() {
  for (uint32_t i = 0; i < count_; ++i) at(i).Reset();
  if (spill_ != nullptr) {
    for (uint32_t i = 0; i < capacity_; ++i) ring()[i].~Slice();
    SlabPool::Release(spill_);
    spill_ = nullptr;
  }
  head_ = count_ = 0;
  capacity_ = kInline;
  bytes_ = 0;
}

void SliceQueue::Compact() {
  for (uint32_t i = 0; i < count_; ++i) {
    if (at(i).wasteful()) at(i) = base::CopyToFit(pool_, at(i));
  }
}

void SliceQueue::Grow() {
  const auto capacity = static_cast<uint32_t>(std::max<size_t>(capacity_ * 2, 1024 / 32));
  Slab* slab = pool_->Take(static_cast<uint32_t>(capacity * sizeof(Slice)));
  auto* ring_memory = reinterpret_cast<Slice*>(slab->data());
  for (uint32_t i = 0; i < capacity; ++i) new (&ring_memory[i]) Slice();
  for (uint32_t i = 0; i < count_; ++i) ring_memory[i] = std::move(at(i));
  if (spill_ != nullptr) {
    for (uint32_t i = 0; i < capacity_; ++i) ring()[i].~Slice();
    SlabPool::Release(spill_);
  }
  spill_ = slab;
  head_ = 0;
  capacity_ = capacity;
}

}  // namespace weir::http
