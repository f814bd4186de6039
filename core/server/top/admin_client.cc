#include "core/server/top/admin_client.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir::server {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kUnix = "unix:";
constexpr const char* kExpected = "expected http://host:port or unix:/path";

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// False when the time is over.
bool Await(int fd, short events, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd one{fd, events, 0};
    const int ready = poll(&one, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    // A signal (the window's size) does not end the wait; the deadline holds.
    if (ready < 0 && errno != EINTR) return false;
  }
}

std::string Reason(int number) {
  return std::strerror(number);
}

// Empty, or why there is no connection.
std::string Connect(int fd, const sockaddr* address, socklen_t size, Clock::time_point end) {
  if (fd < 0) return Reason(errno);
  if (connect(fd, address, size) == 0) return "";
  if (errno != EINPROGRESS && errno != EAGAIN) return Reason(errno);
  if (!Await(fd, POLLOUT, end)) return "no connection in time";
  int failure = 0;
  socklen_t length = sizeof(failure);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &length);
  return failure == 0 ? "" : Reason(failure);
}

constexpr int kSocketFlags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

std::unique_ptr<Socket> ConnectUnix(const std::string& path, Clock::time_point end,
                                    std::string* error) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    *error = "the path is too long";
    return nullptr;
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool abstract = !path.empty() && path[0] == '@';
  if (abstract) address.sun_path[0] = '\0';
  const size_t size = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1);
  auto made = std::make_unique<Socket>(socket(AF_UNIX, kSocketFlags, 0));
  *error = Connect(made->fd(), reinterpret_cast<const sockaddr*>(&address),
                   static_cast<socklen_t>(size), end);
  return error->empty() ? std::move(made) : nullptr;
}

std::unique_ptr<Socket> ConnectTcp(const AdminUrl& url, Clock::time_point end, std::string* error) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(url.host.c_str(), url.port.c_str(), &hints, &found);
  if (failure != 0) {
    *error = gai_strerror(failure);
    return nullptr;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    auto made = std::make_unique<Socket>(socket(one->ai_family, kSocketFlags, 0));
    *error = Connect(made->fd(), one->ai_addr, one->ai_addrlen, end);
    if (error->empty()) return made;
  }
  return nullptr;
}

std::string SendAll(int fd, std::string_view data, Clock::time_point end) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      data.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!Await(fd, POLLOUT, end)) return "it takes no request in time";
    } else if (errno != EINTR) {
      return Reason(errno);
    }
  }
  return "";
}

std::string ReceiveAll(int fd, std::string* text, Clock::time_point end) {
  char piece[16384];
  for (;;) {
    const ssize_t got = recv(fd, piece, sizeof(piece), 0);
    if (got == 0) return "";
    if (got > 0) {
      text->append(piece, static_cast<size_t>(got));
      if (text->size() > kMaxAdminAnswer) return "the answer is too long";
    } else if (errno == EAGAIN) {
      if (!Await(fd, POLLIN, end)) return "no answer in time";
    } else if (errno != EINTR) {
      return Reason(errno);
    }
  }
}

// The number behind "content-length:", or none.
std::optional<size_t> ContentLength(std::string head) {
  std::transform(head.begin(), head.end(), head.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::string_view kName = "\r\ncontent-length:";
  size_t at = head.find(kName);
  if (at == std::string::npos) return std::nullopt;
  at = head.find_first_not_of(' ', at + kName.size());
  size_t length = 0;
  if (at == std::string::npos ||
      std::from_chars(head.data() + at, head.data() + head.size(), length).ec != std::errc())
    return std::nullopt;
  return length;
}

// The answer came to its end by the peer's FIN: a length tells whether that came too early.
AdminAnswer ParseAnswer(std::string text) {
  AdminAnswer answer;
  const size_t end = text.find("\r\n\r\n");
  if (text.rfind("HTTP/1.", 0) != 0 || end == std::string::npos || text.size() < 12) {
    answer.error = "what answers there is no admin listener";
    return answer;
  }
  const std::optional<size_t> length = ContentLength(text.substr(0, end + 2));
  answer.body = text.substr(end + 4);
  if (length && answer.body.size() < *length) {
    answer.error = "the answer was cut";
    return answer;
  }
  if (length) answer.body.resize(*length);
  std::from_chars(text.data() + 9, text.data() + 12, answer.status);
  if (answer.status == 0) answer.error = "what answers there is no admin listener";
  return answer;
}

}  // namespace

std::optional<AdminUrl> ParseAdminUrl(std::string_view text, std::string* error) {
  AdminUrl url;
  if (text.substr(0, kUnix.size()) == kUnix) {
    url.path = text.substr(kUnix.size());
    url.authority = "localhost";
    if (!url.path.empty()) return url;
    *error = kExpected;
    return std::nullopt;
  }
  *error = kExpected;
  if (text.substr(0, kHttp.size()) != kHttp) return std::nullopt;
  text.remove_prefix(kHttp.size());
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || c == '?' || c == '#' || c == '@')
      return std::nullopt;
  }
  const size_t slash = std::min(text.find('/'), text.size());
  url.authority = text.substr(0, slash);
  url.prefix = text.substr(slash);
  while (!url.prefix.empty() && url.prefix.back() == '/') url.prefix.pop_back();
  const std::string_view authority = url.authority;
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool with_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  url.port = with_port ? authority.substr(colon + 1) : "80";
  std::string_view host = authority.substr(0, with_port ? colon : authority.size());
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  url.host = host;
  const bool digits = !url.port.empty() && url.port.size() <= 5 &&
                      url.port.find_first_not_of("0123456789") == std::string::npos;
  if (url.host.empty() || !digits) return std::nullopt;
  error->clear();
  return url;
}

AdminAnswer AskAdmin(const AdminUrl& url, std::string_view target, std::string_view token,
                     std::chrono::milliseconds timeout) {
  const Clock::time_point end = Clock::now() + timeout;
  AdminAnswer answer;
  std::unique_ptr<Socket> socket;
  if (url.host.empty()) {
    socket = ConnectUnix(url.path, end, &answer.error);
  } else {
    socket = ConnectTcp(url, end, &answer.error);
  }
  if (socket == nullptr) return answer;
  // HTTP/1.0: the answer has no chunks, and ends with the connection.
  std::string request = "GET " + url.prefix + std::string(target) +
                        " HTTP/1.0\r\nhost: " + url.authority + "\r\naccept: application/json\r\n";
  if (!token.empty()) request.append("authorization: Bearer ").append(token).append("\r\n");
  request += "\r\n";
  answer.error = SendAll(socket->fd(), request, end);
  if (!answer.error.empty()) return answer;
  std::string text;
  answer.error = ReceiveAll(socket->fd(), &text, end);
  return answer.error.empty() ? ParseAnswer(std::move(text)) : answer;
}

}  // namespace weir::server
