#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/types.h>
#include <sys/uio.h>

namespace weir::net {

class Address;
class TlsSession;

// Results of Io::Read and Io::Write besides a byte count. Read: 0 is the peer's FIN.
inline constexpr ssize_t kAgain = -1;   // would block; a later OnIo tells when to try again
inline constexpr ssize_t kFailed = -2;  // the connection is gone; Io::error() is an errno

// Who is told that an Io became ready. Calls come from the event loop only, never from inside Io's
// own functions.
class IoClient {
 public:
  // Edges: `readable` and `writable` say what became possible since the last kAgain. A failed
  // connection is both.
  virtual void OnIo(bool readable, bool writable) = 0;

 protected:
  ~IoClient() = default;
};

// One bidirectional byte stream: a socket, a TLS session over one, network filters over one, or a
// simulated peer. It is owned by whoever reads it, and is used on one worker only.
class Io {
 public:
  virtual ~Io() = default;

  virtual ssize_t Read(uint8_t* room, size_t size) = 0;
  // Gathers; may write less than all. `connecting` counts as kAgain.
  virtual ssize_t Write(const iovec* pieces, int count) = 0;
  // Our FIN: the peer reads end of stream after what was written.
  virtual void ShutdownWrite() = 0;
  // Makes the destructor's close a RST.
  virtual void AbortOnClose() = 0;
  // errno of the last kFailed, or of the failed connect.
  virtual int error() const = 0;
  // False until a dialled connection is established; with TLS, on either side, until the handshake
  // is done.
  virtual bool connected() const = 0;
  // Somebody waits for what the peer says next: an end of it that no edge tells is looked for soon,
  // once, unless more is read before.
  virtual void LookSoon() {}
  // What the TLS handshake settled (core/net/tls_session.h); null where there is no TLS. Lives as
  // long as the Io.
  virtual const TlsSession* tls() const { return nullptr; }
  // Our end of a connected socket: one system call. False: there is none that is an IP address.
  virtual bool LocalAddress(Address*) const { return false; }
  // The proxy is going, or this part of it: what stands between the socket and whoever serves it
  // (network filters) may want to know. From the event loop, never from inside an Io's own call.
  virtual void Drain() {}

  void set_client(IoClient* client) { client_ = client; }

  // A fact from the edge until Read says otherwise: true while a Read may yield something now. An
  // implementation clears it on kAgain and on a short read, except that after the peer's FIN was
  // announced (EV_CLOSED, EPOLLRDHUP) it stays set until Read returned 0: bytes and FIN that came
  // in one event must not leave the FIN unread.
  bool readable() const { return readable_; }
  // True until Write says kAgain or writes less than all; true again from the next edge. Also false
  // while bytes that Write took wait inside the Io, as TLS records do: whoever destroys it then
  // cuts them off. ShutdownWrite needs no such care.
  bool writable() const { return writable_; }

 protected:
  IoClient* client_ = nullptr;
  bool readable_ = false;
  bool writable_ = false;
};

}  // namespace weir::net
