#pragma once

#include <map>

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace weir::sim {

// What the TLS ends of one run's peers share: OpenSSL's contexts, and the sessions that clients
// come back with. Nothing in it is the worker's.
class TlsKit {
 public:
  TlsKit();
  ~TlsKit();
  TlsKit(const TlsKit&) = delete;
  TlsKit& operator=(const TlsKit&) = delete;

  // A session of a peer, with memory for both directions. The caller frees it.
  ssl_st* NewSsl(bool server);
  // What a client brings from its connection before, or null; and keeps from this one.
  void Resume(const void* client, ssl_st* ssl) const;
  void Keep(const void* client, ssl_session_st* session);

 private:
  ssl_ctx_st* client_;
  ssl_ctx_st* server_;
  std::map<const void*, ssl_session_st*> sessions_;
};

}  // namespace weir::sim
