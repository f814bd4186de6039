#pragma once

#include <memory>
#include <string_view>

#include "core/net/io.h"
#include "core/upstream/proxy_header.h"

namespace weir::upstream {

// A connection to a backend whose first bytes are a header: it goes out as soon as the connection
// is there, before anything that its user or TLS has to say.
class HeaderIo final : public net::Io, private net::IoClient {
 public:
  // `header`: at most kMaxProxyHeader bytes, copied.
  HeaderIo(std::unique_ptr<net::Io> inner, std::string_view header);

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override;
  void AbortOnClose() override { inner_->AbortOnClose(); }
  int error() const override { return inner_->error(); }
  bool connected() const override { return inner_->connected(); }
  void LookSoon() override { inner_->LookSoon(); }
  const net::TlsSession* tls() const override { return inner_->tls(); }
  bool LocalAddress(net::Address* local) const override { return inner_->LocalAddress(local); }

 private:
  void OnIo(bool readable, bool writable) override;
  // True when all of the header is out.
  bool Flush();
  void UpdateFacts();

  std::unique_ptr<net::Io> inner_;
  uint32_t size_;
  uint32_t sent_ = 0;
  bool failed_ = false;
  bool shut_ = false;  // our FIN waits for the header
  char header_[kMaxProxyHeader];
};

}  // namespace weir::upstream
