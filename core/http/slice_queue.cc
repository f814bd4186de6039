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
  if (count_ > 0) {
    Slice& last = back();
    if (last.slab() == slice.slab() && last.data() + last.size() == slice.data()) {
      const uint8_t* start = last.data();
      const uint32_t size = last.size() + slice.size();
      bytes_ += slice.size();
      last = Slice::Of(slice.slab(), start, size);
      return;
    }
  }
  // Many small pieces (a body in chunks of one byte) are joined by copying: what a queue costs
  // follows its bytes, not their number.
  if (count_ >= kManySlices && slice.size() < kSmall) {
    Append(slice.data(), slice.size());
    return;
  }
  PushBack(std::move(slice));
}

void SliceQueue::Append(const void* data, size_t size) {
  if (count_ > 0 && count_ + size / kAppended + 2 > kMaxCapacity) {
    // The bytes may be this queue's own: they are copied before anything is merged.
    SliceQueue copy(pool_);
    copy.Append(data, size);
    while (!copy.empty()) PushBack(copy.Pop());
    return;
  }
  const auto* from = static_cast<const uint8_t*>(data);
  const size_t fits = std::min<size_t>(size, TailRoom());
  if (fits > 0) {
    ExtendTail(from, static_cast<uint32_t>(fits));
    from += fits;
    size -= fits;
  }
  while (size > 0) {
    const auto n = static_cast<uint32_t>(std::min<size_t>(size, kAppended));
    Slab* slab = pool_->Take(std::max(n, NextJoined()));
    std::memcpy(slab->data(), from, n);
    slab->used = n;
    PushBack(Slice(slab, slab->data(), n));
    from += n;
    size -= n;
  }
}

void SliceQueue::PushBack(Slice slice) {
  if (count_ == kMaxCapacity) Merge();
  if (count_ == capacity_) Grow();
  ++count_;
  bytes_ += slice.size();
  back() = std::move(slice);
}

bool SliceQueue::OwnsTail() {
  if (count_ == 0) return false;
  const Slice& last = back();
  const Slab* slab = last.slab();
  return slab != nullptr && slab->refs == 1 &&
         last.data() + last.size() == last.slab()->data() + slab->used;
}

// The slab for a piece that does not fit behind the last one: the more of them come in a row, the
// larger.
uint32_t SliceQueue::NextJoined() {
  return OwnsTail() ? std::min(back().slab()->size * 4, kJoined) : 0;
}

// Room behind the last slice, if its slab is this queue's alone and was filled up to the slice's
// end.
uint32_t SliceQueue::TailRoom() {
  return OwnsTail() ? back().slab()->room() : 0;
}

void SliceQueue::ExtendTail(const uint8_t* data, uint32_t size) {
  Slice& last = back();
  Slab* slab = last.slab();
  std::memcpy(slab->data() + slab->used, data, size);
  slab->used += size;
  bytes_ += size;
  const uint8_t* start = last.data();
  const uint32_t whole = last.size() + size;
  last = Slice::Of(slab, start, whole);
}

Slice SliceQueue::Pop() {
  Slice slice = std::move(front());
  bytes_ -= slice.size();
  head_ = (head_ + 1) & (capacity_ - 1);
  if (--count_ == 0) ClearAll();
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

void SliceQueue::ClearAll() {
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

uint32_t SliceQueue::WastefulRun(uint32_t i, const Slab* keep, uint64_t* bytes) {
  const Slab* slab = at(i).slab();
  uint32_t end = i;
  for (*bytes = 0; end < count_ && at(end).slab() == slab; ++end) *bytes += at(end).size();
  const bool wasteful = slab != nullptr && slab != keep && slab->size > SlabPool::kSizes[0] &&
                        *bytes < slab->size / 8;
  if (!wasteful) *bytes = 0;
  return end;
}

void SliceQueue::Compact(const Slab* keep) {
  uint64_t rest = 0;
  uint64_t run = 0;
  for (uint32_t i = 0; i < count_; rest += run) i = WastefulRun(i, keep, &run);
  if (rest == 0) return;
  // Copied out into slabs that they share, for each in a slab of its own could pin more than
  // before.
  Slab* room = nullptr;
  for (uint32_t i = 0; i < count_;) {
    const uint32_t end = WastefulRun(i, keep, &run);
    if (run == 0) i = end;
    for (; i < end; ++i) {
      Slice& slice = at(i);
      if (room == nullptr || room->room() < slice.size()) {
        if (room != nullptr) SlabPool::Release(room);
        room = pool_->Take(
            std::max(slice.size(), static_cast<uint32_t>(std::min<uint64_t>(rest, kCompacted))));
      }
      uint8_t* to = room->data() + room->used;
      std::memcpy(to, slice.data(), slice.size());
      room->used += slice.size();
      rest -= slice.size();
      slice = Slice::Of(room, to, slice.size());
    }
  }
  if (room != nullptr) SlabPool::Release(room);
}

// Copies everything into the largest slabs. Each byte is copied once for kMaxCapacity slices that
// come.
void SliceQueue::Merge() {
  SliceQueue merged(pool_);
  Slab* room = nullptr;
  while (!empty()) {
    Slice slice = Pop();
    const uint8_t* from = slice.data();
    uint32_t size = slice.size();
    while (size > 0) {
      if (room == nullptr) room = pool_->Take(SlabPool::kSizes[SlabPool::kClasses - 1]);
      const uint32_t n = std::min(size, room->room());
      uint8_t* to = room->data() + room->used;
      std::memcpy(to, from, n);
      room->used += n;
      from += n;
      size -= n;
      merged.Push(Slice::Of(room, to, n));
      if (room->room() == 0) SlabPool::Release(std::exchange(room, nullptr));
    }
  }
  if (room != nullptr) SlabPool::Release(room);
  merged.MoveTo(this);
}

void SliceQueue::Grow() {
  static_assert(kMaxCapacity * sizeof(Slice) <= SlabPool::kSizes[SlabPool::kClasses - 1]);
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
