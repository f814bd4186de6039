#pragma once

#include <memory>

#include "core/net/actor.h"
#include "core/net/io.h"
#include "core/net/reactor.h"

namespace weir::server {

// A connection of which some was read already: those bytes come first, then what the Io inside has.
// Tells its client once of what is ready when it is made, for the Io's own edges have been used up.
class PrefixedIo final : public net::Io, private net::IoClient, private net::Actor {
 public:
  // size bytes at offset of `bytes`; eof: the peer's FIN was read behind them.
  PrefixedIo(std::unique_ptr<net::Io> inner, net::Reactor* reactor,
             std::unique_ptr<uint8_t[]> bytes, size_t offset, size_t size, bool eof);

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override { inner_->ShutdownWrite(); }
  void AbortOnClose() override { inner_->AbortOnClose(); }
  int error() const override { return inner_->error(); }
  bool connected() const override { return inner_->connected(); }
  void LookSoon() override { inner_->LookSoon(); }
  const net::TlsSession* tls() const override { return inner_->tls(); }

 private:
  void OnIo(bool readable, bool writable) override;
  void OnDeferred() override;
  // Keeps readable() and writable() true to their words.
  void UpdateFacts();

  std::unique_ptr<net::Io> inner_;
  std::unique_ptr<uint8_t[]> bytes_;
  size_t offset_;
  size_t left_;
  bool eof_;  // there is nothing behind the bytes
  bool eof_told_ = false;
};

}  // namespace weir::server
