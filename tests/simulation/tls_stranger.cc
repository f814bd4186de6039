#include "tests/simulation/tls_stranger.h"

#include <openssl/ssl.h>

namespace weir::sim {
namespace {

constexpr uint64_t kPatience = 10'000;  // of the worker, with something to spare

std::string Hello(TlsKit* kit) {
  SSL* ssl = kit->NewSsl(false);
  SSL_do_handshake(ssl);
  char* data = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
  std::string hello(data, static_cast<size_t>(size));
  SSL_free(ssl);
  return hello;
}

}  // namespace

TlsStranger::TlsStranger(World* world, TlsKit* kit)
    : world_(world), words_(Words(kit)), at_(world->now() + world->Below(200)) {}

TlsStranger::TlsStranger(World* world, test::SimLink* link)
    : world_(world), link_(link), words_(Words(nullptr)) {}

std::string TlsStranger::Words(TlsKit* kit) {
  std::string words;
  switch (world_->Below(kit == nullptr ? 3 : 6)) {
    case 0:
      break;
    case 1:
      for (uint64_t i = world_->Below(3000); i > 0; --i)
        words += static_cast<char>(world_->Below(256));
      break;
    case 2:
      words = kit == nullptr ? "HTTP/1.1 400 Bad Request\r\n\r\n"
                             : "GET / HTTP/1.1\r\nHost: sim.example\r\n\r\n";
      break;
    case 3:
      words = Hello(kit);
      words.resize(1 + world_->Below(words.size() - 1));
      break;
    case 4:
      words = Hello(kit);
      break;
    default:
      words = Hello(kit) + std::string(1 + world_->Below(100), '\x17');
  }
  return words;
}

void TlsStranger::Speak() {
  link_->Send(words_);
  words_.clear();
  switch (world_->Below(4)) {
    case 0:
      link_->Fin();
      break;
    case 1:
      link_->Abort();
      done_ = true;
      break;
    default:
      break;
  }
}

uint64_t TlsStranger::Tick(uint64_t now_ms) {
  if (done_) return UINT64_MAX;
  if (link_ == nullptr) {
    if (now_ms < at_) return at_;
    link_ = world_->ConnectStranger(this);
    if (link_ == nullptr) {
      done_ = true;
      return UINT64_MAX;
    }
    until_ = now_ms + kPatience;
    Speak();
  }
  if (done_ || until_ == 0) return UINT64_MAX;
  if (now_ms < until_) return until_;
  world_->Fail("link " + std::to_string(link_->id()) + " is kept though it makes no handshake");
  done_ = true;
  return UINT64_MAX;
}

void TlsStranger::OnBytes(std::string_view) {
  if (done_ || until_ != 0) return;
  until_ = world_->now() + kPatience;
  Speak();
}

void TlsStranger::OnFin() {
  if (done_) return;
  done_ = true;
  link_->Close();
}

}  // namespace weir::sim
