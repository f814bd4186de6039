#include "core/upstream/client_connection.h"

#include <utility>

#include "core/upstream/pool.h"

namespace weir::upstream {
namespace {

// How long a backend that broke the protocol may take to hear why.
constexpr uint64_t kLastWordsMs = 1'000;

}  // namespace

ClientConnection::ClientConnection(Pool* pool, Host* host, std::unique_ptr<net::Io> io,
                                   const http::CodecSet* codecs)
    : CodecConnection(pool->worker(), std::move(io), codecs),
      pool_(pool),
      host_(host),
      since_ms_(pool->worker()->reactor->now_ms()) {
  set_flush_ms(kLastWordsMs);
}

void ClientConnection::Settle() {
  settle_ = true;
  context()->reactor->Defer(this);
}

void ClientConnection::StartConnecting(uint64_t timeout_ms) {
  SetOwnDeadline(timeout_ms == 0 ? 0 : context()->reactor->now_ms() + timeout_ms);
  Start();
  // Unix sockets connect at once: the pool's waiters are then served in the deferred phase, as with
  // any other.
  if (io()->connected()) Settle();
}

void ClientConnection::OnConnected() {
  Settle();
}

// Room for streams comes with the peer's first words, and goes and comes later.
void ClientConnection::OnShown(bool) {
  if (closing()) return;
  const bool changed = state_ == State::kConnecting
                           ? Capacity() > 0 || !Reusable()
                           : idle_link_.linked() != Usable() || (Leaves() && !leaving_);
  if (changed) Settle();
}

bool ClientConnection::OpenStream(http::CodecStream* stream) {
  if (!Open(stream)) return false;
  idle_link_.Unlink();
  ++active_;
  ++requests_;
  worn_out_ = pool_->WornOut(this);
  SetOwnDeadline(0);
  return true;
}

void ClientConnection::StreamDone(bool clean) {
  --active_;
  if (!clean && !multiplexed()) {
    // What is left of the exchange would be taken for the next one's.
    state_ = State::kClosing;
  }
  if (clean && Usable()) {
    pool_->OnRoom(this);
    return;
  }
  Settle();
}

void ClientConnection::OnDeferred() {
  CodecConnection::OnDeferred();
  if (closing() || !settle_) return;
  settle_ = false;
  if (state_ == State::kConnecting && io()->connected()) {
    if (Capacity() == 0 && Reusable()) return;  // the peer has yet to say how many it takes
    if (!Reusable()) return Close();
    state_ = State::kReady;
    connecting_ = false;
    io()->LocalAddress(&local_);
    SetOwnDeadline(0);
    pool_->stats().upstream_cx_connect_ms.Record(context()->reactor->now_ms() - since_ms_);
    pool_->OnConnected(this);
    return;
  }
  if (Usable()) {
    pool_->OnRoom(this);
    return;
  }
  idle_link_.Unlink();
  if (active_ > 0) {
    if (Leaves()) pool_->OnLeaving(this);
    return;
  }
  if (worn_out_ && state_ != State::kClosing) pool_->stats().upstream_cx_max_requests->Add();
  Close();
}

void ClientConnection::OnInputEnd() {
  state_ = State::kClosing;
  idle_link_.Unlink();
  if (active_ == 0) Close();
}

void ClientConnection::OnConnectionError(const weir_error& error) {
  pool_->stats().upstream_cx_protocol_error->Add();
  state_ = State::kClosing;
  idle_link_.Unlink();
  // A peer that is told what it did wrong is told before the end; but a request that waits in the
  // output may be sent elsewhere now, and does not go.
  const bool flush = multiplexed() && !OutputWaits();
  FailStreams(error.reason);
  Finish(flush, error.reason);
}

void ClientConnection::OnOwnDeadline() {
  if (state_ == State::kConnecting) {
    timed_out_ = true;
    Close();
  } else if (active_ == 0) {
    pool_->stats().upstream_cx_idle_timeout->Add();
    Close();
  }
}

void ClientConnection::OnGone(uint32_t) {
  state_ = State::kClosing;
  idle_link_.Unlink();
  all_link_.Unlink();
  if (!connecting_)
    pool_->stats().upstream_cx_length_ms.Record(context()->reactor->now_ms() - since_ms_);
  // One whose end came with its beginning never was of use: it failed to connect.
  pool_->OnGone(this, connecting_, timed_out_);
}

}  // namespace weir::upstream
