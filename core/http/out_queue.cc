#include "core/http/out_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::http {

using base::SlabPool;
using base::Slice;

void OutQueue::Commit() {
  if (at == start_) return;
  queue_.Push(Slice::Of(slab_, start_, static_cast<size_t>(at - start_)));
  start_ = at;
}

void OutQueue::DropSlab() {
  if (slab_ != nullptr) SlabPool::Release(slab_);
  slab_ = nullptr;
  at = limit = start_ = nullptr;
}

void OutQueue::Room(size_t size) {
  if (static_cast<size_t>(limit - at) >= size) return;
  Commit();
  // A first small slab serves ordinary answers; a connection that fills it has more to say.
  const size_t want = std::max<size_t>(size, slab_ == nullptr ? 4096 : 16384);
  DropSlab();
  slab_ = queue_.pool()->Take(static_cast<uint32_t>(want));
  at = start_ = slab_->data();
  limit = slab_->end();
}

void OutQueue::Append(const void* data, size_t size) {
  const auto* from = static_cast<const uint8_t*>(data);
  while (size > 0) {
    const size_t n = std::min<size_t>(size, 16384);
    Room(n);
    std::memcpy(at, from, n);
    at += n;
    from += n;
    size -= n;
  }
}

void OutQueue::Push(Slice slice) {
  if (slice.size() < kCopyBelow) {
    Append(slice.data(), slice.size());
    return;
  }
  Commit();
  queue_.Push(std::move(slice));
}

void OutQueue::Take(SliceQueue* body, uint64_t size) {
  while (size > 0) {
    if (body->front().size() <= size) {
      size -= body->front().size();
      Push(body->Pop());
    } else {
      const auto n = static_cast<uint32_t>(size);
      Push(Slice::Of(body->front().slab(), body->front().data(), n));
      body->Drain(n);
      size = 0;
    }
  }
}

ssize_t OutQueue::WriteTo(net::Io* io) {
  Commit();
  ssize_t total = 0;
  while (!queue_.empty()) {
    iovec pieces[kMaxPieces];
    const int count = static_cast<int>(std::min<uint32_t>(queue_.count(), kMaxPieces));
    for (int i = 0; i < count; ++i) {
      Slice& slice = queue_.at(static_cast<uint32_t>(i));
      pieces[i] = {const_cast<uint8_t*>(slice.data()), slice.size()};
    }
    const ssize_t n = io->Write(pieces, count);
    if (n == net::kFailed) return n;
    if (n <= 0) break;
    total += n;
    queue_.Drain(static_cast<uint64_t>(n));
    if (!io->writable()) break;
  }
  if (queue_.empty()) DropSlab();
  return total;
}

void OutQueue::Clear() {
  queue_.Clear();
  DropSlab();
}

}  // namespace weir::http
