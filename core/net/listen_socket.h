#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <event2/event_struct.h>

#include "core/net/actor.h"
#include "core/net/address.h"
#include "core/net/event_loop.h"

namespace weir::net {

// A bound and listening socket's descriptor, not yet part of a loop.
struct ListenOptions {
  int backlog = 0;         // 0: net.core.somaxconn
  bool reuse_port = true;  // a socket per worker; each binds the same address
  bool ipv4_compat = false;
};

// What came of binding: a descriptor, or the reason in words ("cannot bind 127.0.0.1:80: Permission
// denied").
struct BindResult {
  int fd = -1;
  Address address;    // the bound one: with the port that the kernel chose
  std::string error;  // set exactly when fd is -1
};

// Binds and listens. The socket file of a Unix socket is removed first when nobody listens on it
// any more; it is an error when somebody does, or when the path is something else.
BindResult Bind(const Address& address, const ListenOptions& options);

// Who takes connections from a ListenSocket.
class AcceptHandler {
 public:
  // May one more connection be taken? False stops the batch; then the handler pauses the socket.
  // Asked before each accept. `closing`: the socket takes what waits before it closes, and the
  // answer is ignored.
  virtual bool TakePlace(bool closing) = 0;
  // The place is not used after all.
  virtual void ReturnPlace() = 0;
  // Owns `fd`, which is non-blocking and close-on-exec, and the place.
  virtual void OnAccept(int fd, const Address& peer) = 0;
  // accept failed for a reason that is ours, not the one connection's; for the counters.
  virtual void OnAcceptFailed(bool no_descriptor) = 0;

 protected:
  ~AcceptHandler() = default;
};

struct AcceptStats {
  uint64_t accepted = 0;
  uint64_t no_descriptor = 0;  // EMFILE, ENFILE, ENOBUFS or ENOMEM from accept
  uint64_t failed = 0;       // other errors, those of the connection itself (ECONNABORTED) left out
  uint64_t turned_away = 0;  // closed at once through the reserve descriptor
};

// A listening socket in a worker's loop. Accepts in batches, so that a flood of new connections
// does not hold up the old ones.
//
// Out of descriptors, one waiting connection is taken through a descriptor kept in reserve and
// closed, so that its peer is not left to wait for nothing, and accepting rests for kRestMs.
class ListenSocket : public Actor {
 public:
  static constexpr int kBatch = 64;
  static constexpr uint64_t kRestMs = 100;

  // Owns fd (from Bind, or a dup of it). `loop` and `handler` outlive it. Not yet accepting.
  ListenSocket(EventLoop* loop, int fd, const Address& local, AcceptHandler* handler);
  ~ListenSocket() override;

  // Pausing and resuming is idempotent; after Close nothing has an effect.
  void Resume();
  void Pause();
  // How many may wait; 0: net.core.somaxconn.
  void SetBacklog(int backlog);
  // Accepts until nobody waits, and closes.
  void Close();

  bool accepting() const { return accepting_; }
  bool closed() const { return fd_ < 0; }
  const Address& local() const { return local_; }
  const AcceptStats& stats() const { return stats_; }

 private:
  enum class Outcome { kAccepted, kNobody, kNoPlace, kSkip, kExhausted };

  static void OnEvent(int fd, short what, void* self);
  void OnDeadline() override;
  void AcceptBatch();
  Outcome AcceptOne(bool closing);
  Outcome OnAcceptError(int error);
  void TurnOneAway();

  EventLoop* loop_;
  AcceptHandler* handler_;
  event event_;
  int fd_;
  int reserve_;
  bool accepting_ = false;
  bool resting_ = false;
  Address local_;
  AcceptStats stats_;
};

}  // namespace weir::net
