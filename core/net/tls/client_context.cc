#include "core/net/tls/client_context.h"

#include <cerrno>
#include <utility>

#include <openssl/x509v3.h>

#include "core/net/tls/context_common.h"
#include "core/net/tls/tls_io.h"

namespace weir::net::tls {
namespace {

// A connection for which there was no memory. Its client hears of that when the inner one does.
class FailedIo final : public Io, private IoClient {
 public:
  explicit FailedIo(std::unique_ptr<Io> inner) : inner_(std::move(inner)) {
    inner_->set_client(this);
  }

  ssize_t Read(uint8_t*, size_t) override { return kFailed; }
  ssize_t Write(const iovec*, int) override { return kFailed; }
  void ShutdownWrite() override {}
  void AbortOnClose() override { inner_->AbortOnClose(); }
  int error() const override { return ENOMEM; }
  bool connected() const override { return false; }

 private:
  void OnIo(bool, bool) override {
    if (client_ != nullptr) client_->OnIo(true, true);
  }

  std::unique_ptr<Io> inner_;
};

}  // namespace

class ClientContext::Peer {
 public:
  Peer(std::string host, uint32_t max_sessions)
      : host_(std::move(host)), max_sessions_(max_sessions) {}

  const std::string& host() const { return host_; }

  // Takes the session.
  void Keep(SSL_SESSION* session) {
    if (sessions_.size() >= max_sessions_) sessions_.erase(sessions_.begin());
    sessions_.emplace_back(session);
  }
  // The newest session, or null. Those of TLS 1.3 are used once (RFC 8446, appendix C.4).
  SessionPtr Take() {
    while (!sessions_.empty()) {
      SessionPtr session = std::move(sessions_.back());
      sessions_.pop_back();
      if (SSL_SESSION_is_resumable(session.get()) != 1) continue;
      if (SSL_SESSION_get_protocol_version(session.get()) < TLS1_3_VERSION) {
        SSL_SESSION_up_ref(session.get());
        sessions_.emplace_back(session.get());
      }
      return session;
    }
    return nullptr;
  }

 private:
  std::string host_;
  uint32_t max_sessions_;
  std::vector<SessionPtr> sessions_;
};

struct ClientContext::Callbacks {
  static int NewSession(SSL* ssl, SSL_SESSION* session) {
    const TlsIo* io = TlsIo::Of(ssl);
    auto* peer = io == nullptr ? nullptr : static_cast<Peer*>(io->session_slot());
    if (peer == nullptr) return 0;
    peer->Keep(session);
    return 1;  // it is ours now
  }
};

ClientContext::ClientContext(const ClientTlsOptions& options, TlsWorker* worker, TlsEvents* events)
    : worker_(worker),
      events_(events),
      server_name_(LowerHost(options.server_name)),
      names_(options.names),
      verify_(options.verify),
      max_sessions_(options.max_session_keys) {}

ClientContext::~ClientContext() {
  // Connections may hold it for longer; what tickets still come on them is for nobody.
  if (ctx_ != nullptr) SSL_CTX_sess_set_new_cb(ctx_, nullptr);
  SSL_CTX_free(ctx_);
}

std::unique_ptr<ClientContext> ClientContext::Make(const ClientTlsOptions& options,
                                                   TlsWorker* worker, TlsEvents* events,
                                                   TlsError* error) {
  std::unique_ptr<ClientContext> made(new ClientContext(options, worker, events));
  if (!made->Build(options, error)) return nullptr;
  return made;
}

bool ClientContext::Build(const ClientTlsOptions& options, TlsError* error) {
  CtxPtr ctx = NewContext(worker_->library(), TLS_client_method(), options, error);
  if (ctx == nullptr) return false;
  for (size_t i = 0; i < options.certificates.size(); ++i) {
    Certificate certificate;
    if (!LoadCertificate(worker_->library(), options.certificates[i], i, &certificate, error) ||
        !UseCertificate(ctx.get(), certificate, i, error))
      return false;
  }
  if (!options.trusted_ca.empty()) {
    if (!TrustAuthorities(ctx.get(), options.trusted_ca, false, error)) return false;
  } else if (options.verify) {
    SSL_CTX_set1_cert_store(ctx.get(), worker_->SystemStore());
  }
  SSL_CTX_set_verify(ctx.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const std::string alpn = AlpnWire(options.alpn);
  if (!alpn.empty())
    SSL_CTX_set_alpn_protos(ctx.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
  if (max_sessions_ > 0) {
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx.get(), Callbacks::NewSession);
  } else {
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  }
  TlsIo::Watch(ctx.get());
  ctx_ = ctx.release();
  return true;
}

ClientContext::Peer* ClientContext::AddPeer(const std::string& host) {
  peers_.push_back(std::make_unique<Peer>(LowerHost(host), max_sessions_));
  return peers_.back().get();
}

bool ClientContext::SetNames(void* handle, const Peer& peer) const {
  SSL* ssl = static_cast<SSL*>(handle);
  const std::string& asked = server_name_.empty() ? peer.host() : server_name_;
  if (!asked.empty() && !IsIpAddress(asked) && SSL_set_tlsext_host_name(ssl, asked.c_str()) != 1)
    return false;
  if (!verify_) return true;
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const auto add = [&](const std::string& name) {
    if (IsIpAddress(name)) return X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str()) == 1;
    return X509_VERIFY_PARAM_add1_host(param, name.c_str(), name.size()) == 1;
  };
  if (names_.empty()) return asked.empty() ? false : add(asked);
  for (const std::string& name : names_) {
    if (!add(name)) return false;
  }
  return true;
}

std::unique_ptr<Io> ClientContext::Connect(std::unique_ptr<Io> inner, Peer* peer) {
  SslPtr ssl(SSL_new(ctx_));
  if (ssl == nullptr || !TlsIo::AddBio(ssl.get()) || !SetNames(ssl.get(), *peer)) {
    ClearErrors();
    return std::make_unique<FailedIo>(std::move(inner));
  }
  SSL_set_connect_state(ssl.get());
  if (const SessionPtr session = peer->Take()) SSL_set_session(ssl.get(), session.get());
  std::unique_ptr<TlsIo> io =
      TlsIo::Make(std::move(inner), ssl.release(), TlsIo::Position::kClient, worker_, events_);
  if (max_sessions_ > 0) io->set_session_slot(peer);
  return io;
}

}  // namespace weir::net::tls
