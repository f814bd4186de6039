#include "codecs/h2/control_queue.h"

#include <algorithm>
#include <cstring>

namespace weir::h2 {

uint8_t* ControlQueue::Room(size_t size) {
  if (size_ + size <= room_) return bytes_ + size_;
  if (size_ + size > limit_) return nullptr;
  const size_t room = std::min(limit_, std::max(size_ + size, room_ * 4));
  auto* bytes = static_cast<uint8_t*>(host_->alloc(room));
  if (bytes == nullptr) return nullptr;
  std::memcpy(bytes, bytes_, size_);
  Release();
  bytes_ = bytes;
  room_ = room;
  return bytes_ + size_;
}

void ControlQueue::MoveTo(weir_out* out) {
  if (size_ == 0) return;
  for (size_t from = 0; from < size_;) {
    const size_t size = std::min<size_t>(size_ - from, 32768);
    if (static_cast<size_t>(out->limit - out->at) < size) host_->out_room(out, size);
    std::memcpy(out->at, bytes_ + from, size);
    out->at += size;
    from += size;
  }
  size_ = 0;
  Release();
  bytes_ = inside_;
  room_ = kInside;
}

void ControlQueue::Release() {
  if (bytes_ != inside_) host_->free(bytes_, room_);
}

}  // namespace weir::h2
