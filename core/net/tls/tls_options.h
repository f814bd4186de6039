#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What TLS contexts are made of: plain values, files already read. Immutable once contexts were
// made; each worker makes its own contexts from the same options.

namespace weir::net::tls {

// A PEM text, and where it came from for messages: a file name, or "inline_string".
struct Pem {
  std::string name;
  std::string text;

  bool empty() const { return text.empty(); }
};

struct CertificateSource {
  Pem chain;  // leaf first
  Pem key;
};

enum class Version : uint8_t { kTls12, kTls13 };

struct TlsOptions {
  Version min_version = Version::kTls12;
  Version max_version = Version::kTls13;
  std::string ciphers;       // TLS 1.2, OpenSSL's list; empty: kDefaultCiphers
  std::string ciphersuites;  // TLS 1.3; empty: kDefaultCiphersuites
  std::string curves;        // empty: kDefaultCurves
  // In order of preference. Empty: no ALPN.
  std::vector<std::string> alpn;
  // A server has one at least; a client one at most.
  std::vector<CertificateSource> certificates;
  // Who signs the peer's certificate.
  Pem trusted_ca;
};

inline constexpr const char* kDefaultCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
inline constexpr const char* kDefaultCiphersuites =
    "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
inline constexpr const char* kDefaultCurves = "X25519:P-256";

struct ServerTlsOptions : TlsOptions {
  // A client certificate is asked for when there is a trusted_ca, and one that is shown must
  // verify; with this it must be shown.
  bool require_client_certificate = false;
  bool session_tickets = true;
  uint32_t session_timeout_s = 7200;  // after the full handshake
  // Sessions are resumed only where the id is the same.
  std::string id_context;
};

struct ClientTlsOptions : TlsOptions {
  // The name asked for (SNI), and verified where `names` is empty. Empty: the endpoint's host name,
  // unless that is an IP address, which is never asked for but verified.
  std::string server_name;
  // By trusted_ca, or by the system's authorities where that is empty.
  bool verify = true;
  // The peer's certificate must be for one of these DNS names or IP addresses.
  std::vector<std::string> names;
  // Sessions kept for each endpoint. 0: none is resumed.
  uint32_t max_session_keys = 1;
};

// Why contexts could not be made.
struct TlsError {
  enum class Part : uint8_t { kChain, kKey, kTrustedCa, kCiphers, kCurves, kOther };
  Part part = Part::kOther;
  size_t certificate = 0;  // kChain, kKey: which one
  std::string text;        // names the file and OpenSSL's reason, never what is in the file
};

}  // namespace weir::net::tls
