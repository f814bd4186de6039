#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/io.h"
#include "core/net/tls/ticket_keys.h"
#include "core/net/tls/tls_events.h"
#include "core/net/tls/tls_options.h"
#include "core/net/tls/tls_worker.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace weir::net::tls {

struct Certificate;

// The TLS contexts of one listener on one worker: which certificate a client gets, which protocol
// is agreed on, and which sessions are resumed.
//
// A client gets the certificates whose names hold the one it asked for: exactly, else with one
// label in the place of "*"; else, and when it names none, the first. Of those for one name the
// first of each key type is offered, and OpenSSL takes the one that the client's algorithms allow,
// ECDSA first.
//
// A session is resumed for session_timeout_s after the full handshake that it comes from, however
// often it is resumed in between and whichever ticket is shown; and only as long as the certificate
// that it was made under is one of these, and the trusted_ca is the same: who resumes is neither
// shown nor asked for a certificate again, so what either was must still hold.
class ServerContexts {
 public:
  // tickets may be null: then no session is resumed. worker, tickets and events must outlive it and
  // its connections; events may be null. Null: *error says why.
  static std::unique_ptr<ServerContexts> Make(const ServerTlsOptions& options, TicketKeys* tickets,
                                              TlsWorker* worker, TlsEvents* events,
                                              TlsError* error);
  // The same in the place of `previous`, on its worker, where the options differ in certificates,
  // keys and trusted_ca alone: what is as it was is shared, for each context takes OpenSSL
  // milliseconds. Handshakes that `previous` has begun keep both.
  static std::shared_ptr<ServerContexts> Follow(const std::shared_ptr<ServerContexts>& previous,
                                                const ServerTlsOptions& options, TlsError* error);
  ~ServerContexts();
  ServerContexts(const ServerContexts&) = delete;
  ServerContexts& operator=(const ServerContexts&) = delete;

  // The server's side of a handshake on `inner`. Null when there is no memory. The contexts must
  // outlive the handshake; the connection goes on without them.
  std::unique_ptr<Io> Accept(std::unique_ptr<Io> inner);

  // How many certificate choices there are, and how many of them are those of the contexts before;
  // for tests.
  size_t size() const { return groups_.size(); }
  size_t shared() const { return shared_; }

 private:
  struct Callbacks;
  using Group = std::vector<size_t>;       // of the certificates, at most one of each key type
  using Digest = std::array<uint8_t, 16>;  // of the certificates of a group
  using Sha256 = std::array<uint8_t, 32>;

  ServerContexts(const ServerTlsOptions& options, TicketKeys* tickets, TlsWorker* worker,
                 TlsEvents* events);
  bool Build(const ServerTlsOptions& options, const ServerContexts* previous, TlsError* error);
  const Certificate* Load(const CertificateSource& source, size_t index,
                          const ServerContexts* previous, Sha256* material, TlsError* error);
  ssl_ctx_st* NewGroup(const ServerTlsOptions& options, const Group& group,
                       const std::vector<const Certificate*>& certificates, TlsError* error);
  void Bind(ssl_ctx_st* ctx);
  ssl_ctx_st* Choose(std::string_view server_name) const;
  int SealTicket(uint8_t* name, uint8_t* iv, evp_cipher_ctx_st* cipher, evp_mac_ctx_st* mac);
  int OpenTicket(const uint8_t* name, const uint8_t* iv, evp_cipher_ctx_st* cipher,
                 evp_mac_ctx_st* mac);
  bool StampTicket(ssl_st* ssl);
  bool TicketHolds(ssl_session_st* session) const;
  const TicketKeys::Ring& Ring();

  TicketKeys* tickets_;
  TlsWorker* worker_;
  TlsEvents* events_;
  uint64_t session_timeout_ms_;
  std::string alpn_;  // as it is sent
  std::shared_ptr<const TicketKeys::Ring> ring_;
  const void* ticket_cipher_ = nullptr;        // EVP_CIPHER, fetched once: a fetch takes locks
  std::map<Group, ssl_ctx_st*> groups_;        // each holds one reference
  std::map<Sha256, ssl_ctx_st*> by_material_;  // the same, by all that they are made of
  std::map<Sha256, std::shared_ptr<const Certificate>> loaded_;
  size_t shared_ = 0;
  // While handshakes hold these contexts: shared ones call the newer's functions.
  std::shared_ptr<ServerContexts> successor_;
  std::map<const ssl_ctx_st*, Digest> digests_;
  std::set<Digest> present_digests_;
  ssl_ctx_st* default_ = nullptr;
  std::map<std::string, ssl_ctx_st*, std::less<>> exact_;
  std::map<std::string, ssl_ctx_st*, std::less<>> wildcard_;  // by what follows "*."
};

}  // namespace weir::net::tls
