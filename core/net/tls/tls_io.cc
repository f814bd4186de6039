#include "core/net/tls/tls_io.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <openssl/err.h>

#include "core/net/tls/openssl.h"
#include "core/net/tls/peer_certificate.h"
#include "core/net/tls_names.h"

namespace weir::net::tls {
namespace {

// Less than this is never read at once: the rest is kept for a next call.
constexpr uint32_t kLeastPull = 4096;
constexpr uint32_t kMaxRest = 262144;

// One record's plaintext after the other out of a vector: a long piece is used where it lies, short
// ones are copied together.
class Records {
 public:
  Records(const iovec* pieces, int count, uint8_t* room)
      : piece_(pieces), end_(pieces + count), room_(room) {
    for (int i = 0; i < count; ++i) left_ += pieces[i].iov_len;
  }

  size_t left() const { return left_; }

  // The next record, not empty while left() is not 0.
  size_t Next(const uint8_t** data) {
    constexpr size_t kRecord = TlsWorker::Scratch::kRecord;
    const size_t want = std::min(left_, kRecord);
    left_ -= want;
    while (offset_ == piece_->iov_len) Advance();
    if (piece_->iov_len - offset_ >= want) {
      *data = At();
      offset_ += want;
      return want;
    }
    for (size_t have = 0; have < want;) {
      if (offset_ == piece_->iov_len) Advance();
      const size_t n = std::min(want - have, piece_->iov_len - offset_);
      std::memcpy(room_ + have, At(), n);
      have += n;
      offset_ += n;
    }
    *data = room_;
    return want;
  }

 private:
  const uint8_t* At() const { return static_cast<const uint8_t*>(piece_->iov_base) + offset_; }
  void Advance() {
    if (piece_ + 1 != end_) ++piece_;
    offset_ = 0;
  }

  const iovec* piece_;
  const iovec* end_;
  uint8_t* room_;
  size_t offset_ = 0;
  size_t left_ = 0;
};

TlsFailure KindOf(long verify_result) {
  const bool name = verify_result == X509_V_ERR_HOSTNAME_MISMATCH ||
                    verify_result == X509_V_ERR_IP_ADDRESS_MISMATCH ||
                    verify_result == X509_V_ERR_EMAIL_MISMATCH;
  return name ? TlsFailure::kName : TlsFailure::kVerify;
}

bool Retry(int error) {
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

}  // namespace

// OpenSSL's door to the bytes: it reads what was fed and writes into what is gathered, so nothing
// in it waits for a socket.
struct TlsBio {
  static TlsIo* Of(BIO* bio) { return static_cast<TlsIo*>(BIO_get_data(bio)); }

  static int Read(BIO* bio, char* room, size_t size, size_t* got) {
    BIO_clear_retry_flags(bio);
    *got = Of(bio)->Pull(reinterpret_cast<uint8_t*>(room), size);
    if (*got > 0) return 1;
    // A peer that asks for too much must not be asked for more.
    if (!Of(bio)->flooded_) BIO_set_retry_read(bio);
    return 0;
  }

  static int Write(BIO* bio, const char* data, size_t size, size_t* put) {
    BIO_clear_retry_flags(bio);
    Of(bio)->Collect(reinterpret_cast<const uint8_t*>(data), size);
    *put = size;
    return 1;
  }

  static long Control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static BIO_METHOD* Method() {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
      BIO_meth_set_read_ex(made, Read);
      BIO_meth_set_write_ex(made, Write);
      BIO_meth_set_ctrl(made, Control);
      return made;
    }();
    return method;
  }

  static void OnInfo(const SSL* ssl, int where, int) {
    if ((where & SSL_CB_LOOP) == 0) return;
    TlsIo* io = TlsIo::Of(ssl);
    if (io != nullptr && io->finished_) io->CountControl();
  }
};

std::unique_ptr<TlsIo> TlsIo::Make(std::unique_ptr<Io> inner, ssl_st* ssl, Position position,
                                   TlsWorker* worker, TlsEvents* events) {
  std::unique_ptr<TlsIo> io(new TlsIo(std::move(inner), ssl, position, worker, events));
  BIO* bio = SSL_get_rbio(ssl);
  BIO_set_data(bio, io.get());
  BIO_set_init(bio, 1);
  return io;
}

bool TlsIo::AddBio(ssl_st* ssl) {
  BIO* bio = BIO_new(TlsBio::Method());
  if (bio == nullptr) return false;
  SSL_set_bio(ssl, bio, bio);
  return true;
}

void TlsIo::Watch(ssl_ctx_st* ctx) {
  SSL_CTX_set_info_callback(ctx, TlsBio::OnInfo);
}

TlsIo* TlsIo::Of(const ssl_st* ssl) {
  return static_cast<TlsIo*>(SSL_get_app_data(ssl));
}

TlsIo::TlsIo(std::unique_ptr<Io> inner, ssl_st* ssl, Position position, TlsWorker* worker,
             TlsEvents* events)
    : inner_(std::move(inner)), ssl_(ssl), worker_(worker), events_(events), position_(position) {
  SSL_set_app_data(ssl_, this);
  inner_->set_client(this);
}

TlsIo::~TlsIo() {
  if (state_ == State::kOpen && !notified_ && rest_size_ == 0 && !write_failed_) {
    ClearErrors();
    SSL_shutdown(ssl_);
    Send(nullptr, 0);
  }
  SSL_free(ssl_);
  ClearErrors();
  DropFeed();
  DropRest();
}

void TlsIo::AbortOnClose() {
  notified_ = true;
  inner_->AbortOnClose();
}

// ---- The handshake ----------------------------------------------------------------------------

void TlsIo::OnIo(bool readable, bool writable) {
  if (state_ == State::kHandshake) {
    if (!inner_->connected()) {
      if (inner_->error() == 0) return;
      Break(inner_->error());
    } else if (!Handshake()) {
      return;
    }
    readable = writable = true;
  } else if (writable && rest_size_ > 0) {
    Send(nullptr, 0);
  }
  if (close_wanted_) CloseWrite();
  UpdateFacts();
  // The client may delete this object: nothing comes after.
  if (client_ != nullptr) client_->OnIo(readable, writable && writable_);
}

bool TlsIo::Handshake() {
  ClearErrors();
  for (;;) {
    pull_limit_ = TlsWorker::Scratch::kIn;
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
      FinishHandshake();
      break;
    }
    if (!Retry(SSL_get_error(ssl_, result))) {
      BreakHandshake();
      break;
    }
    if (feed_size_ > 0 || (inner_->readable() && !inner_ended_)) continue;
    if (inner_ended_) {
      Break(inner_failed_ ? inner_->error() : ECONNRESET);
      Report(TlsFailure::kGone, nullptr);
    }
    break;
  }
  Send(nullptr, 0);
  KeepFeed();
  UpdateFacts();
  return state_ != State::kHandshake;
}

void TlsIo::FinishHandshake() {
  state_ = State::kOpen;
  finished_ = true;
  if (events_ != nullptr) events_->OnHandshake(*this);
}

void TlsIo::BreakHandshake() {
  Break(EPROTO);
  const unsigned long code = ERR_peek_last_error();
  const long verify = SSL_get_verify_result(ssl_);
  if (ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    Report(TlsFailure::kNoCertificate, "the peer showed no certificate");
  } else if (verify != X509_V_OK && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    Report(KindOf(verify), X509_verify_cert_error_string(verify));
  } else {
    Report(TlsFailure::kProtocol, ERR_reason_error_string(code));
  }
  ClearErrors();
}

// ---- Reading ----------------------------------------------------------------------------------

size_t TlsIo::Pull(uint8_t* room, size_t size) {
  if (feed_size_ == 0) {
    DropFeed();
    if (pull_limit_ == 0 || inner_ended_ || flooded_ || !inner_->readable()) return 0;
    uint8_t* in = worker_->scratch()->in;
    const ssize_t got = inner_->Read(in, pull_limit_);
    pull_limit_ = 0;
    if (got == kAgain) return 0;
    if (got <= 0) {
      inner_ended_ = true;
      inner_failed_ = got == kFailed;
      return 0;
    }
    feed_ = in;
    feed_size_ = static_cast<uint32_t>(got);
  }
  const auto n = static_cast<uint32_t>(std::min<size_t>(size, feed_size_));
  std::memcpy(room, feed_, n);
  feed_ += n;
  feed_size_ -= n;
  return n;
}

void TlsIo::KeepFeed() {
  pull_limit_ = 0;
  if (feed_size_ == 0) {
    DropFeed();
    return;
  }
  if (feed_slab_ != nullptr) return;
  feed_slab_ = worker_->pool()->Take(feed_size_);
  std::memcpy(feed_slab_->data(), feed_, feed_size_);
  feed_ = feed_slab_->data();
}

void TlsIo::DropFeed() {
  if (feed_slab_ != nullptr) base::SlabPool::Release(feed_slab_);
  feed_slab_ = nullptr;
}

ssize_t TlsIo::Read(uint8_t* room, size_t size) {
  size_t total = 0;
  if (state_ == State::kOpen && !eof_) {
    ClearErrors();
    const auto most = static_cast<uint32_t>(std::min(size, TlsWorker::Scratch::kIn));
    pull_limit_ = std::max(most, kLeastPull);
    while (total < size) {
      size_t got = 0;
      const int result = SSL_read_ex(ssl_, room + total, size - total, &got);
      total += got;
      if (result == 1) continue;
      Settle(result);
      if (total > 0 || state_ != State::kOpen || eof_ || !inner_->readable() || inner_ended_) break;
      // Bytes, but no plaintext: no event would come for what else there is.
      pull_limit_ = kLeastPull;
    }
    if (gathered_ > 0) Send(nullptr, 0);
    KeepFeed();
  }
  if (total == 0) end_told_ = eof_ || state_ == State::kBroken;
  UpdateFacts();
  if (total > 0) return static_cast<ssize_t>(total);
  if (state_ == State::kBroken) return kFailed;
  return eof_ ? 0 : kAgain;
}

void TlsIo::Settle(int result) {
  const int error = SSL_get_error(ssl_, result);
  if (Retry(error)) {
    if (inner_ended_) Truncated();
    return;
  }
  if (error == SSL_ERROR_ZERO_RETURN) {
    eof_ = true;
    return;
  }
  Break(EPROTO);
  if (flooded_) {
    Report(TlsFailure::kTooManyUpdates, "too many key updates");
  } else {
    Report(TlsFailure::kProtocol, ERR_reason_error_string(ERR_peek_last_error()));
  }
  ClearErrors();
}

void TlsIo::Truncated() {
  if (inner_failed_) return Break(inner_->error());
  truncated_ = true;
  if (position_ == Position::kServer && SSL_has_pending(ssl_) == 0) {
    eof_ = true;
  } else {
    Break(ECONNRESET);
  }
}

// ---- Writing ----------------------------------------------------------------------------------

ssize_t TlsIo::Write(const iovec* pieces, int count) {
  if (state_ == State::kHandshake) return kAgain;
  if (state_ == State::kOpen && rest_size_ > 0) Send(nullptr, 0);
  if (state_ == State::kOpen && notified_) Break(EPIPE);
  if (state_ == State::kBroken || write_failed_) return kFailed;
  size_t total = 0;
  size_t passed = 0;  // of it, what the inner Io took or we keep: it is not unwritten by an error
  Records records(pieces, count, worker_->scratch()->plain);
  ClearErrors();
  while (rest_size_ == 0 && records.left() > 0) {
    using Scratch = TlsWorker::Scratch;
    const uint8_t* data;
    const size_t size = records.Next(&data);
    // The last record before the inner Write is sent from where OpenSSL made it.
    send_now_ = records.left() == 0 || gathered_ + 2 * (Scratch::kRecord + 32) > Scratch::kGather;
    size_t put = 0;
    const int result = SSL_write_ex(ssl_, data, size, &put);
    send_now_ = false;
    if (result != 1) Settle(result);
    if (state_ == State::kBroken || write_failed_) break;
    total += put;
    if (gathered_ == 0) passed = total;
    if (put < size) break;
  }
  if (gathered_ > 0) Send(nullptr, 0);
  UpdateFacts();
  if (state_ == State::kBroken || write_failed_)
    return passed > 0 ? static_cast<ssize_t>(passed) : kFailed;
  return total == 0 && count > 0 ? kAgain : static_cast<ssize_t>(total);
}

void TlsIo::Collect(const uint8_t* data, size_t size) {
  TlsWorker::Scratch* scratch = worker_->scratch();
  if (send_now_ || gathered_ + size > sizeof(scratch->out)) {
    Send(data, size);
    return;
  }
  std::memcpy(scratch->out + gathered_, data, size);
  gathered_ += static_cast<uint32_t>(size);
}

// What waits, what is gathered and `more` in one Write; keeps what was not taken.
void TlsIo::Send(const uint8_t* more, size_t more_size) {
  iovec pieces[3];
  int count = 0;
  const auto add = [&](const uint8_t* data, size_t size) {
    if (size > 0) pieces[count++] = {const_cast<uint8_t*>(data), size};
  };
  const uint8_t* out = worker_->scratch()->out;
  add(rest_, rest_size_);
  add(out, gathered_);
  add(more, more_size);
  if (count == 0) return;
  ssize_t put = write_failed_ ? kFailed : kAgain;
  if (!write_failed_ && inner_->writable()) put = inner_->Write(pieces, count);
  const auto gathered = std::exchange(gathered_, 0u);
  if (put == kFailed) {
    // What came before the peer's RST can still be read.
    write_failed_ = true;
    DropRest();
    return;
  }
  size_t sent = put == kAgain ? 0 : static_cast<size_t>(put);
  const auto take = [&](size_t size) {
    const size_t n = std::min(sent, size);
    sent -= n;
    return n;
  };
  const size_t from_rest = take(rest_size_);
  rest_ += from_rest;
  rest_size_ -= static_cast<uint32_t>(from_rest);
  const size_t from_gathered = take(gathered);
  KeepRest(out + from_gathered, gathered - from_gathered);
  const size_t from_more = take(more_size);
  KeepRest(more + from_more, more_size - from_more);
  if (rest_size_ == 0) DropRest();
}

void TlsIo::KeepRest(const uint8_t* data, size_t size) {
  if (size == 0 || write_failed_) return;
  const size_t all = rest_size_ + size;
  if (all > kMaxRest) {
    // Only what nobody asked us to write can come to this: answers to a peer that reads nothing.
    write_failed_ = true;
    Break(ENOBUFS);
    DropRest();
    return;
  }
  const bool fits = rest_slab_ != nullptr && static_cast<size_t>(rest_slab_->end() - rest_) >= all;
  if (!fits) {
    base::Slab* slab = worker_->pool()->Take(static_cast<uint32_t>(all));
    if (rest_size_ > 0) std::memcpy(slab->data(), rest_, rest_size_);
    if (rest_slab_ != nullptr) base::SlabPool::Release(rest_slab_);
    rest_slab_ = slab;
    rest_ = slab->data();
  }
  std::memcpy(const_cast<uint8_t*>(rest_) + rest_size_, data, size);
  rest_size_ = static_cast<uint32_t>(all);
}

void TlsIo::DropRest() {
  if (rest_slab_ != nullptr) base::SlabPool::Release(rest_slab_);
  rest_slab_ = nullptr;
  rest_ = nullptr;
  rest_size_ = 0;
}

// ---- The end ----------------------------------------------------------------------------------

void TlsIo::ShutdownWrite() {
  close_wanted_ = true;
  CloseWrite();
  UpdateFacts();
}

void TlsIo::CloseWrite() {
  if (state_ != State::kOpen) return;
  if (!notified_) {
    notified_ = true;
    ClearErrors();
    SSL_shutdown(ssl_);
    Send(nullptr, 0);
  }
  if (rest_size_ > 0 || inner_shut_) return;
  inner_shut_ = true;
  inner_->ShutdownWrite();
}

void TlsIo::Break(int error) {
  state_ = State::kBroken;
  error_ = error == 0 ? EPROTO : error;
}

void TlsIo::Report(TlsFailure failure, const char* reason) {
  if (reported_ || events_ == nullptr) return;
  reported_ = true;
  events_->OnTlsFailure(failure, reason);
}

void TlsIo::UpdateFacts() {
  switch (state_) {
    case State::kHandshake:
      readable_ = writable_ = false;
      return;
    case State::kBroken:
      readable_ = !end_told_;
      writable_ = true;
      return;
    case State::kOpen:
      readable_ = eof_ ? !end_told_ : feed_size_ > 0 || inner_->readable() || SSL_pending(ssl_) > 0;
      writable_ = write_failed_ || (rest_size_ == 0 && inner_->writable());
  }
}

void TlsIo::CountControl() {
  const auto state = SSL_get_state(ssl_);
  if (state != TLS_ST_SR_KEY_UPDATE && state != TLS_ST_CR_KEY_UPDATE &&
      state != TLS_ST_CR_SESSION_TICKET)
    return;
  const auto second = static_cast<uint32_t>(worker_->now_ms() / 1000);
  if (second != control_second_) {
    control_second_ = second;
    control_count_ = 0;
  }
  if (++control_count_ > kMaxControlPerSecond) flooded_ = true;
}

// ---- What was agreed --------------------------------------------------------------------------

std::string_view TlsIo::alpn() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsIo::server_name() const {
  const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr || !IsHostName(name)) return {};
  return name;
}

std::string_view TlsIo::version() const {
  return finished_ ? std::string_view(SSL_get_version(ssl_)) : std::string_view();
}

std::string_view TlsIo::cipher() const {
  return finished_ ? std::string_view(SSL_get_cipher_name(ssl_)) : std::string_view();
}

bool TlsIo::resumed() const {
  return finished_ && SSL_session_reused(ssl_) == 1;
}

bool TlsIo::has_peer_certificate() const {
  return finished_ && SSL_get0_peer_certificate(ssl_) != nullptr;
}

bool TlsIo::peer_verified() const {
  return has_peer_certificate() && SSL_get_verify_mode(ssl_) != SSL_VERIFY_NONE &&
         SSL_get_verify_result(ssl_) == X509_V_OK;
}

x509_st* TlsIo::Peer() const {
  return finished_ ? SSL_get0_peer_certificate(ssl_) : nullptr;
}

std::string TlsIo::peer_subject() const {
  return SubjectOf(Peer());
}

std::string TlsIo::peer_names(PeerNames kind) const {
  return AlternativeNamesOf(Peer(), kind);
}

std::string TlsIo::peer_serial() const {
  return SerialOf(Peer());
}

std::string TlsIo::peer_fingerprint() const {
  return FingerprintOf(Peer());
}

std::string TlsIo::session_id() const {
  const SSL_SESSION* session = finished_ ? SSL_get0_session(ssl_) : nullptr;
  if (session == nullptr) return "";
  unsigned int size = 0;
  const unsigned char* id = SSL_SESSION_get_id(session, &size);
  return Hex(id, size);
}

}  // namespace weir::net::tls
