#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/net/io.h"
#include "core/net/tls/tls_events.h"
#include "core/net/tls/tls_options.h"
#include "core/net/tls/tls_worker.h"

struct ssl_ctx_st;
struct ssl_session_st;

namespace weir::net::tls {

// The TLS context of one cluster on one worker: connections to backends verify whom they reached,
// and resume an earlier session with the same endpoint where there is one.
class ClientContext {
 public:
  // Sessions with one endpoint, and the name it is verified by. Owned by the context.
  class Peer;

  // worker and events must outlive it and its connections; events may be null. Null: *error says
  // why.
  static std::unique_ptr<ClientContext> Make(const ClientTlsOptions& options, TlsWorker* worker,
                                             TlsEvents* events, TlsError* error);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  // An endpoint by its host name or IP address, as the configuration writes it; empty where it has
  // none (a Unix socket). Lives as long as the context. Connections go on without either; sessions
  // that they bring then are not kept.
  Peer* AddPeer(const std::string& host);

  // The client's side of a handshake on `inner`, which may still be connecting. Never null; where
  // there is no memory: then an Io that is never connected, with an error().
  std::unique_ptr<Io> Connect(std::unique_ptr<Io> inner, Peer* peer);

 private:
  struct Callbacks;

  ClientContext(const ClientTlsOptions& options, TlsWorker* worker, TlsEvents* events);
  bool Build(const ClientTlsOptions& options, TlsError* error);
  bool SetNames(void* ssl, const Peer& peer) const;

  TlsWorker* worker_;
  TlsEvents* events_;
  std::string server_name_;
  std::vector<std::string> names_;
  bool verify_;
  uint32_t max_sessions_;
  ssl_ctx_st* ctx_ = nullptr;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace weir::net::tls
