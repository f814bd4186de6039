#include "core/net/socket_io.h"

#include <cerrno>
#include <new>

#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/net/second_look.h"

namespace weir::net {
namespace {

// Connections come and go in waves; this many dead ones (a few hundred KiB) are kept for the next
// wave.
constexpr size_t kMaxFree = 2048;

struct FreeList {
  ~FreeList() {
    while (first != nullptr) {
      void* next = *static_cast<void**>(first);
      ::operator delete(first);
      first = next;
    }
    closed = true;
  }
  void* first = nullptr;
  size_t count = 0;
  bool closed = false;
};

thread_local FreeList free_list;

// The library's recv and sendmsg are points of cancellation: two atomic operations a call that
// nobody here needs.
ssize_t Receive(int fd, uint8_t* room, size_t size) {
  return syscall(SYS_recvfrom, fd, room, size, MSG_DONTWAIT, nullptr, nullptr);
}

ssize_t Send(int fd, const iovec* pieces, int count) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  // One piece, as in most small answers, costs the kernel less without a vector.
  if (count == 1)
    return syscall(SYS_sendto, fd, pieces->iov_base, pieces->iov_len, kFlags, nullptr, 0);
  msghdr message = {};
  message.msg_iov = const_cast<iovec*>(pieces);
  message.msg_iovlen = static_cast<size_t>(count);
  return syscall(SYS_sendmsg, fd, &message, kFlags);
}

void SetNoDelay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

void* SocketIo::operator new(size_t size) {
  void* memory = free_list.first;
  if (memory == nullptr) return ::operator new(size);
  free_list.first = *static_cast<void**>(memory);
  --free_list.count;
  return memory;
}

void SocketIo::operator delete(void* memory) {
  if (free_list.closed || free_list.count >= kMaxFree) {
    ::operator delete(memory);
    return;
  }
  *static_cast<void**>(memory) = free_list.first;
  free_list.first = memory;
  ++free_list.count;
}

SocketIo::SocketIo(EventLoop* loop, int fd, State state) : loop_(loop), state_(state) {
  writable_ = state == State::kConnected;  // a write is tried before it is waited for
  event_assign(&event_, loop->base(), fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
               &SocketIo::OnEvent, this);
}

void SocketIo::Register() {
  if (event_add(&event_, nullptr) != 0) Fail(errno == 0 ? ENOMEM : errno);
}

std::unique_ptr<SocketIo> SocketIo::Adopt(EventLoop* loop, int fd) {
  std::unique_ptr<SocketIo> io(new SocketIo(loop, fd, State::kConnected));
  io->Register();
  return io;
}

std::unique_ptr<SocketIo> SocketIo::Connect(EventLoop* loop, const Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int failure = errno;
  std::unique_ptr<SocketIo> io(new SocketIo(loop, fd, State::kConnecting));
  if (fd < 0) {
    io->Fail(failure);
    return io;
  }
  if (address.is_ip()) SetNoDelay(fd);
  sockaddr_storage to;
  const socklen_t size = address.ToSockaddr(&to);
  const int result = connect(fd, reinterpret_cast<sockaddr*>(&to), size);
  if (result == 0) {
    io->state_ = State::kConnected;
  } else if (errno != EINPROGRESS) {
    // EAGAIN too: a Unix socket whose backlog is full never tells when there is room.
    io->Fail(errno);
    return io;
  }
  io->Register();
  return io;
}

SocketIo::~SocketIo() {
  event_del(&event_);
  if (event_.ev_fd >= 0) close(event_.ev_fd);
}

// The client hears of it in a later turn, never from inside its own call.
void SocketIo::Fail(int error) {
  state_ = State::kBroken;
  error_ = error;
  event_active(&event_, EV_READ | EV_WRITE, 0);
}

void SocketIo::OnEvent(int, short what, void* self) {
  auto* io = static_cast<SocketIo*>(self);
  io->loop_->BeginDispatch();
  if ((what & EV_CLOSED) != 0) io->fin_waits_ = true;
  bool readable = (what & (EV_READ | EV_CLOSED)) != 0;
  bool writable = (what & EV_WRITE) != 0;
  if (io->state_ != State::kConnected) {
    if (io->state_ == State::kConnecting) {
      if (!writable) return;
      io->FinishConnect();
    }
    readable = writable = true;
  }
  io->readable_ = io->readable_ || readable;
  io->writable_ = io->writable_ || writable;
  if (io->client_ != nullptr) io->client_->OnIo(readable, writable);
}

void SocketIo::FinishConnect() {
  int failure = 0;
  socklen_t size = sizeof(failure);
  if (getsockopt(fd(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) failure = errno;
  error_ = failure;
  state_ = failure == 0 ? State::kConnected : State::kBroken;
  if (failure == 0 && shutdown_when_connected_) ShutdownWrite();
}

ssize_t SocketIo::Read(uint8_t* room, size_t size) {
  if (state_ != State::kConnected) return state_ == State::kConnecting ? kAgain : kFailed;
  for (;;) {
    const ssize_t got = Receive(fd(), room, size);
    if (got >= 0) {
      // A short read says that there is no more, unless a FIN is known to follow.
      if (static_cast<size_t>(got) < size) {
        readable_ = fin_waits_ && got > 0;
        if (got > 0) loop_->second_look()->Note(this);
      }
      if (fin_waits_) AnnounceFin(got, size);
      if (got == 0 && size != 0) end_read_ = true;
      return got;
    }
    if (errno == EAGAIN) {
      readable_ = false;
      return kAgain;
    }
    if (errno == EINTR) continue;
    error_ = errno;
    state_ = State::kBroken;
    return kFailed;
  }
}

bool SocketIo::LocalAddress(Address* local) const {
  sockaddr_storage address;
  socklen_t size = sizeof(address);
  if (getsockname(fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  *local = Address::From(reinterpret_cast<sockaddr*>(&address), size);
  return local->is_ip();
}

void SocketIo::LookSoon() {
  // Not linked: there was no short read since the last look, and nothing can be hidden behind one.
  if (look_soon_ || !look_link_.linked()) return;
  look_soon_ = true;
  loop_->soon_look()->Take(this);
}

// A read that finds the error takes it from the socket: the next one would see a FIN.
void SocketIo::LookForReset() {
  look_soon_ = false;
  if (state_ != State::kConnected) return;
  uint8_t byte;
  const ssize_t got =
      syscall(SYS_recvfrom, fd(), &byte, 1, MSG_DONTWAIT | MSG_PEEK, nullptr, nullptr);
  if (got < 0 && errno != EAGAIN && errno != EINTR) Fail(errno);
  // Where bytes, FIN and RST are one edge libevent tells neither of the last two, and the FIN hides
  // the error from a read.
  if (got == 0 && !end_read_) event_active(&event_, EV_READ, 0);
}

// Bytes and FIN that came together are one edge: a reader that stops at a short read would never
// learn of the FIN.
void SocketIo::AnnounceFin(ssize_t got, size_t size) {
  if (got != 0 && static_cast<size_t>(got) == size) return;  // it reads on anyway
  fin_waits_ = false;
  if (got != 0) event_active(&event_, EV_READ, 0);
}

ssize_t SocketIo::Write(const iovec* pieces, int count) {
  if (state_ != State::kConnected) return state_ == State::kConnecting ? kAgain : kFailed;
  for (;;) {
    const ssize_t put = Send(fd(), pieces, count);
    if (put >= 0) {
      size_t all = 0;
      for (int i = 0; i < count; ++i) all += pieces[i].iov_len;
      if (static_cast<size_t>(put) < all) writable_ = false;
      return put;
    }
    if (errno == EAGAIN) {
      writable_ = false;
      return kAgain;
    }
    if (errno == EINTR) continue;
    // What came before the peer's RST is still there to be read: an early answer, say. Read finds
    // out for itself.
    error_ = errno;
    return kFailed;
  }
}

void SocketIo::ShutdownWrite() {
  if (state_ == State::kConnecting) shutdown_when_connected_ = true;
  if (state_ == State::kConnected) shutdown(fd(), SHUT_WR);
}

void SocketIo::AbortOnClose() {
  const linger abort = {1, 0};
  if (fd() >= 0) setsockopt(fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
}

std::unique_ptr<Io> SocketDialer::Dial(const Address& address) {
  return SocketIo::Connect(loop_, address);
}

}  // namespace weir::net
