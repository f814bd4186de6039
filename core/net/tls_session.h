#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net {

enum class PeerNames : uint8_t { kDns, kUri };

// What the handshake of a TLS connection settled. Every answer is computed when it is asked for;
// all are empty or false until Io::connected(). Views live as long as the connection.
class TlsSession {
 public:
  // The protocol both sides agreed on (RFC 7301): "h2", "http/1.1"; empty when there was no ALPN.
  virtual std::string_view alpn() const = 0;
  // The host name the client asked for, its letters as they were sent; empty when it named none, or
  // something that has other bytes than letters, digits, '-', '.' and '_', or more than 253.
  virtual std::string_view server_name() const = 0;
  virtual std::string_view version() const = 0;  // "TLSv1.3"
  virtual std::string_view cipher() const = 0;   // "TLS_AES_128_GCM_SHA256"
  // An earlier session was resumed.
  virtual bool resumed() const = 0;
  // The peer showed a certificate, and it was verified.
  virtual bool peer_verified() const = 0;
  // The peer ended the connection without close_notify (RFC 8446, section 6.1): what it sent last
  // may have been cut off by somebody else.
  virtual bool truncated() const = 0;
  // The subject of the peer's certificate as RFC 2253 writes it; empty without one. Allocates.
  virtual std::string peer_subject() const = 0;
  // More of it, empty without one: its alternative names of a kind, separated by commas; its serial
  // number and its SHA-256, in lower case hex. They allocate.
  virtual std::string peer_names(PeerNames) const { return {}; }
  virtual std::string peer_serial() const { return {}; }
  virtual std::string peer_fingerprint() const { return {}; }
  // In lower case hex. Allocates.
  virtual std::string session_id() const { return {}; }

 protected:
  ~TlsSession() = default;
};

}  // namespace weir::net
