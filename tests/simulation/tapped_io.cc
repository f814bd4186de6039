#include "tests/simulation/tapped_io.h"

#include <algorithm>
#include <utility>

namespace weir::sim {
namespace {

class TappedIo final : public net::Io, private net::IoClient {
 public:
  TappedIo(std::unique_ptr<net::Io> inner, test::SimDoor* door)
      : inner_(std::move(inner)), door_(door) {
    inner_->set_client(this);
    TakeFacts();
  }
  ~TappedIo() override {
    inner_.reset();
    door_->OnWorkerGone();
  }

  ssize_t Read(uint8_t* room, size_t size) override {
    const ssize_t got = inner_->Read(room, size);
    TakeFacts();
    return got;
  }

  ssize_t Write(const iovec* pieces, int count) override {
    const ssize_t put = inner_->Write(pieces, count);
    TakeFacts();
    auto left = static_cast<size_t>(std::max<ssize_t>(put, 0));
    for (int i = 0; i < count && left > 0; ++i) {
      const size_t n = std::min(left, pieces[i].iov_len);
      door_->OnWritten({static_cast<const char*>(pieces[i].iov_base), n});
      left -= n;
    }
    return put;
  }

  void ShutdownWrite() override {
    inner_->ShutdownWrite();
    TakeFacts();
  }
  void AbortOnClose() override { inner_->AbortOnClose(); }
  int error() const override { return inner_->error(); }
  bool connected() const override { return inner_->connected(); }
  const net::TlsSession* tls() const override { return inner_->tls(); }

 private:
  void OnIo(bool readable, bool writable) override {
    TakeFacts();
    if (client_ != nullptr) client_->OnIo(readable, writable);
  }
  void TakeFacts() {
    readable_ = inner_->readable();
    writable_ = inner_->writable();
  }

  std::unique_ptr<net::Io> inner_;
  test::SimDoor* door_;
};

}  // namespace

std::unique_ptr<net::Io> TappedTransport::Wrap(std::unique_ptr<net::Io> inner,
                                               const config::Endpoint& endpoint) {
  test::SimDoor* const door = net_->links().back()->door();
  auto io = inner_->Wrap(std::move(inner), endpoint);
  // Nobody is at the other end who would listen.
  if (door == nullptr) return io;
  return std::make_unique<TappedIo>(std::move(io), door);
}

}  // namespace weir::sim
