#include "core/upstream/header_io.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace weir::upstream {

HeaderIo::HeaderIo(std::unique_ptr<net::Io> inner, std::string_view header)
    : inner_(std::move(inner)),
      size_(static_cast<uint32_t>(std::min(header.size(), kMaxProxyHeader))) {
  std::memcpy(header_, header.data(), size_);
  inner_->set_client(this);
  if (inner_->connected()) Flush();
  UpdateFacts();
}

void HeaderIo::UpdateFacts() {
  readable_ = inner_->readable();
  writable_ = failed_ || (inner_->writable() && sent_ == size_);
}

bool HeaderIo::Flush() {
  while (sent_ < size_ && !failed_) {
    const iovec piece = {header_ + sent_, size_ - sent_};
    const ssize_t put = inner_->Write(&piece, 1);
    if (put == net::kAgain) return false;
    if (put == net::kFailed) {
      failed_ = true;
    } else {
      sent_ += static_cast<uint32_t>(put);
    }
  }
  if (!failed_ && std::exchange(shut_, false)) inner_->ShutdownWrite();
  return !failed_;
}

ssize_t HeaderIo::Read(uint8_t* room, size_t size) {
  const ssize_t got = inner_->Read(room, size);
  UpdateFacts();
  return got;
}

ssize_t HeaderIo::Write(const iovec* pieces, int count) {
  ssize_t put = net::kAgain;
  if (sent_ == size_ || Flush()) put = inner_->Write(pieces, count);
  if (failed_) put = net::kFailed;
  UpdateFacts();
  return put;
}

void HeaderIo::ShutdownWrite() {
  if (sent_ == size_) {
    inner_->ShutdownWrite();
    return;
  }
  shut_ = true;
  Flush();
  UpdateFacts();
}

// The client may delete this object: nothing comes after it was told.
void HeaderIo::OnIo(bool readable, bool writable) {
  const bool was_writable = writable_;
  if (sent_ < size_ && inner_->connected()) Flush();
  UpdateFacts();
  const bool can_write = writable_ && (writable || !was_writable);
  // A connection that is there, or failed, is told of whatever its output does.
  if (client_ != nullptr) client_->OnIo(readable, can_write);
}

}  // namespace weir::upstream
