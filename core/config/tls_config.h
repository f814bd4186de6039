#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/config/node.h"

namespace weir::config {

using Milliseconds = std::chrono::milliseconds;

// A PEM text, or the file that holds it; the file is read when the configuration is put to use.
struct PemSource {
  std::string filename;
  std::string inline_string;
  Mark mark;

  bool empty() const { return filename.empty() && inline_string.empty(); }
};

struct TlsCertificate {
  PemSource certificate_chain;
  PemSource private_key;
  Mark mark;
};

enum class TlsVersion { kTls12, kTls13 };

// DownstreamTlsContext or UpstreamTlsContext with its common_tls_context.
struct TlsContext {
  TlsVersion tls_minimum_protocol_version = TlsVersion::kTls12;
  TlsVersion tls_maximum_protocol_version = TlsVersion::kTls13;
  std::vector<std::string> cipher_suites;    // empty: Weir's default
  std::vector<std::string> ecdh_curves;      // empty: X25519, P-256
  std::vector<TlsCertificate> certificates;  // a cluster has one at most
  PemSource trusted_ca;
  // Unless given: those of the codecs that may serve the connection.
  std::vector<std::string> alpn_protocols;
  bool alpn_given = false;
  Mark mark;

  // Downstream.
  bool require_client_certificate = false;
  bool disable_stateless_session_resumption = false;
  Milliseconds session_timeout{7'200'000};  // Default 2h, range 1s … 1 day

  // Upstream.
  std::string sni;
  bool verify = true;
  std::vector<std::string> subject_alt_names;  // one of them; empty: sni, or the endpoint's name
  std::uint32_t max_session_keys = 1;
};

}  // namespace weir::config
