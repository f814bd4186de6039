#include "tests/fuzz/tls_server/tls_connection.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include <openssl/ssl.h>

#include "core/net/tls/client_context.h"
#include "core/net/tls/server_contexts.h"
#include "tests/support/seeded_openssl.h"
#include "tests/support/test_certificates.h"

namespace weir::net::tls::test {
namespace {

using weir::test::FakeIo;
using weir::test::FakePeer;

void Require(bool ok, const char* rule) {
  if (ok) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

std::string Plain(size_t from, size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<char>((from + i) * 31 + (from + i) / 251);
  return bytes;
}

}  // namespace

// Made once: what an input does leaves nothing in them.
struct TlsFuzzContexts {
  TlsFuzzContexts() {
    weir::test::SeedOpenSsl(1);
    const auto authority = weir::test::MakeAuthority("Root", weir::test::Lasts::kFixed);
    const auto make = [&](const char* name, std::vector<std::string> names) {
      const auto made = weir::test::MakeCertificate(
          authority,
          {name, std::move(names), weir::test::KeyType::kEd25519, 0, weir::test::Lasts::kFixed});
      return CertificateSource{{name, made.chain}, {name, made.key}};
    };
    const CertificateSource site = make("site", {"DNS:site.example", "DNS:*.wild.example"});
    const CertificateSource client = make("client", {});
    for (int i = 0; i < 4; ++i) {
      ServerTlsOptions s;
      s.max_version = (i & 1) != 0 ? Version::kTls12 : Version::kTls13;
      s.certificates = {site};
      s.alpn = {"h2", "http/1.1"};
      s.id_context = "fuzz";
      if ((i & 2) != 0) s.trusted_ca = {"ca", authority.chain};
      ClientTlsOptions c;
      c.alpn = {"h2"};
      c.server_name = "site.example";
      c.trusted_ca = {"ca", authority.chain};
      if ((i & 2) != 0) c.certificates = {client};
      TlsError error;
      servers[i] = ServerContexts::Make(s, &tickets, &worker, nullptr, &error);
      Require(servers[i] != nullptr, error.text.c_str());
      client_options[i] = c;
    }
  }

  Reactor reactor{1000};
  base::SlabPool pool;
  TlsWorker worker{&reactor, &pool};
  TicketKeys tickets{3600};
  std::unique_ptr<ServerContexts> servers[4];
  ClientTlsOptions client_options[4];
};

// An end with the one who reads and writes it.
class TlsConnection::End final : public IoClient {
 public:
  FakeIo* NewInner() {
    auto made = std::make_unique<FakeIo>(&wire);
    inner = made.get();
    pending_ = std::move(made);
    return inner;
  }
  std::unique_ptr<Io> TakeInner() { return std::move(pending_); }
  void Take(std::unique_ptr<Io> io) {
    io_ = std::move(io);
    io_->set_client(this);
  }

  void OnIo(bool, bool) override {
    Require(io_->connected() || io_->error() != 0, "who waits for a handshake is not disturbed");
    if (!lazy) ReadAll();
    WriteMore();
  }

  void ReadAll() {
    int vain = 0;
    while (io_->readable() && !ended()) {
      std::vector<uint8_t> room(read_room);
      const ssize_t got = io_->Read(room.data(), room.size());
      if (got > 0) received.append(reinterpret_cast<char*>(room.data()), static_cast<size_t>(got));
      eof = eof || got == 0;
      failed = failed || got == kFailed;
      vain = got == kAgain ? vain + 1 : 0;
      Require(vain < 2, "what is readable can be read");
    }
    if (ended()) Require(!io_->readable(), "an end is told once");
  }

  void WriteMore() {
    while (io_->connected() && io_->writable() && sent < to_send.size() && !write_failed) {
      const iovec piece = {to_send.data() + sent, to_send.size() - sent};
      const ssize_t put = io_->Write(&piece, 1);
      if (put == kFailed) write_failed = true;
      if (put <= 0) return;
      sent += static_cast<size_t>(put);
    }
  }

  void Send(size_t size) {
    if (shut) return;
    to_send += Plain(to_send.size(), size);
    WriteMore();
  }

  bool ended() const { return eof || failed; }
  Io* io() const { return io_.get(); }
  SSL* ssl() const { return static_cast<TlsIo*>(io_.get())->handle_for_tests(); }
  void Drop() { io_.reset(); }

  FakePeer wire;
  FakeIo* inner = nullptr;
  std::string received;
  std::string to_send;
  size_t sent = 0;
  size_t read_room = 65536;
  bool lazy = false;
  bool eof = false;
  bool failed = false;
  bool write_failed = false;
  bool shut = false;

 private:
  std::unique_ptr<Io> pending_;
  std::unique_ptr<Io> io_;
};

TlsConnection::TlsConnection(TlsIo::Position position, const uint8_t* data, size_t size)
    : position_(position), data_(data), left_(size) {
  static auto* const contexts = new TlsFuzzContexts;
  contexts_ = contexts;
  weir::test::SeedOpenSsl(2);
  contexts_->reactor.set_now(1000);
  const uint32_t how = Take(1);
  // The clients' sessions live in their context.
  TlsError error;
  client_context_ =
      ClientContext::Make(contexts_->client_options[how & 3], &contexts_->worker, nullptr, &error);
  Require(client_context_ != nullptr, error.text.c_str());
  remembered_ = client_context_->AddPeer("site.example");
  Connect(how & 3);
  if ((how & 4) == 0) return;
  // One that comes back.
  for (int i = 0; i < 10; ++i) {
    PassToPeer();
    Deliver(SIZE_MAX);
  }
  Require(end_->io()->connected() && peer_->io()->connected(), "nobody stood in the way");
  Connect(how & 3);
}

TlsConnection::~TlsConnection() {
  end_.reset();
  peer_.reset();
}

void TlsConnection::Connect(uint32_t which) {
  end_ = std::make_unique<End>();
  peer_ = std::make_unique<End>();
  wire_.clear();
  End* const server = position_ == TlsIo::Position::kServer ? end_.get() : peer_.get();
  End* const client = position_ == TlsIo::Position::kServer ? peer_.get() : end_.get();
  server->NewInner();
  client->NewInner();
  server->Take(contexts_->servers[which]->Accept(server->TakeInner()));
  client->Take(client_context_->Connect(client->TakeInner(), remembered_));
  client->inner->Wake(false, true);
}

uint32_t TlsConnection::Take(uint32_t octets) {
  uint32_t value = 0;
  for (; octets > 0 && left_ > 0; --octets, --left_) value = value << 8 | *data_++;
  return value;
}

void TlsConnection::Run() {
  while (left_ > 0 && end_->io() != nullptr) {
    Step();
    Check();
  }
  if (end_->io() != nullptr && !tampered_ && !cut_) {
    // Nobody stood in the way: all of it comes.
    end_->lazy = peer_->lazy = false;
    end_->wire.write_room = SIZE_MAX;
    for (int i = 0; i < 30; ++i) {
      end_->inner->Wake(false, true);
      PassToPeer();
      Deliver(SIZE_MAX);
    }
    if (end_->io()->connected()) end_->ReadAll();
    Check();
    Require(end_->received == peer_->to_send || end_->write_failed, "nothing is lost");
    Require(!end_->failed, "nothing was wrong");
  }
  end_->Drop();
  peer_->Drop();
  Require(contexts_->pool.pinned_bytes() == 0, "nothing is held at the end");
}

void TlsConnection::Step() {
  const uint32_t op = Take(1);
  switch (op & 7) {
    case 0:
      return Deliver(Take(1));
    case 1:
      return Deliver(SIZE_MAX);
    case 2: {
      const size_t n = std::min<size_t>(Take(2), left_);
      const std::string bytes(reinterpret_cast<const char*>(data_), n);
      data_ += n;
      left_ -= n;
      return Inject(bytes);
    }
    case 3:
      return Tamper(op >> 3);
    case 4:
    case 5:
      return PeerActs(op >> 3);
    case 6:
      return EndActs(op >> 3);
    default:
      return PassToPeer();
  }
}

void TlsConnection::PassToPeer() {
  std::string bytes = std::move(end_->wire.written);
  end_->wire.written.clear();
  peer_->wire.to_read += bytes;
  if (!bytes.empty()) peer_->inner->Wake(true, false);
}

void TlsConnection::Deliver(size_t n) {
  wire_ += peer_->wire.written;
  peer_->wire.written.clear();
  n = std::min(n, wire_.size());
  end_->wire.to_read.append(wire_, 0, n);
  wire_.erase(0, n);
  const bool fin = wire_.empty() && peer_->wire.shut && !fin_;
  if (fin) fin_ = end_->wire.fin = true;
  if (n > 0 || fin) end_->inner->Wake(true, false);
  PassToPeer();
}

void TlsConnection::Inject(const std::string& bytes) {
  if (bytes.empty() || fin_) return;
  tampered_ = true;
  end_->wire.to_read += bytes;
  end_->inner->Wake(true, false);
}

size_t TlsConnection::RecordSize(size_t at) const {
  if (wire_.size() < at + 5) return wire_.size() - at;
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(wire_[at + i]); };
  return std::min<size_t>(wire_.size() - at, 5u + (size_t{byte(3)} << 8 | byte(4)));
}

// At a record's border, so that the rest is still read as records.
void TlsConnection::Tamper(uint32_t how) {
  wire_ += peer_->wire.written;
  peer_->wire.written.clear();
  if (wire_.empty()) return;
  tampered_ = true;
  const size_t first = RecordSize(0);
  switch (how & 7) {
    case 0:
      wire_[Take(2) % wire_.size()] ^= static_cast<char>(1 << Take(1) % 8);
      return;
    case 1:
      wire_.erase(0, first);
      return;
    case 2:
      wire_.insert(0, wire_.substr(0, first));
      return;
    case 3:  // behind the next
      if (first < wire_.size()) {
        const std::string moved = wire_.substr(0, first);
        wire_.erase(0, first);
        wire_.insert(RecordSize(0), moved);
      }
      return;
    case 4:  // another type
      wire_[0] = static_cast<char>(Take(1));
      return;
    case 5:  // another length
      if (wire_.size() > 4) wire_[3 + Take(1) % 2] = static_cast<char>(Take(1));
      return;
    case 6:
      wire_.erase(Take(2) % wire_.size(), Take(2));
      return;
    default: {  // a record that says it is one
      const uint32_t size = Take(2) % 2000;
      std::string record = {static_cast<char>(20 + Take(1) % 5), 3, 3, static_cast<char>(size >> 8),
                            static_cast<char>(size)};
      record += Plain(Take(1), size);
      wire_.insert((how & 8) != 0 ? first : 0, record);
    }
  }
}

void TlsConnection::PeerActs(uint32_t how) {
  Io* const io = peer_->io();
  switch (how & 3) {
    case 0:
      return peer_->Send(Take(1));
    case 1:
      return peer_->Send(Take(2));
    case 2:
      if (!io->connected() || peer_->shut) return;
      // Then the end may have had enough, which is for the unit tests to count.
      if (++controls_ + 5 > TlsIo::kMaxControlPerSecond) tampered_ = true;
      if (SSL_version(peer_->ssl()) == TLS1_3_VERSION && !peer_->failed) {
        // A client's ticket is asked for by nobody.
        if (position_ == TlsIo::Position::kClient && (how & 4) != 0) {
          SSL_new_session_ticket(peer_->ssl());
        } else {
          SSL_key_update(peer_->ssl(),
                         (how & 8) != 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
        }
      }
      return peer_->Send(1);
    default:
      if (!io->connected() || peer_->shut) return;
      peer_->shut = true;
      io->ShutdownWrite();
  }
}

void TlsConnection::EndActs(uint32_t how) {
  Io* const io = end_->io();
  switch (how & 7) {
    case 0:
      return end_->Send(Take(2));
    case 1:
      end_->lazy = !end_->lazy;
      if (!end_->lazy && io->connected()) end_->ReadAll();
      return;
    case 2:
      end_->read_room = 1 + Take(1) * 37u;
      return;
    case 3:
      end_->wire.write_room = Take(2);
      end_->inner->Wake(false, end_->wire.write_room > 0);
      return;
    case 4:
      if (end_->shut) return;
      end_->shut = true;
      end_->to_send.resize(end_->sent);  // nothing is written behind it
      return io->ShutdownWrite();
    case 5:
    case 6:
      if (fin_) return;
      cut_ = fin_ = true;
      ((how & 7) == 5 ? end_->wire.fin : end_->wire.read_fails) = true;
      end_->inner->Wake(true, (how & 7) == 6);
      return;
    default:
      contexts_->reactor.set_now(contexts_->reactor.now_ms() + 1000);
  }
}

void TlsConnection::Check() const {
  if (end_->io() == nullptr) return;
  Require(peer_->to_send.compare(0, end_->received.size(), end_->received) == 0,
          "what is read is what was written");
  Require(contexts_->pool.pinned_bytes() <= 2 * 400'000, "what is held is bounded");
  if (!end_->eof) return;
  // The word that this is the end is the peer's own, or its owner is told that there was none.
  const TlsSession* tls = end_->io()->tls();
  if (peer_->shut && end_->received == peer_->to_send) return;
  Require(position_ == TlsIo::Position::kServer && tls->truncated(), "an end is announced");
}

}  // namespace weir::net::tls::test
