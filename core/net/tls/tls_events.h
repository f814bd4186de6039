#pragma once

#include <cstdint>

namespace weir::net::tls {

class TlsIo;

enum class TlsFailure : uint8_t {
  kProtocol,        // what the peer sent is no TLS, or not what we take; its alert included
  kNoCertificate,   // it showed none, and had to
  kVerify,          // its certificate did not verify
  kName,            // its certificate is for somebody else
  kGone,            // it left during the handshake
  kTooManyUpdates,  // of keys: see TlsIo
};

// Who counts what happens to connections: a listener's or a cluster's counters.
class TlsEvents {
 public:
  virtual void OnHandshake(const TlsIo& io) = 0;
  // Once for a connection. reason: OpenSSL's, valid during the call; may be null.
  virtual void OnTlsFailure(TlsFailure failure, const char* reason) = 0;

 protected:
  ~TlsEvents() = default;
};

}  // namespace weir::net::tls
