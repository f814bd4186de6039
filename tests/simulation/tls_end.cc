#include "tests/simulation/tls_end.h"

#include <algorithm>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace weir::sim {
namespace {

TlsEnd* Of(const SSL* ssl) {
  return static_cast<TlsEnd*>(SSL_get_app_data(ssl));
}

std::string Reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return text == nullptr ? "unknown reason" : text;
}

}  // namespace

TlsEnd::TlsEnd(World* world, TlsKit* kit, test::SimLink* link, Side side, const std::string& alpn)
    : world_(world),
      kit_(kit),
      link_(link),
      ssl_(kit->NewSsl(side == Side::kServer)),
      server_(side == Side::kServer) {
  SSL_set_app_data(ssl_, this);
  if (!alpn.empty()) alpn_ = static_cast<char>(alpn.size()) + alpn;
  if (!server_ && !alpn_.empty()) {
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(alpn_.data()),
                        static_cast<unsigned>(alpn_.size()));
  }
  if (world->OneIn(3)) SSL_set_max_proto_version(ssl_, TLS1_2_VERSION);
  const size_t records[] = {16384, 16384, 16384, 1000, 100, 1};
  most_record_ = records[world->Below(6)];
  updates_left_ = world->OneIn(3) ? static_cast<uint32_t>(world->Below(20)) : 0;
  // A request tells its own length, an answer only with good will.
  truncates_ = world->OneIn(3) && (!server_ || world->variation().backend_cuts);
  link->set_door(this);
}

TlsEnd::~TlsEnd() {
  SSL_free(ssl_);
}

void TlsEnd::Serve(test::SimPeer* program) {
  program_ = program;
  if (server_) return;
  if (world_->OneIn(2)) kit_->Resume(program, ssl_);
  Pump();
}

bool TlsEnd::OnSession(ssl_st* ssl, ssl_session_st* session) {
  TlsEnd* end = Of(ssl);
  end->kit_->Keep(end->program_, session);
  return true;
}

const std::string& TlsEnd::AlpnOf(const ssl_st* ssl) {
  return Of(ssl)->alpn_;
}

void TlsEnd::Wrong(const std::string& what) {
  world_->Fail("link " + std::to_string(link_->id()) + ": TLS: " + what);
}

// ---- From the worker

void TlsEnd::OnBytes(std::string_view bytes) {
  BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size()));
  Pump();
}

bool TlsEnd::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  Flush();
  if (result != 1) {
    if (SSL_get_error(ssl_, result) != SSL_ERROR_WANT_READ) Wrong("no handshake: " + Reason());
    return false;
  }
  done_ = true;
  world_->Trace("link " + std::to_string(link_->id()) + " " + SSL_get_version(ssl_) +
                (SSL_session_reused(ssl_) == 1 ? " resumed" : ""));
  const std::string waiting = std::move(waiting_);
  waiting_.clear();
  if (!waiting.empty()) WriteNow(waiting);
  if (end_wanted_) link_->Fin();
  return true;
}

void TlsEnd::Pump() {
  if (!done_ && !Handshake()) return;
  while (!gone_) {
    char room[20000];
    ERR_clear_error();
    const int got = SSL_read(ssl_, room, sizeof(room));
    if (got <= 0) {
      const int error = SSL_get_error(ssl_, got);
      if (error == SSL_ERROR_ZERO_RETURN) {
        notified_ = true;
      } else if (error != SSL_ERROR_WANT_READ) {
        Wrong("no more records: " + Reason());
      }
      break;
    }
    const std::string_view bytes(room, static_cast<size_t>(got));
    if (tapped_) {
      if (expected_.compare(0, bytes.size(), bytes) != 0) return Wrong("not what was written");
      expected_.erase(0, bytes.size());
    }
    program_->OnBytes(bytes);
  }
  Flush();
}

void TlsEnd::OnFin() {
  // One that closes an idle connection cannot wait for its kernel to take the last word.
  if (done_ && !notified_ && !gone_ && !link_->closed_blocked())
    Wrong("a FIN without close_notify");
  Lose();
  program_->OnFin();
}

void TlsEnd::OnBroken() {
  gone_ = true;
  expected_.clear();
  program_->OnBroken();
}

size_t TlsEnd::ReadRoom() {
  return done_ ? program_->ReadRoom() : SIZE_MAX;
}

// ---- What the worker wrote and nobody will read

void TlsEnd::OnLost(std::string_view) {
  OnGone();
}

void TlsEnd::OnGone() {
  gone_ = true;
  Lose();
}

void TlsEnd::Lose() {
  const std::string lost = std::move(expected_);
  expected_.clear();
  if (!lost.empty()) program_->OnLost(lost);
}

void TlsEnd::OnWritten(std::string_view bytes) {
  tapped_ = true;
  expected_.append(bytes);
  if (gone_) Lose();
}

void TlsEnd::OnWorkerGone() {
  if (link_->broken()) OnGone();
}

// ---- From the program

void TlsEnd::Send(std::string_view bytes) {
  if (!done_) {
    waiting_.append(bytes);
    return;
  }
  WriteNow(bytes);
}

void TlsEnd::WriteNow(std::string_view bytes) {
  if (gone_ || ended_) return;
  const size_t most = std::max(most_record_, bytes.size() / 50);
  while (!bytes.empty()) {
    if (updates_left_ > 0 && SSL_version(ssl_) == TLS1_3_VERSION && world_->OneIn(8)) {
      --updates_left_;
      // A server that asks for the other direction's too, and closes behind its answer, has what is
      // said to that answered with a reset, which may eat the answer.
      const bool both = !server_ && world_->OneIn(2);
      SSL_key_update(ssl_, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    }
    ERR_clear_error();
    const int put = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min(most, bytes.size())));
    if (put <= 0) return Wrong("nothing can be written: " + Reason());
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  Flush();
}

void TlsEnd::Flush() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl_), &data);
  if (size <= 0) return;
  link_->Carry({data, static_cast<size_t>(size)});
  (void)BIO_reset(SSL_get_wbio(ssl_));
}

bool TlsEnd::OnEnding() {
  end_wanted_ = true;
  if (!done_ || ended_) return done_;
  ended_ = true;
  if (truncates_) return true;
  ERR_clear_error();
  SSL_shutdown(ssl_);
  Flush();
  return true;
}

bool TlsEnd::OnClosing(std::string_view unread) {
  if (!done_) return !unread.empty();
  // Who closes has read what was there; other than the program's bytes it forgets.
  BIO_write(SSL_get_rbio(ssl_), unread.data(), static_cast<int>(unread.size()));
  char byte;
  ERR_clear_error();
  const bool any = SSL_read(ssl_, &byte, 1) == 1;
  OnEnding();
  return any;
}

}  // namespace weir::sim
