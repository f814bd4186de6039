#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/net/io.h"
#include "core/net/tls_session.h"

namespace weir::test {

// What a handshake would have settled.
struct FakeTls final : net::TlsSession {
  std::string agreed;  // the ALPN name

  std::string_view alpn() const override { return agreed; }
  std::string_view server_name() const override { return {}; }
  std::string_view version() const override { return "TLSv1.3"; }
  std::string_view cipher() const override { return {}; }
  bool resumed() const override { return false; }
  bool peer_verified() const override { return false; }
  bool truncated() const override { return false; }
  std::string peer_subject() const override { return {}; }
};

// The far end of a FakeIo, which the test keeps: what it will read, what was written, and how much
// it takes.
struct FakePeer {
  std::string to_read;      // waits to be read
  bool fin = false;         // after it: the peer's FIN
  bool read_fails = false;  // after it: kFailed
  size_t most_per_read = SIZE_MAX;
  std::string written;
  size_t write_room = SIZE_MAX;  // bytes that are still taken; then kAgain
  size_t most_per_write = SIZE_MAX;
  bool write_fails = false;
  int writes_before_failing = -1;  // so many more are taken; -1: all
  bool connected = true;
  const FakeTls* tls = nullptr;  // there is TLS
  bool shut = false;             // our FIN
  bool aborted = false;
  bool closed = false;  // the Io is gone
  size_t written_at_shut = 0;
  int reads = 0;
  int writes = 0;
};

class FakeIo final : public net::Io {
 public:
  explicit FakeIo(FakePeer* peer) : peer_(peer) { readable_ = writable_ = peer->connected; }
  ~FakeIo() override { peer_->closed = true; }

  // The edge: what the event loop would do.
  void Wake(bool readable, bool writable) {
    readable_ = readable_ || readable;
    writable_ = writable_ || writable;
    client_->OnIo(readable, writable);
  }

  // There is something to read, and the client has not been told yet.
  void Announce() { readable_ = true; }

  ssize_t Read(uint8_t* room, size_t size) override {
    ++peer_->reads;
    if (peer_->to_read.empty()) {
      readable_ = false;
      if (peer_->read_fails) return net::kFailed;
      return peer_->fin ? 0 : net::kAgain;
    }
    const size_t n = std::min({size, peer_->to_read.size(), peer_->most_per_read});
    std::memcpy(room, peer_->to_read.data(), n);
    peer_->to_read.erase(0, n);
    readable_ = !peer_->to_read.empty() || peer_->fin || peer_->read_fails;
    return static_cast<ssize_t>(n);
  }

  ssize_t Write(const iovec* pieces, int count) override {
    ++peer_->writes;
    if (peer_->writes_before_failing == 0) peer_->write_fails = true;
    if (peer_->write_fails) return net::kFailed;
    if (peer_->writes_before_failing > 0) --peer_->writes_before_failing;
    size_t left = std::min(peer_->write_room, peer_->most_per_write);
    size_t wanted = 0;
    size_t total = 0;
    for (int i = 0; i < count; ++i) {
      wanted += pieces[i].iov_len;
      const size_t n = std::min(left, pieces[i].iov_len);
      peer_->written.append(static_cast<const char*>(pieces[i].iov_base), n);
      left -= n;
      total += n;
    }
    if (peer_->write_room != SIZE_MAX) peer_->write_room -= total;
    writable_ = total == wanted;
    return total == 0 && wanted > 0 ? net::kAgain : static_cast<ssize_t>(total);
  }

  void ShutdownWrite() override {
    if (!peer_->shut) peer_->written_at_shut = peer_->written.size();
    peer_->shut = true;
  }
  void AbortOnClose() override { peer_->aborted = true; }
  int error() const override { return peer_->write_fails || peer_->read_fails ? ECONNRESET : 0; }
  bool connected() const override { return peer_->connected; }
  const net::TlsSession* tls() const override { return peer_->tls; }

 private:
  FakePeer* peer_;
};

}  // namespace weir::test
