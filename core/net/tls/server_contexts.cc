#include "core/net/tls/server_contexts.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "core/net/tls/context_common.h"
#include "core/net/tls/tls_io.h"

namespace weir::net::tls {
namespace {

constexpr size_t kIvSize = 16;
constexpr size_t kMaxServerName = 255;

bool IsWildcard(std::string_view name) {
  return name.size() > 2 && name.substr(0, 2) == "*.";
}

std::array<uint8_t, 32> DigestOf(const std::vector<std::string_view>& texts) {
  std::string all;
  for (const std::string_view text : texts) {
    all += std::to_string(text.size()) + ":";
    all += text;
  }
  std::array<uint8_t, 32> digest{};
  EVP_Digest(all.data(), all.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace

// What OpenSSL calls.
struct ServerContexts::Callbacks {
  static ServerContexts* Of(SSL* ssl) {
    return static_cast<ServerContexts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  }

  static int ServerName(SSL* ssl, int*, void*) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX* chosen = Of(ssl)->Choose(name);
    if (chosen != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, chosen);
    return SSL_TLSEXT_ERR_OK;
  }

  static int SelectAlpn(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                        const unsigned char* in, unsigned int in_size, void*) {
    const std::string& ours = Of(ssl)->alpn_;
    unsigned char* selected = nullptr;
    const int result = SSL_select_next_proto(&selected, out_size,
                                             reinterpret_cast<const unsigned char*>(ours.data()),
                                             static_cast<unsigned>(ours.size()), in, in_size);
    // RFC 7301, section 3.2: nothing in common is fatal.
    if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
  }

  static int Ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                    EVP_MAC_CTX* mac, int seal) {
    ServerContexts* contexts = Of(ssl);
    return seal != 0 ? contexts->SealTicket(name, iv, cipher, mac)
                     : contexts->OpenTicket(name, iv, cipher, mac);
  }

  static int BeforeSeal(SSL* ssl, void* contexts) {
    return static_cast<ServerContexts*>(contexts)->StampTicket(ssl) ? 1 : 0;
  }

  static SSL_TICKET_RETURN AfterOpen(SSL* ssl, SSL_SESSION* session, const unsigned char*, size_t,
                                     SSL_TICKET_STATUS status, void* contexts) {
    // What could not be opened, and what does not hold any more: a full handshake, a new ticket.
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!static_cast<ServerContexts*>(contexts)->TicketHolds(session))
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    // Clients of TLS 1.3 use a ticket once (RFC 8446, appendix C.4).
    const bool once = SSL_version(ssl) >= TLS1_3_VERSION;
    return status == SSL_TICKET_SUCCESS && !once ? SSL_TICKET_RETURN_USE
                                                 : SSL_TICKET_RETURN_USE_RENEW;
  }
};

ServerContexts::ServerContexts(const ServerTlsOptions& options, TicketKeys* tickets,
                               TlsWorker* worker, TlsEvents* events)
    : tickets_(options.session_tickets ? tickets : nullptr),
      worker_(worker),
      events_(events),
      session_timeout_ms_(uint64_t{options.session_timeout_s} * 1000),
      alpn_(AlpnWire(options.alpn)) {}

ServerContexts::~ServerContexts() {
  for (const auto& [group, ctx] : groups_) {
    // Connections may hold it for longer.
    if (SSL_CTX_get_app_data(ctx) == this) {
      SSL_CTX_set_app_data(ctx, nullptr);
      SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, nullptr);
      SSL_CTX_set_session_ticket_cb(ctx, nullptr, nullptr, nullptr);
      SSL_CTX_set_tlsext_servername_callback(ctx, nullptr);
      SSL_CTX_set_alpn_select_cb(ctx, nullptr, nullptr);
    }
    SSL_CTX_free(ctx);
  }
  EVP_CIPHER_free(static_cast<EVP_CIPHER*>(const_cast<void*>(ticket_cipher_)));
}

std::unique_ptr<ServerContexts> ServerContexts::Make(const ServerTlsOptions& options,
                                                     TicketKeys* tickets, TlsWorker* worker,
                                                     TlsEvents* events, TlsError* error) {
  std::unique_ptr<ServerContexts> made(new ServerContexts(options, tickets, worker, events));
  if (!made->Build(options, nullptr, error)) return nullptr;
  return made;
}

std::shared_ptr<ServerContexts> ServerContexts::Follow(
    const std::shared_ptr<ServerContexts>& previous, const ServerTlsOptions& options,
    TlsError* error) {
  std::shared_ptr<ServerContexts> made(
      new ServerContexts(options, previous->tickets_, previous->worker_, previous->events_));
  if (!made->Build(options, previous.get(), error)) return nullptr;
  previous->successor_ = made;
  return made;
}

// Null: *error.
const Certificate* ServerContexts::Load(const CertificateSource& source, size_t index,
                                        const ServerContexts* previous, Sha256* material,
                                        TlsError* error) {
  *material = DigestOf({source.chain.text, source.key.text});
  std::shared_ptr<const Certificate>& loaded = loaded_[*material];
  if (loaded == nullptr && previous != nullptr) {
    const auto found = previous->loaded_.find(*material);
    if (found != previous->loaded_.end()) loaded = found->second;
  }
  if (loaded != nullptr) return loaded.get();
  auto made = std::make_shared<Certificate>();
  if (!LoadCertificate(worker_->library(), source, index, made.get(), error)) return nullptr;
  loaded = std::move(made);
  return loaded.get();
}

bool ServerContexts::Build(const ServerTlsOptions& options, const ServerContexts* previous,
                           TlsError* error) {
  ticket_cipher_ = EVP_CIPHER_fetch(worker_->library(), "AES-256-CBC", nullptr);
  if (ticket_cipher_ == nullptr || options.certificates.empty()) {
    *error = TlsError{TlsError::Part::kOther, 0,
                      options.certificates.empty() ? "no certificate" : TakeReason()};
    return false;
  }
  std::vector<const Certificate*> certificates(options.certificates.size());
  std::vector<Sha256> materials(certificates.size());
  for (size_t i = 0; i < certificates.size(); ++i) {
    certificates[i] = Load(options.certificates[i], i, previous, &materials[i], error);
    if (certificates[i] == nullptr) return false;
  }
  // The first certificate of each key type.
  const auto add = [&](size_t i, Group* group) {
    for (const size_t other : *group) {
      if (certificates[other]->type == certificates[i]->type) return;
    }
    group->push_back(i);
  };
  std::map<std::string, Group> by_name;
  for (size_t i = 0; i < certificates.size(); ++i) {
    for (const std::string& name : certificates[i]->names) add(i, &by_name[name]);
  }
  Group first = {0};
  for (size_t i = 1; i < certificates.size(); ++i) {
    for (const std::string& name : certificates[i]->names) {
      const auto& with = certificates[0]->names;
      if (std::find(with.begin(), with.end(), name) != with.end()) add(i, &first);
    }
  }
  const auto make = [&](const Group& group) -> ssl_ctx_st* {
    const auto found = groups_.find(group);
    if (found != groups_.end()) return found->second;
    std::vector<std::string_view> parts = {options.trusted_ca.text};
    for (const size_t i : group)
      parts.emplace_back(reinterpret_cast<const char*>(materials[i].data()), materials[i].size());
    const Sha256 material = DigestOf(parts);
    ssl_ctx_st* ctx = nullptr;
    if (previous != nullptr && previous->by_material_.count(material) != 0) {
      ctx = previous->by_material_.at(material);
      SSL_CTX_up_ref(ctx);
      ++shared_;
    } else {
      ctx = NewGroup(options, group, certificates, error);
    }
    if (ctx == nullptr) return nullptr;
    groups_.emplace(group, ctx);
    by_material_.emplace(material, ctx);
    std::vector<std::string_view> chains;
    for (const size_t i : group) chains.push_back(options.certificates[i].chain.text);
    const Sha256 digest = DigestOf(chains);
    Digest& kept = digests_[ctx];
    std::copy_n(digest.begin(), kept.size(), kept.begin());
    present_digests_.insert(kept);
    return ctx;
  };
  default_ = make(first);
  if (default_ == nullptr) return false;
  for (const auto& [name, group] : by_name) {
    ssl_ctx_st* ctx = make(group);
    if (ctx == nullptr) return false;
    if (IsWildcard(name)) {
      wildcard_.emplace(name.substr(2), ctx);
    } else {
      exact_.emplace(name, ctx);
    }
  }
  // Only now, when nothing can fail: those that are shared still served who was before.
  for (const auto& [group, ctx] : groups_) Bind(ctx);
  return true;
}

ssl_ctx_st* ServerContexts::NewGroup(const ServerTlsOptions& options, const Group& group,
                                     const std::vector<const Certificate*>& certificates,
                                     TlsError* error) {
  CtxPtr ctx = NewContext(worker_->library(), TLS_server_method(), options, error);
  if (ctx == nullptr) return nullptr;
  for (const size_t i : group) {
    if (!UseCertificate(ctx.get(), *certificates[i], i, error)) return nullptr;
  }
  if (!options.trusted_ca.empty()) {
    if (!TrustAuthorities(ctx.get(), options.trusted_ca, true, error)) return nullptr;
    SSL_CTX_set_verify(
        ctx.get(),
        SSL_VERIFY_PEER |
            (options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
        nullptr);
  }
  SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(ctx.get(), options.session_timeout_s);
  const Sha256 id = DigestOf({options.id_context, options.trusted_ca.text});
  static_assert(std::tuple_size_v<Sha256> <= SSL_MAX_SID_CTX_LENGTH);
  SSL_CTX_set_session_id_context(ctx.get(), id.data(), static_cast<unsigned>(id.size()));
  SSL_CTX_set_num_tickets(ctx.get(), tickets_ == nullptr ? 0 : 1);
  if (tickets_ == nullptr) SSL_CTX_set_options(ctx.get(), SSL_OP_NO_TICKET);
  TlsIo::Watch(ctx.get());
  return ctx.release();
}

// What OpenSSL asks of it, these contexts answer.
void ServerContexts::Bind(ssl_ctx_st* ctx) {
  SSL_CTX_set_app_data(ctx, this);
  if (tickets_ != nullptr) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, Callbacks::Ticket);
    SSL_CTX_set_session_ticket_cb(ctx, Callbacks::BeforeSeal, Callbacks::AfterOpen, this);
  }
  SSL_CTX_set_tlsext_servername_callback(ctx, Callbacks::ServerName);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(ctx, Callbacks::SelectAlpn, nullptr);
}

ssl_ctx_st* ServerContexts::Choose(std::string_view server_name) const {
  if (server_name.size() > kMaxServerName) return default_;
  const std::string name = LowerHost(server_name);
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  // "*" stands for exactly one label (RFC 6125, section 6.4.3).
  const size_t dot = name.find('.');
  if (dot != std::string::npos && dot > 0) {
    const auto found = wildcard_.find(std::string_view(name).substr(dot + 1));
    if (found != wildcard_.end()) return found->second;
  }
  return default_;
}

const TicketKeys::Ring& ServerContexts::Ring() {
  const uint64_t now = worker_->now_ms();
  if (ring_ == nullptr || now >= ring_->until_ms) ring_ = tickets_->At(now);
  return *ring_;
}

namespace {

bool Prepare(const TicketKeys::Key& key, const void* type, const uint8_t* iv,
             EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool seal) {
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<uint8_t*>(key.hmac.data()),
                                        key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>("SHA256"), 0),
      OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, static_cast<const EVP_CIPHER*>(type), nullptr, key.aes.data(),
                           iv, seal ? 1 : 0) == 1 &&
         EVP_MAC_CTX_set_params(mac, params) == 1;
}

}  // namespace

int ServerContexts::SealTicket(uint8_t* name, uint8_t* iv, evp_cipher_ctx_st* cipher,
                               evp_mac_ctx_st* mac) {
  if (tickets_ == nullptr) return 0;
  const TicketKeys::Key& key = *Ring().present;
  if (RAND_bytes_ex(worker_->library(), iv, kIvSize, 0) != 1) return -1;
  std::memcpy(name, key.name.data(), key.name.size());
  return Prepare(key, ticket_cipher_, iv, cipher, mac, true) ? 1 : -1;
}

int ServerContexts::OpenTicket(const uint8_t* name, const uint8_t* iv, evp_cipher_ctx_st* cipher,
                               evp_mac_ctx_st* mac) {
  if (tickets_ == nullptr) return 0;
  const TicketKeys::Ring& ring = Ring();
  const auto is = [&](const std::shared_ptr<const TicketKeys::Key>& key) {
    return key != nullptr && std::memcmp(name, key->name.data(), key->name.size()) == 0;
  };
  const bool present = is(ring.present);
  if (!present && !is(ring.previous)) return 0;  // a full handshake
  const TicketKeys::Key& key = present ? *ring.present : *ring.previous;
  if (!Prepare(key, ticket_cipher_, iv, cipher, mac, false)) return -1;
  return present ? 1 : 2;  // 2: and give a new one
}

namespace {

// What a ticket carries beside the session: when the full handshake was, and under which
// certificates.
struct Stamp {
  uint64_t began_ms = 0;
  std::array<uint8_t, 16> certificates{};
};

// False: nothing says so.
bool StampOf(SSL_SESSION* session, Stamp* stamp) {
  void* data = nullptr;
  size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1 || size != sizeof(*stamp))
    return false;
  std::memcpy(stamp, data, sizeof(*stamp));
  return true;
}

}  // namespace

// OpenSSL gives each ticket of TLS 1.3 a life of its own, counted from when it is sealed, so that a
// client which comes back in time would never show its certificate again. The time of the full
// handshake goes from ticket to ticket.
bool ServerContexts::StampTicket(ssl_st* ssl) {
  SSL_SESSION* session = SSL_get_session(ssl);
  const uint64_t now = worker_->now_ms();
  Stamp stamp;
  if (!StampOf(session, &stamp) || SSL_session_reused(ssl) != 1) {
    stamp.began_ms = now;
    const auto found = digests_.find(SSL_get_SSL_CTX(ssl));
    if (found == digests_.end()) return false;
    stamp.certificates = found->second;
    if (SSL_SESSION_set1_ticket_appdata(session, &stamp, sizeof(stamp)) != 1) return false;
  }
  const uint64_t age = now > stamp.began_ms ? now - stamp.began_ms : 0;
  if (SSL_version(ssl) < TLS1_3_VERSION || age >= session_timeout_ms_) return true;
  // What the client is told, and what OpenSSL counts from now.
  const uint64_t left_s = std::max<uint64_t>((session_timeout_ms_ - age) / 1000, 1);
  SSL_SESSION_set_timeout(session, static_cast<long>(left_s));
  return true;
}

bool ServerContexts::TicketHolds(ssl_session_st* session) const {
  Stamp stamp;
  if (!StampOf(session, &stamp) || present_digests_.count(stamp.certificates) == 0) return false;
  const uint64_t now = worker_->now_ms();
  return now < stamp.began_ms || now - stamp.began_ms < session_timeout_ms_;
}

std::unique_ptr<Io> ServerContexts::Accept(std::unique_ptr<Io> inner) {
  SslPtr ssl(SSL_new(default_));
  if (ssl == nullptr || !TlsIo::AddBio(ssl.get())) {
    ClearErrors();
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return TlsIo::Make(std::move(inner), ssl.release(), TlsIo::Position::kServer, worker_, events_);
}

}  // namespace weir::net::tls
