#include "core/server/prefixed_io.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::server {

PrefixedIo::PrefixedIo(std::unique_ptr<net::Io> inner, net::Reactor* reactor,
                       std::unique_ptr<uint8_t[]> bytes, size_t offset, size_t size, bool eof)
    : inner_(std::move(inner)), bytes_(std::move(bytes)), offset_(offset), left_(size), eof_(eof) {
  inner_->set_client(this);
  UpdateFacts();
  reactor->Defer(this);
}

void PrefixedIo::UpdateFacts() {
  readable_ = left_ > 0 || (eof_ ? !eof_told_ : inner_->readable());
  writable_ = inner_->writable();
}

ssize_t PrefixedIo::Read(uint8_t* room, size_t size) {
  ssize_t got = 0;
  if (left_ > 0) {
    const size_t piece = std::min(size, left_);
    std::memcpy(room, bytes_.get() + offset_, piece);
    offset_ += piece;
    left_ -= piece;
    if (left_ == 0) bytes_.reset();
    got = static_cast<ssize_t>(piece);
  } else if (eof_) {
    eof_told_ = true;
  } else {
    got = inner_->Read(room, size);
  }
  UpdateFacts();
  return got;
}

ssize_t PrefixedIo::Write(const iovec* pieces, int count) {
  const ssize_t put = inner_->Write(pieces, count);
  UpdateFacts();
  return put;
}

// The client may delete this object: nothing comes after it was told.
void PrefixedIo::OnIo(bool readable, bool writable) {
  UpdateFacts();
  if (client_ != nullptr) client_->OnIo(readable && readable_, writable && writable_);
}

void PrefixedIo::OnDeferred() {
  UpdateFacts();
  if (client_ != nullptr && (readable_ || writable_)) client_->OnIo(readable_, writable_);
}

}  // namespace weir::server
