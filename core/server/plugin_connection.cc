#include "core/server/plugin_connection.h"

namespace weir::server {
namespace {

constexpr uint64_t kReadPerTurn = 262144;

}  // namespace

bool PullInput(net::Io* io, net::WorkerContext* worker, NetworkChain* chain, bool* eof) {
  uint64_t total = 0;
  // A RST that came with bytes is part of their edge and says so only to who reads once more.
  bool look_again = false;
  while ((io->readable() || look_again) && !*eof && total < kReadPerTurn && chain->wants_input() &&
         chain->close() == NetworkChain::Close::kNo) {
    base::Slab* slab = worker->receive->Prepare();
    const ssize_t got = io->Read(slab->data() + slab->used, slab->room());
    if (got == net::kFailed) return false;
    if (got == net::kAgain) break;
    if (got == 0) *eof = true;
    const auto size = static_cast<uint32_t>(got);
    if (size > 0) {
      chain->input()->Push(base::Slice::Of(slab, slab->data() + slab->used, size));
    }
    chain->facts()->CountReceived(size);
    slab->used += size;
    total += size;
    look_again = true;
    chain->OnInput(*eof);
  }
  return true;
}

bool DiscardInput(net::Io* io, net::WorkerContext* worker) {
  base::Slab* slab = worker->receive->Prepare();
  uint64_t total = 0;
  while (io->readable() && total < kReadPerTurn) {
    const ssize_t got = io->Read(slab->data() + slab->used, slab->room());
    if (got == 0 || got == net::kFailed) return false;
    if (got == net::kAgain) break;
    total += static_cast<uint64_t>(got);
  }
  return true;
}

PluginConnection::PluginConnection(net::AcceptedConnection&& accepted, net::WorkerContext* worker,
                                   const PluginChain* chain)
    : ServedConnection(std::move(accepted), worker),
      chain_(chain, worker, this, buffer_limit(),
             ConnectionFacts(peer(), local(), io(), notes(), id())) {
  io_->set_client(this);
}

void PluginConnection::Start() {
  chain_.OnNewConnection();
  if (draining()) chain_.OnDrain();
  Settle();
}

void PluginConnection::OnIo(bool, bool writable) {
  Pump();
  if (writable) worker_->reactor->MarkDirty(this);
}

void PluginConnection::Pump() {
  if (lingering_) {
    Discard();
    return;
  }
  if (!PullInput(io_.get(), worker_, &chain_, &eof_)) {
    End(false);
    return;
  }
  Settle();
}

void PluginConnection::Settle() {
  if (chain_.close() == NetworkChain::Close::kReset) {
    End(true);
    return;
  }
  if (!chain_.output()->empty() || chain_.wrote_end() ||
      chain_.close() == NetworkChain::Close::kFlush) {
    worker_->reactor->MarkDirty(this);
  }
  if (io_->readable() && !eof_ && chain_.wants_input()) worker_->reactor->WantRead(this);
}

void PluginConnection::OnFlush() {
  http::OutQueue* output = chain_.output();
  if (!output->empty() && io_->writable()) {
    const ssize_t put = output->WriteTo(io_.get());
    if (put == net::kFailed) {
      End(false);
      return;
    }
    chain_.facts()->CountSent(put);
    if (!lingering_) chain_.OnOutputRoom();
  }
  const bool done = chain_.wrote_end() || chain_.close() == NetworkChain::Close::kFlush;
  if (output->empty() && done && !fin_sent_) {
    fin_sent_ = true;
    io_->ShutdownWrite();
    if (eof_) {
      End(false);
      return;
    }
  }
  if (fin_sent_ && !lingering_ && chain_.close() == NetworkChain::Close::kFlush) {
    lingering_ = true;
    worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + kLingerMs);
    chain_.input()->Clear();
    Discard();
    return;
  }
  chain_.input()->Compact();
  output->Compact();
  // Output that the socket takes now was made by OnOutputRoom, and goes in the next round.
  if (chain_.close() == NetworkChain::Close::kReset || (io_->writable() && !output->empty()))
    Settle();
  if (io_->readable() && !eof_ && chain_.wants_input()) worker_->reactor->WantRead(this);
}

void PluginConnection::Discard() {
  if (!DiscardInput(io_.get(), worker_)) {
    End(false);
    return;
  }
  if (io_->readable()) worker_->reactor->WantRead(this);
}

void PluginConnection::OnDeferred() {
  chain_.Continue();
  Settle();
}

void PluginConnection::Drain() {
  if (lingering_) return;
  chain_.OnDrain();
  Settle();
}

void PluginConnection::OnDeadline() {
  End(false);
}

void PluginConnection::DeferContinue() {
  worker_->reactor->Defer(this);
}

void PluginConnection::End(bool abort) {
  if (abort) io_->AbortOnClose();
  worker_->reactor->Retire(this);
}

}  // namespace weir::server
