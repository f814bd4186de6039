#pragma once

#include <string>

#include "core/net/tls/tls_events.h"
#include "core/observe/stat_names.h"

namespace weir::server {

// Counts what happens to the TLS connections of a listener or a cluster, on one worker.
class TlsCounters final : public net::tls::TlsEvents {
 public:
  // what: "listener a" or "cluster b", for log lines.
  TlsCounters(const observe::TlsStats& stats, const std::string& what);

  void OnHandshake(const net::tls::TlsIo& io) override;
  void OnTlsFailure(net::tls::TlsFailure failure, const char* reason) override;

 private:
  observe::TlsStats stats_;
  std::string what_;
};

}  // namespace weir::server
