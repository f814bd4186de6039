#pragma once

#include "core/net/actor.h"
#include "core/net/reactor.h"
#include "core/net/socket_io.h"

namespace weir::net {

// Looks once more at sockets that have gone quiet. Bytes and a RST that come together are one edge,
// and libevent does not say that there was an error in it: whoever stops at a short read would
// learn of the RST from its next write only, and who waits for a silent peer never. A second read
// each time would cost a system call a message; this costs one for each time that a socket rests,
// one to two rests after it began to.
//
// Two per loop, used on its thread: one that looks after a second or two, and one for sockets on
// which somebody waits for the peer, after some milliseconds: the request would wait with them.
class SecondLook final : public Actor {
 public:
  static constexpr uint32_t kRestMs = 1000;
  // Whoever receives more often than this is never looked at. The wheel makes it a tick of its own.
  static constexpr uint32_t kSoonMs = 10;

  SecondLook(Reactor* reactor, uint32_t rest_ms) : reactor_(reactor), rest_ms_(rest_ms) {}

  // The socket gave all that it had. It may die at any time.
  void Note(SocketIo* io) {
    io->read_since_look_ = true;
    if (!io->look_link_.linked()) Add(io);
  }
  // The same, from the other one's list.
  void Take(SocketIo* io) {
    io->look_link_.Unlink();
    Add(io);
  }

 private:
  void OnDeadline() override;
  void Add(SocketIo* io);

  using Sockets = base::List<SocketIo, &SocketIo::look_link_>;
  Reactor* reactor_;
  const uint32_t rest_ms_;
  Sockets waiting_;
  Sockets round_;  // those of the present round that have not been visited
};

}  // namespace weir::net
