#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/server/generation.h"
#include "core/server/tls_files.h"

namespace weir::server {

// Looks once a second at the files that the TLS of the present configuration comes from. Main
// thread, which alone reads files: workers only follow what was read and tried (TlsFilesOf).
class CertificateWatch {
 public:
  CertificateWatch() = default;
  ~CertificateWatch();
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // From now on those of this configuration, and no other's.
  void Follow(const ServerContext& context, const ListenerSet& listeners);
  // To be called often; looks when it is time.
  void Tend(uint64_t now_ms);
  // Looks now. What was taken, in words: "listener web: read again: cert.pem, key.pem".
  std::vector<std::string> Look();

  // Any thread: what new handshakes use now.
  static std::vector<TlsSource> Present();

 private:
  std::vector<std::shared_ptr<TlsFiles>> files_;
  uint64_t next_ms_ = 0;
};

}  // namespace weir::server
