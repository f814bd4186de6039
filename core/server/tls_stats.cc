#include "core/server/tls_stats.h"

#include "core/base/log.h"
#include "core/net/tls/tls_io.h"

namespace weir::server {

TlsCounters::TlsCounters(const observe::TlsStats& stats, const std::string& what)
    : stats_(stats), what_(what) {}

void TlsCounters::OnHandshake(const net::tls::TlsIo& io) {
  stats_.handshake->Add();
  if (io.resumed()) stats_.session_reused->Add();
  if (!io.has_peer_certificate()) stats_.no_certificate->Add();
}

void TlsCounters::OnTlsFailure(net::tls::TlsFailure failure, const char* reason) {
  using net::tls::TlsFailure;
  switch (failure) {
    case TlsFailure::kNoCertificate:
      stats_.fail_verify_no_cert->Add();
      break;
    case TlsFailure::kVerify:
      stats_.fail_verify_error->Add();
      break;
    case TlsFailure::kName:
      stats_.fail_verify_san->Add();
      break;
    case TlsFailure::kTooManyUpdates:
      stats_.control_flood->Add();
      break;
    case TlsFailure::kProtocol:
    case TlsFailure::kGone:
      stats_.connection_error->Add();
      break;
  }
  if (failure == TlsFailure::kGone) return;
  WEIR_LOG_EVERY_SECOND(kInfo, "%s: TLS: %s", what_.c_str(),
                        reason == nullptr ? "unknown reason" : reason);
}

}  // namespace weir::server
