#include "core/net/listen_socket.h"

#include <cerrno>
#include <cstring>

#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"

namespace weir::net {
namespace {

// The kernel cuts it down to net.core.somaxconn.
constexpr int kMaxBacklog = 65535;

bool SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

int OpenReserve() {
  return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

// True when connecting to the socket file is refused: its owner is gone.
bool NobodyListens(const Address& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_storage to;
  const socklen_t size = address.ToSockaddr(&to);
  const bool refused =
      connect(fd, reinterpret_cast<sockaddr*>(&to), size) != 0 && errno == ECONNREFUSED;
  close(fd);
  return refused;
}

void RemoveStaleSocket(const Address& address) {
  const std::string path(address.path());
  struct stat status;
  if (path.empty() || path[0] == '@' || lstat(path.c_str(), &status) != 0 ||
      !S_ISSOCK(status.st_mode))
    return;
  if (NobodyListens(address)) unlink(path.c_str());
}

bool SetOptions(int fd, const Address& address, const ListenOptions& options) {
  if (!address.is_ip()) return true;
  if (!SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  if (options.reuse_port && !SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return false;
  if (address.family() == AF_INET6 &&
      !SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv4_compat ? 0 : 1))
    return false;
  // Accepted sockets inherit it: one system call less for each of them.
  return SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

bool BindAndListen(int fd, const Address& address, const ListenOptions& options) {
  sockaddr_storage to;
  const socklen_t size = address.ToSockaddr(&to);
  if (bind(fd, reinterpret_cast<sockaddr*>(&to), size) != 0) return false;
  if (address.mode() != 0 && chmod(std::string(address.path()).c_str(), address.mode()) != 0)
    return false;
  return listen(fd, options.backlog > 0 ? options.backlog : kMaxBacklog) == 0;
}

Address LocalAddress(int fd, const Address& fallback) {
  if (!fallback.is_ip()) return fallback;
  sockaddr_storage local;
  socklen_t size = sizeof(local);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) return fallback;
  return Address::From(reinterpret_cast<sockaddr*>(&local), size);
}

}  // namespace

BindResult Bind(const Address& address, const ListenOptions& options) {
  BindResult result;
  result.address = address;
  if (address.is_unix()) RemoveStaleSocket(address);
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd >= 0 && SetOptions(fd, address, options) && BindAndListen(fd, address, options)) {
    result.fd = fd;
    result.address = LocalAddress(fd, address);
    return result;
  }
  result.error = "cannot bind " + address.ToString() + ": " + std::strerror(errno);
  if (fd >= 0) close(fd);
  return result;
}

ListenSocket::ListenSocket(EventLoop* loop, int fd, const Address& local, AcceptHandler* handler)
    : loop_(loop), handler_(handler), fd_(fd), reserve_(OpenReserve()), local_(local) {
  // Level-triggered, unlike all other sockets: what a batch leaves is reported again.
  event_assign(&event_, loop->base(), fd, EV_READ | EV_PERSIST, &ListenSocket::OnEvent, this);
}

ListenSocket::~ListenSocket() {
  Pause();
  if (fd_ >= 0) close(fd_);
  if (reserve_ >= 0) close(reserve_);
}

void ListenSocket::Resume() {
  if (fd_ < 0 || accepting_ || resting_) return;
  accepting_ = event_add(&event_, nullptr) == 0;
}

void ListenSocket::Pause() {
  if (!accepting_) return;
  event_del(&event_);
  accepting_ = false;
}

void ListenSocket::SetBacklog(int backlog) {
  if (fd_ >= 0) listen(fd_, backlog > 0 ? backlog : kMaxBacklog);
}

void ListenSocket::Close() {
  if (fd_ < 0) return;
  Pause();
  for (;;) {
    const Outcome outcome = AcceptOne(true);
    if (outcome == Outcome::kNobody) break;
    // Nobody left in the queue may hold up the end: those whom we have no descriptor for are closed
    // by the kernel.
    if (outcome == Outcome::kExhausted) break;
  }
  loop_->reactor()->SetDeadline(this, 0);
  resting_ = false;
  close(fd_);
  fd_ = -1;
}

void ListenSocket::OnEvent(int, short, void* self) {
  auto* socket = static_cast<ListenSocket*>(self);
  socket->loop_->BeginDispatch();
  socket->AcceptBatch();
}

void ListenSocket::OnDeadline() {
  resting_ = false;
  Resume();
}

void ListenSocket::AcceptBatch() {
  for (int i = 0; i < kBatch && accepting_; ++i) {
    switch (AcceptOne(false)) {
      case Outcome::kAccepted:
      case Outcome::kSkip:
        continue;
      case Outcome::kNobody:
      case Outcome::kNoPlace:
        return;
      case Outcome::kExhausted:
        Pause();
        resting_ = true;
        loop_->reactor()->SetDeadline(this, loop_->now_ms() + kRestMs);
        return;
    }
  }
}

ListenSocket::Outcome ListenSocket::AcceptOne(bool closing) {
  if (!handler_->TakePlace(closing)) return Outcome::kNoPlace;
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  const int fd =
      accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    handler_->ReturnPlace();
    return OnAcceptError(error);
  }
  ++stats_.accepted;
  handler_->OnAccept(fd, Address::From(reinterpret_cast<sockaddr*>(&peer), size));
  return Outcome::kAccepted;
}

ListenSocket::Outcome ListenSocket::OnAcceptError(int error) {
  switch (error) {
    case EAGAIN:
      return Outcome::kNobody;
    case EINTR:
    case ECONNABORTED:
    case EPERM:  // a firewall's verdict on that one connection
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
    case EOPNOTSUPP:
      return Outcome::kSkip;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: {
      ++stats_.no_descriptor;
      handler_->OnAcceptFailed(true);
      char text[Address::kMaxText];
      const auto size = static_cast<int>(local_.Print(text));
      WEIR_LOG_EVERY_SECOND(kWarn, "%.*s: cannot accept: %s; resting", size, text,
                            std::strerror(error));
      TurnOneAway();
      return Outcome::kExhausted;
    }
    default:
      ++stats_.failed;
      handler_->OnAcceptFailed(false);
      WEIR_LOG_EVERY_SECOND(kError, "%s: accept failed: %s", local_.ToString().c_str(),
                            std::strerror(error));
      return Outcome::kExhausted;
  }
}

void ListenSocket::TurnOneAway() {
  if (reserve_ >= 0) {
    close(reserve_);
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      ++stats_.turned_away;
      close(fd);
    }
  }
  reserve_ = OpenReserve();
}

}  // namespace weir::net
