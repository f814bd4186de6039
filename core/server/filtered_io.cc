#include "core/server/filtered_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/server/plugin_connection.h"

namespace weir::server {
namespace {

// How often in a row filters may fill the room that their output left.
constexpr int kFlushRounds = 4;

}  // namespace

FilteredIo::FilteredIo(std::unique_ptr<net::Io> inner, net::WorkerContext* worker,
                       const PluginChain* chain, uint32_t buffer_limit, const net::Address& peer,
                       const net::Address& local, const net::ConnectionNotes* notes, uint64_t id)
    : inner_(std::move(inner)),
      worker_(worker),
      notes_(notes == nullptr ? nullptr : new net::ConnectionNotes(*notes)),
      chain_(chain, worker, this, buffer_limit,
             ConnectionFacts(peer, local, inner_.get(), notes_.get(), id)) {
  inner_->set_client(this);
}

bool FilteredIo::Start() {
  chain_.OnNewConnection();
  AfterHooks();
  UpdateFacts();
  return chain_.close() != NetworkChain::Close::kReset;
}

void FilteredIo::Fail(int error) {
  if (failed_) return;
  failed_ = true;
  error_ = error;
  // The terminal hears of it from the loop, not from inside its own call.
  worker_->reactor->Defer(this);
}

bool FilteredIo::FlushOutput() {
  http::OutQueue* output = chain_.output();
  for (int round = 0; !output->empty(); ++round) {
    // No edge tells of room that is there already: what a filter wrote into it must be tried too.
    if (round == kFlushRounds) {
      worker_->reactor->Defer(this);
      return false;
    }
    const ssize_t put = output->WriteTo(inner_.get());
    if (put == net::kFailed) {
      Fail(inner_->error());
      return false;
    }
    chain_.facts()->CountSent(put);
    chain_.OnOutputRoom();
    if (!output->empty() && !inner_->writable()) return false;
  }
  if ((shutdown_wanted_ || chain_.wrote_end()) && !shut_) {
    shut_ = true;
    inner_->ShutdownWrite();
  }
  return true;
}

bool FilteredIo::AfterHooks() {
  if (failed_) return false;
  const bool flushed = FlushOutput();
  if (failed_) return false;
  if (open()) return flushed;
  if (chain_.close() == NetworkChain::Close::kReset) {
    inner_->AbortOnClose();
    Fail(ECONNABORTED);
  } else if (flushed && !lingering_) {
    Linger();
  }
  return false;
}

void FilteredIo::Linger() {
  lingering_ = true;
  if (!shut_) inner_->ShutdownWrite();
  shut_ = true;
  chain_.input()->Clear();
  chain_.passed()->Clear();
  worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + kLingerMs);
  Discard();
}

void FilteredIo::Discard() {
  if (eof_ || !DiscardInput(inner_.get(), worker_)) {
    Fail(ECONNABORTED);
  } else if (inner_->readable()) {
    worker_->reactor->WantRead(this);
  }
}

void FilteredIo::Pull() {
  if (failed_ || eof_ || !inner_->readable()) return;
  if (lingering_) return Discard();
  if (!PullInput(inner_.get(), worker_, &chain_, &eof_)) {
    Fail(inner_->error());
    return;
  }
  AfterHooks();
  // A turn's share was read and the filters kept it: the terminal hears of nothing, and what waits
  // in the socket has had its edge.
  if (inner_->readable() && !failed_ && !eof_ && open() && chain_.wants_input() &&
      !chain_.has_passed())
    worker_->reactor->WantRead(this);
}

void FilteredIo::UpdateFacts() {
  const bool more = inner_->readable() && !eof_ && open() && chain_.wants_input();
  readable_ = HasNews() || more;
  writable_ = failed_ || (inner_->writable() && open() && chain_.output()->empty());
}

void FilteredIo::OnIo(bool, bool writable) {
  const bool was_blocked = !writable_;
  if (writable && !chain_.output()->empty()) AfterHooks();
  Pull();
  UpdateFacts();
  const bool news = HasNews();
  const bool can_write = writable_ && (writable || was_blocked);
  // The client may delete this object: nothing comes after.
  if (client_ != nullptr && (news || can_write)) client_->OnIo(news, can_write);
}

void FilteredIo::OnDeferred() {
  const bool was_blocked = !writable_;
  if (!failed_) {
    chain_.Continue();
    AfterHooks();
    Pull();
  }
  UpdateFacts();
  const bool news = HasNews();
  const bool can_write = failed_ || (was_blocked && writable_);
  if (client_ != nullptr && (news || can_write)) client_->OnIo(news, can_write);
}

void FilteredIo::Drain() {
  if (failed_ || lingering_ || !open()) return;
  chain_.OnDrain();
  // What they asked for is done from the loop: the terminal is in the middle of its own drain.
  worker_->reactor->Defer(this);
}

ssize_t FilteredIo::Read(uint8_t* room, size_t size) {
  size_t total = 0;
  http::SliceQueue* passed = chain_.passed();
  while (total < size) {
    if (passed->empty()) Pull();
    // Where the socket failed, what came before that is still delivered, as a socket does; a filter
    // that closes the connection wants nothing more of it served.
    if (passed->empty() || !open()) break;
    const base::Slice& slice = passed->front();
    const size_t piece = std::min<size_t>(slice.size(), size - total);
    std::memcpy(room + total, slice.data(), piece);
    passed->Drain(piece);
    total += piece;
  }
  if (total == 0 && chain_.passed_eof()) eof_taken_ = true;
  UpdateFacts();
  if (total > 0) return static_cast<ssize_t>(total);
  if (failed_) return net::kFailed;
  return eof_taken_ ? 0 : net::kAgain;
}

ssize_t FilteredIo::Write(const iovec* pieces, int count) {
  if (failed_) return net::kFailed;
  // What the filters wrote goes first; behind their end, or while they close, nothing follows.
  if (!AfterHooks()) {
    UpdateFacts();
    return failed_ ? net::kFailed : net::kAgain;
  }
  if (chain_.wrote_end()) {
    error_ = EPIPE;
    return net::kFailed;
  }
  const ssize_t put = inner_->Write(pieces, count);
  chain_.facts()->CountSent(put);
  UpdateFacts();
  return put;
}

void FilteredIo::ShutdownWrite() {
  shutdown_wanted_ = true;
  if (!failed_) AfterHooks();
  UpdateFacts();
}

}  // namespace weir::server
