#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/net/io.h"
#include "core/net/tls/tls_events.h"
#include "core/net/tls/tls_worker.h"
#include "core/net/tls_session.h"

struct bio_st;
struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct x509_st;

namespace weir::net::tls {

// A TLS session over another Io (RFC 8446, RFC 5246), in either position. Made by ServerContexts
// and ClientContext.
//
//   kHandshake --Finished--> kOpen --close_notify or FIN read, ShutdownWrite--> (half or whole end)
//        '--alert, FIN, error--> kBroken <--error--'
//
// The handshake runs in the events of the inner Io; the client hears of nothing before it is done
// or broken (error() is set). How long it may take is up to the owner. A Read takes what the inner
// Io has in one piece and decrypts from there; a Write makes records of up to 16 KiB of what it is
// given, pieces gathered, and hands their ciphertext over in one inner Write. What the inner Io
// does not take then (at most 64 KiB and a record) waits here, and writable() is false until it is
// gone: whoever closes waits for that. While nothing is under way no buffer is held, neither here
// nor in OpenSSL.
//
// The end. ShutdownWrite sends close_notify and, behind it, the inner FIN; the destructor sends
// close_notify if nothing waits and no AbortOnClose was asked for. The peer's close_notify is what
// Read calls 0. A FIN without it is a truncation: as the client of a connection (towards a backend)
// Read says kFailed, so that an answer whose length only its end tells is not taken for whole; as
// its server Read says 0 and truncated() is true, because a request carries its own length and many
// clients half-close so. A FIN inside a record is kFailed in either position. What was read before
// is never lost by this, so the end of an idle kept connection harms nobody.
//
// A peer may ask for new keys, or send other messages after the handshake, kMaxControlPerSecond
// times a second; then the connection is broken. Renegotiation is refused.
class TlsIo final : public Io, public TlsSession, private IoClient {
 public:
  enum class Position : uint8_t { kServer, kClient };
  static constexpr uint32_t kMaxControlPerSecond = 100;

  // Gives ssl the door that Make's object answers at. False: no memory.
  static bool AddBio(ssl_st* ssl);
  // Takes ssl, which had AddBio. worker and events (which may be null) must outlive it.
  static std::unique_ptr<TlsIo> Make(std::unique_ptr<Io> inner, ssl_st* ssl, Position position,
                                     TlsWorker* worker, TlsEvents* events);
  // Makes a context tell its connections of control messages.
  static void Watch(ssl_ctx_st* ctx);
  static TlsIo* Of(const ssl_st* ssl);

  ~TlsIo() override;

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override;
  void AbortOnClose() override;
  void LookSoon() override { inner_->LookSoon(); }
  int error() const override { return error_ != 0 ? error_ : inner_->error(); }
  bool connected() const override { return state_ == State::kOpen || finished_; }
  const TlsSession* tls() const override { return this; }
  bool LocalAddress(Address* local) const override { return inner_->LocalAddress(local); }

  // TlsSession
  std::string_view alpn() const override;
  std::string_view server_name() const override;
  std::string_view version() const override;
  std::string_view cipher() const override;
  bool resumed() const override;
  bool peer_verified() const override;
  std::string peer_subject() const override;
  std::string peer_names(PeerNames kind) const override;
  std::string peer_serial() const override;
  std::string peer_fingerprint() const override;
  std::string session_id() const override;
  bool truncated() const override { return truncated_; }

  bool has_peer_certificate() const;

  // Where a client's new sessions go: the owner's slot, which must outlive the connection.
  void set_session_slot(void* slot) { session_slot_ = slot; }
  void* session_slot() const { return session_slot_; }
  // OpenSSL's SSL, for tests that play a peer which does what we never do.
  ssl_st* handle_for_tests() const { return ssl_; }

 private:
  friend struct TlsBio;

  x509_st* Peer() const;

  enum class State : uint8_t { kHandshake, kOpen, kBroken };

  TlsIo(std::unique_ptr<Io> inner, ssl_st* ssl, Position position, TlsWorker* worker,
        TlsEvents* events);

  void OnIo(bool readable, bool writable) override;
  // True when it is over, well or not.
  bool Handshake();
  void FinishHandshake();
  void BreakHandshake();
  // After SSL_read or SSL_write gave nothing: try later, the peer's end, or broken.
  void Settle(int result);
  void Truncated();
  void Break(int error);
  void Report(TlsFailure failure, const char* reason);

  // Ciphertext in, for OpenSSL's BIO: 0 when there is none now.
  size_t Pull(uint8_t* room, size_t size);
  void KeepFeed();
  void DropFeed();
  // Ciphertext out, from OpenSSL's BIO.
  void Collect(const uint8_t* data, size_t size);
  void Send(const uint8_t* more, size_t more_size);
  void KeepRest(const uint8_t* data, size_t size);
  void DropRest();
  void CloseWrite();
  void UpdateFacts();
  void CountControl();

  std::unique_ptr<Io> inner_;
  ssl_st* ssl_;
  TlsWorker* worker_;
  TlsEvents* events_;
  void* session_slot_ = nullptr;

  // Received and not yet given to OpenSSL: in the scratch during a call, in feed_slab_ between.
  const uint8_t* feed_ = nullptr;
  base::Slab* feed_slab_ = nullptr;
  // Ciphertext that the inner Io has not taken.
  const uint8_t* rest_ = nullptr;
  base::Slab* rest_slab_ = nullptr;
  uint32_t feed_size_ = 0;
  uint32_t rest_size_ = 0;
  uint32_t gathered_ = 0;    // in the scratch, during a call
  uint32_t pull_limit_ = 0;  // what the next inner read may take; 0: this call had its one

  uint32_t control_second_ = 0;
  uint16_t control_count_ = 0;
  Position position_;
  State state_ = State::kHandshake;
  bool send_now_ : 1 = false;     // what is collected goes to the inner Io at once
  bool finished_ : 1 = false;     // the handshake was done
  bool inner_ended_ : 1 = false;  // it has no more: a FIN, or inner_failed_
  bool inner_failed_ : 1 = false;
  bool eof_ : 1 = false;       // Read says 0 from now on
  bool end_told_ : 1 = false;  // it has said 0 or kFailed
  bool truncated_ : 1 = false;
  bool flooded_ : 1 = false;
  bool close_wanted_ : 1 = false;
  bool notified_ : 1 = false;  // close_notify is sent, or must not be
  bool inner_shut_ : 1 = false;
  bool write_failed_ : 1 = false;
  bool reported_ : 1 = false;
  int error_ = 0;
};

}  // namespace weir::net::tls
