#include "core/server/filtered_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/server/plugin_connection.h"

namespace weir::server {

FilteredIo::FilteredIo(std::unique_ptr<net::Io> inner, net::WorkerContext* worker,
                       const PluginChain* chain, uint32_t buffer_limit, const net::Address& peer,
                       const net::Address& local)
    : inner_(std::move(inner)),
      worker_(worker),
      chain_(chain, worker, this, buffer_limit, peer, local) {
  inner_->set_client(this);
}

bool FilteredIo::Start() {
  chain_.OnNewConnection();
  FlushOutput();
  if (chain_.close() == NetworkChain::Close::kReset) inner_->AbortOnClose();
  return chain_.close() == NetworkChain::Close::kNo;
}

void FilteredIo::Fail(int error) {
  failed_ = true;
  error_ = error;
  // The terminal hears of it from the loop, not from inside its own call.
  worker_->reactor->Defer(this);
}

bool FilteredIo::FlushOutput() {
  http::OutQueue* output = chain_.output();
  if (!output->empty()) {
    if (output->WriteTo(inner_.get()) == net::kFailed) {
      Fail(inner_->error());
      return false;
    }
    chain_.OnOutputRoom();
  }
  if (!output->empty()) return false;
  if (shutdown_wanted_ || chain_.wrote_end()) inner_->ShutdownWrite();
  return true;
}

void FilteredIo::AfterHooks() {
  const bool flushed = FlushOutput();
  if (failed_ || chain_.close() == NetworkChain::Close::kNo) return;
  const bool reset = chain_.close() == NetworkChain::Close::kReset;
  if (reset) inner_->AbortOnClose();
  if (reset || flushed) Fail(ECONNABORTED);
}

void FilteredIo::Pull() {
  if (failed_ || !readable_ || eof_) return;
  if (!PullInput(inner_.get(), worker_, &chain_, &readable_, &eof_)) {
    Fail(inner_->error());
    return;
  }
  AfterHooks();
}

bool FilteredIo::HasNews() const {
  return failed_ || chain_.has_passed();
}

void FilteredIo::OnIo(bool readable, bool writable) {
  readable_ = readable_ || readable;
  if (writable && !chain_.output()->empty()) AfterHooks();
  Pull();
  const bool can_write = failed_ || (writable && chain_.output()->empty());
  // The client may delete this object: nothing comes after.
  if (client_ != nullptr && (HasNews() || can_write)) client_->OnIo(HasNews(), can_write);
}

void FilteredIo::OnDeferred() {
  if (!failed_) {
    chain_.Continue();
    AfterHooks();
    Pull();
  }
  if (client_ != nullptr && HasNews()) client_->OnIo(true, failed_);
}

ssize_t FilteredIo::Read(uint8_t* room, size_t size) {
  size_t total = 0;
  http::SliceQueue* passed = chain_.passed();
  while (total < size) {
    if (passed->empty()) Pull();
    if (passed->empty() || failed_) break;
    const base::Slice& slice = passed->front();
    const size_t piece = std::min<size_t>(slice.size(), size - total);
    std::memcpy(room + total, slice.data(), piece);
    passed->Drain(piece);
    total += piece;
  }
  if (total > 0) return static_cast<ssize_t>(total);
  if (failed_) return net::kFailed;
  return chain_.passed_eof() ? 0 : net::kAgain;
}

ssize_t FilteredIo::Write(const iovec* pieces, int count) {
  if (failed_) return net::kFailed;
  // While the filters close the connection nothing may follow what they wrote.
  if (!FlushOutput() || chain_.close() != NetworkChain::Close::kNo)
    return failed_ ? net::kFailed : net::kAgain;
  return inner_->Write(pieces, count);
}

void FilteredIo::ShutdownWrite() {
  shutdown_wanted_ = true;
  if (!failed_) FlushOutput();
}

}  // namespace weir::server
