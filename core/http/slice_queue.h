#pragma once

#include <cstdint>

#include "core/base/slab.h"

namespace weir::http {

// Body bytes that wait, in order. Two slices stand in the object; more of them take a slab for the
// ring, so nothing is allocated for ordinary messages and memory follows what really waits. Small
// pieces beyond the first kManySlices are joined by copying.
class SliceQueue {
 public:
  explicit SliceQueue(base::SlabPool* pool) : pool_(pool) {}
  ~SliceQueue() { Clear(); }
  SliceQueue(const SliceQueue&) = delete;
  SliceQueue& operator=(const SliceQueue&) = delete;

  bool empty() const { return count_ == 0; }
  uint32_t count() const { return count_; }
  uint64_t bytes() const { return bytes_; }
  base::Slice& at(uint32_t i) { return ring()[(head_ + i) & (capacity_ - 1)]; }
  base::Slice& front() { return at(0); }
  base::Slice& back() { return at(count_ - 1); }

  // Joins the slice to the last one where they are neighbours in memory.
  void Push(base::Slice slice);
  // Copies bytes to the end.
  void Append(const void* data, size_t size);
  base::Slice Pop();
  // Removes n <= bytes() bytes from the front.
  void Drain(uint64_t n);
  void MoveTo(SliceQueue* other);
  void Clear() {
    if (count_ != 0 || spill_ != nullptr) ClearAll();
  }
  // Copies out what pins much more than it holds (design: less than 1/8 of its slab). Called when
  // bytes wait past a turn. keep: a slab that stays whatever happens here.
  void Compact(const base::Slab* keep = nullptr);
  base::SlabPool* pool() const { return pool_; }

 private:
  static constexpr uint32_t kInline = 2;
  static constexpr uint32_t kManySlices = 16;
  static constexpr uint32_t kSmall = 1024;      // below this a slice costs more than copying it
  static constexpr uint32_t kJoined = 16384;    // the largest slab in which small pieces are joined
  static constexpr uint32_t kAppended = 65536;  // the largest piece that Append makes
  static constexpr uint32_t kCompacted =
      65536;  // the same for pieces that are copied out of large slabs
  static constexpr uint32_t kMaxCapacity = 8192;  // the ring fits the largest slab

  base::Slice* ring() {
    return spill_ == nullptr ? inline_ : reinterpret_cast<base::Slice*>(spill_->data());
  }
  void Grow();
  void ClearAll();
  void Merge();
  void PushBack(base::Slice slice);
  // The last slice's slab is this queue's alone and was filled up to the slice's end.
  bool OwnsTail();
  uint32_t TailRoom();
  uint32_t NextJoined();
  // The end of the run of slices from i that lie in one slab, and its bytes where the run pins much
  // more than it holds, else 0.
  uint32_t WastefulRun(uint32_t i, const base::Slab* keep, uint64_t* bytes);
  void ExtendTail(const uint8_t* data, uint32_t size);

  base::SlabPool* pool_;
  base::Slab* spill_ = nullptr;
  uint64_t bytes_ = 0;
  uint32_t head_ = 0;
  uint32_t count_ = 0;
  uint32_t capacity_ = kInline;  // a power of two
  base::Slice inline_[kInline];
};

}  // namespace weir::http
