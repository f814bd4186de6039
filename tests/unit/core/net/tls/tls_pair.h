#pragma once

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/net/tls/client_context.h"
#include "core/net/tls/server_contexts.h"
#include "core/net/tls/tls_io.h"
#include "tests/support/fake_io.h"
#include "tests/support/test_certificates.h"

// A client and a server over a wire in memory, for tests of core/net/tls.

namespace weir::net::tls::test {

using weir::test::CertificateRequest;
using weir::test::FakeIo;
using weir::test::FakePeer;
using weir::test::KeyType;
using weir::test::TestCertificate;

// Made once for a whole test program.
inline const TestCertificate& Authority() {
  static const TestCertificate authority = weir::test::MakeAuthority("Test Root");
  return authority;
}

inline CertificateSource Source(const std::string& name, std::vector<std::string> names,
                                KeyType key = KeyType::kEcdsa, int days = 30) {
  CertificateRequest request;
  request.common_name = name;
  request.names = std::move(names);
  request.key = key;
  request.days = days;
  const TestCertificate made = weir::test::MakeCertificate(Authority(), request);
  return {{name + ".pem", made.chain}, {name + ".key", made.key}};
}

inline ServerTlsOptions ServerOptions() {
  static const CertificateSource certificate = Source("site", {"DNS:site.example"});
  ServerTlsOptions options;
  options.certificates = {certificate};
  options.id_context = "test";
  return options;
}

inline ClientTlsOptions ClientOptions() {
  ClientTlsOptions options;
  options.trusted_ca = {"ca.pem", Authority().chain};
  options.server_name = "site.example";
  return options;
}

class Events final : public TlsEvents {
 public:
  void OnHandshake(const TlsIo&) override { ++handshakes; }
  void OnTlsFailure(TlsFailure failure, const char* reason) override {
    failures.push_back(failure);
    last_reason = reason == nullptr ? "" : reason;
  }
  int handshakes = 0;
  std::vector<TlsFailure> failures;
  std::string last_reason;
};

// One end: reads whatever comes, writes what it is given as far as it goes.
class End final : public IoClient {
 public:
  void Take(std::unique_ptr<Io> io) {
    io_ = std::move(io);
    io_->set_client(this);
  }

  void OnIo(bool, bool) override {
    ++calls;
    if (!io_) return;
    if (!reads_only_when_told) ReadAll();
    WriteMore();
  }

  void ReadAll() {
    while (io_ && io_->readable() && !ended()) {
      std::vector<uint8_t> room(read_room);
      const ssize_t got = io_->Read(room.data(), room.size());
      if (got == kAgain) continue;
      if (got > 0) received.append(reinterpret_cast<char*>(room.data()), static_cast<size_t>(got));
      eof = eof || got == 0;
      failed = failed || got == kFailed;
    }
  }

  void WriteMore() {
    while (io_ && io_->connected() && io_->writable() && sent < to_send.size()) {
      std::vector<iovec> pieces;
      size_t at = sent;
      for (int i = 0; i < 64 && at < to_send.size(); ++i) {
        const size_t n = std::min(piece_size, to_send.size() - at);
        pieces.push_back({to_send.data() + at, n});
        at += n;
      }
      const ssize_t put = io_->Write(pieces.data(), static_cast<int>(pieces.size()));
      if (put == kFailed) write_failed = true;
      if (put <= 0) return;
      sent += static_cast<size_t>(put);
    }
  }

  void Send(const std::string& bytes) {
    to_send += bytes;
    WriteMore();
  }

  bool ended() const { return eof || failed; }
  Io* io() const { return io_.get(); }
  void Drop() { io_.reset(); }

  FakePeer wire;
  std::string received;
  std::string to_send;
  size_t sent = 0;
  size_t piece_size = 100000;
  size_t read_room = 65536;
  int calls = 0;
  bool eof = false;
  bool failed = false;
  bool write_failed = false;
  bool reads_only_when_told = false;

 private:
  std::unique_ptr<Io> io_;
};

class TlsPair {
 public:
  explicit TlsPair(uint64_t seed = 1) : random_(seed) {}

  // Contexts may be kept for several connections.
  void Build(const ServerTlsOptions& for_server, const ClientTlsOptions& for_client) {
    TlsError error;
    server_contexts = ServerContexts::Make(for_server, &tickets, &worker, &server_events, &error);
    ASSERT_NE(server_contexts, nullptr) << error.text;
    client_context = ClientContext::Make(for_client, &worker, &client_events, &error);
    ASSERT_NE(client_context, nullptr) << error.text;
    peer = client_context->AddPeer("127.0.0.1");
  }

  void Connect() {
    server = std::make_unique<End>();
    client = std::make_unique<End>();
    auto server_io = std::make_unique<FakeIo>(&server->wire);
    auto client_io = std::make_unique<FakeIo>(&client->wire);
    server_inner = server_io.get();
    client_inner = client_io.get();
    server->Take(server_contexts->Accept(std::move(server_io)));
    client->Take(client_context->Connect(std::move(client_io), peer));
    client_inner->Wake(false, true);
  }

  // Moves bytes until nothing moves any more. 0: as much at once as there is.
  void Run(size_t longest = 0) {
    for (;;) {
      const bool up = Move(client.get(), server.get(), server_inner, longest);
      const bool down = Move(server.get(), client.get(), client_inner, longest);
      if (!up && !down) return;
    }
  }

  bool Move(End* from, End* to, FakeIo* to_inner, size_t longest) {
    if (to->wire.closed) return false;
    std::string& bytes = from->wire.written;
    const size_t n =
        longest == 0 ? bytes.size() : std::min<size_t>(bytes.size(), 1 + random_() % longest);
    if (n > 0) {
      to->wire.to_read += bytes.substr(0, n);
      bytes.erase(0, n);
    }
    const bool fin = bytes.empty() && (from->wire.shut || from->wire.closed) && !to->wire.fin;
    if (fin) to->wire.fin = true;
    if (n > 0 || fin) to_inner->Wake(true, false);
    return n > 0 || fin;
  }

  void Handshake(size_t longest = 0) {
    Connect();
    Run(longest);
    ASSERT_TRUE(server->io()->connected());
    ASSERT_TRUE(client->io()->connected());
  }

  Reactor reactor{1000};
  base::SlabPool pool;
  TlsWorker worker{&reactor, &pool};
  TicketKeys tickets{3600};
  Events server_events;
  Events client_events;
  std::unique_ptr<ServerContexts> server_contexts;
  std::unique_ptr<ClientContext> client_context;
  ClientContext::Peer* peer = nullptr;
  std::unique_ptr<End> server;
  std::unique_ptr<End> client;
  FakeIo* server_inner = nullptr;
  FakeIo* client_inner = nullptr;

 private:
  std::mt19937_64 random_;
};

inline std::string Noise(size_t size, uint64_t seed = 7) {
  std::mt19937_64 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace weir::net::tls::test
