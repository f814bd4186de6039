#pragma once

#include <cstddef>
#include <memory>

#include <event2/event_struct.h>

#include "core/net/address.h"
#include "core/net/event_loop.h"
#include "core/net/io.h"
#include "core/net/worker_context.h"

namespace weir::net {

// A connected (or connecting) stream socket. Registered with epoll once, for both directions and by
// edges; nothing is registered again however the connection goes on. A short read is as good as
// kAgain: when the peer's FIN stands behind the bytes it took, one more OnIo follows, and when it
// was a RST, one follows in the next seconds, or milliseconds where LookSoon was called (see
// SecondLook). The memory of dead ones is kept for
// the next ones of the same thread.
class SocketIo final : public Io {
 public:
  // Takes an accepted, non-blocking socket. The first OnIo comes in a later dispatch.
  static std::unique_ptr<SocketIo> Adopt(EventLoop* loop, int fd);
  // Starts to connect; see Dialer::Dial.
  static std::unique_ptr<SocketIo> Connect(EventLoop* loop, const Address& address);

  ~SocketIo() override;

  ssize_t Read(uint8_t* room, size_t size) override;
  ssize_t Write(const iovec* pieces, int count) override;
  void ShutdownWrite() override;
  void AbortOnClose() override;
  int error() const override { return error_; }
  void LookSoon() override;
  bool connected() const override { return state_ == State::kConnected; }

  bool LocalAddress(Address* local) const override;

  int fd() const { return event_.ev_fd; }

  static void* operator new(size_t size);
  static void operator delete(void* memory);

 private:
  friend class SecondLook;
  enum class State : uint8_t { kConnecting, kConnected, kBroken };

  SocketIo(EventLoop* loop, int fd, State state);
  static void OnEvent(int fd, short what, void* self);
  void Register();
  void FinishConnect();
  void AnnounceFin(ssize_t got, size_t size);
  void Fail(int error);
  void LookForReset();

  EventLoop* loop_;
  event event_;
  int error_ = 0;
  State state_;
  bool shutdown_when_connected_ = false;
  bool fin_waits_ = false;  // epoll has seen the FIN; the reader may not have
  bool end_read_ = false;   // a Read returned 0
  bool read_since_look_ = false;
  bool look_soon_ = false;    // look_link_ is in the list of those that are looked at soon
  base::ListNode look_link_;  // SecondLook's
};

static_assert(sizeof(SocketIo) <= 192, "an idle connection is to stay below 1 KiB in all");

// Dials with real sockets, on one worker.
class SocketDialer final : public Dialer {
 public:
  explicit SocketDialer(EventLoop* loop) : loop_(loop) {}
  std::unique_ptr<Io> Dial(const Address& address) override;

 private:
  EventLoop* loop_;
};

}  // namespace weir::net
