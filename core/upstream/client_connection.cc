#include "core/upstream/client_connection.h"

#include <utility>

#include "core/upstream/pool.h"

namespace weir::upstream {

ClientConnection::ClientConnection(Pool* pool, Host* host, std::unique_ptr<net::Io> io,
                                   const http::CodecSet* codecs)
    : CodecConnection(pool->worker(), std::move(io), codecs), pool_(pool), host_(host) {}

void ClientConnection::StartConnecting(uint64_t timeout_ms) {
  net::Reactor* reactor = context()->reactor;
  SetOwnDeadline(timeout_ms == 0 ? 0 : reactor->now_ms() + timeout_ms);
  Start();
  // Unix sockets connect at once: the pool's waiters are then served in the deferred phase, as with
  // any other.
  if (io()->connected()) {
    settle_ = true;
    reactor->Defer(this);
  }
}

void ClientConnection::OnConnected() {
  settle_ = true;
  context()->reactor->Defer(this);
}

bool ClientConnection::OpenStream(http::CodecStream* stream) {
  if (!Open(stream)) return false;
  idle_link_.Unlink();
  ++active_;
  ++requests_;
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
  settle_ = true;
  context()->reactor->Defer(this);
}

void ClientConnection::OnDeferred() {
  CodecConnection::OnDeferred();
  if (finished() || !settle_) return;
  settle_ = false;
  if (state_ == State::kConnecting && io()->connected()) {
    state_ = State::kReady;
    connecting_ = false;
    SetOwnDeadline(0);
    pool_->OnConnected(this);
    return;
  }
  if (Usable()) {
    pool_->OnRoom(this);
  } else if (active_ == 0) {
    Close();
  }
}

void ClientConnection::OnInputEnd() {
  state_ = State::kClosing;
  idle_link_.Unlink();
  if (active_ == 0) Close();
}

void ClientConnection::OnConnectionError(const weir_error& error) {
  pool_->stats().upstream_cx_protocol_error->Add();
  state_ = State::kClosing;
  FailStreams(error.reason);
  Close();
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
  // One whose end came with its beginning never was of use: it failed to connect.
  pool_->OnGone(this, connecting_, timed_out_);
}

}  // namespace weir::upstream
