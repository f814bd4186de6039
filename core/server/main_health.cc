#include "core/server/main_health.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/config/loader.h"
#include "core/net/address.h"
#include "core/server/address_of.h"

namespace weir::server {
namespace {

constexpr int kPatienceSeconds = 5;
constexpr size_t kMaxAnswer = 65536;

// Whom to ask, and for what.
struct Target {
  net::Address address;
  std::string authority = "localhost";
  std::string path = "/ready";
};

int Fail(const std::string& reason) {
  std::fprintf(stderr, "weir health: %s\n", reason.c_str());
  return kExitConfig;
}

// Where the process listens on every address, it is here.
net::Address Reachable(const net::Address& address) {
  if (!address.is_any()) return address;
  const uint8_t four[4] = {127, 0, 0, 1};
  uint8_t six[16] = {};
  six[15] = 1;
  return address.family() == AF_INET6 ? net::Address::Ipv6(six, address.port())
                                      : net::Address::Ipv4(four, address.port());
}

// Backends' names are not asked for: whether they resolve is not the question.
std::string FromFile(const std::string& path, Target* target) {
  config::LoadOptions options;
  options.resolve = [](const std::string&, std::uint16_t port, std::string*) {
    return std::vector<config::Address>{*config::ParseIp("127.0.0.1", port)};
  };
  const config::LoadResult loaded = config::LoadFile(path, options);
  if (!loaded.ok()) return loaded.diagnostics.Print();
  if (!loaded.bootstrap->admin) return path + " has no admin section";
  target->address = Reachable(AddressOf(loaded.bootstrap->admin->address));
  return target->address.is_ip() && target->address.port() == 0
             ? "the admin address of " + path + " has port 0: nobody knows which it became"
             : "";
}

std::string FromUrl(const std::string& text, Target* target) {
  const std::optional<HttpUrl> url = ParseHttpUrl(text);
  if (!url) return "\"" + text + "\" is no URL like http://127.0.0.1:9901/ready";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = getaddrinfo(url->host.c_str(), url->port.c_str(), &hints, &found);
  if (code != 0) return url->host + ": " + gai_strerror(code);
  target->address = net::Address::From(found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  const bool six = url->host.find(':') != std::string::npos;
  target->authority = (six ? "[" + url->host + "]" : url->host) + ":" + url->port;
  target->path = url->target;
  return "";
}

class Socket {
 public:
  explicit Socket(int family) : fd_(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience = {kPatienceSeconds, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool Connect(const net::Address& address) const {
    sockaddr_storage to;
    const socklen_t size = address.ToSockaddr(&to);
    return connect(fd_, reinterpret_cast<const sockaddr*>(&to), size) == 0;
  }
  bool Send(const std::string& text) const {
    return send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }
  // All until the peer ends, kMaxAnswer at most.
  std::string Receive() const {
    std::string text;
    char piece[4096];
    while (text.size() < kMaxAnswer) {
      const ssize_t size = recv(fd_, piece, sizeof(piece), 0);
      if (size <= 0) break;
      text.append(piece, static_cast<size_t>(size));
    }
    return text;
  }

 private:
  int fd_;
};

// What somebody else wrote must not steer the terminal, or the log of whoever runs the check.
std::string Shown(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

int Ask(const Target& target) {
  const std::string where = target.address.ToString();
  const Socket socket(target.address.family());
  if (!socket.Connect(target.address)) return Fail(where + ": " + std::strerror(errno));
  if (!socket.Send("GET " + target.path + " HTTP/1.1\r\nhost: " + target.authority +
                   "\r\nconnection: close\r\n\r\n"))
    return Fail(where + ": " + std::strerror(errno));
  const std::string answer = socket.Receive();
  const size_t end = answer.find("\r\n\r\n");
  if (answer.compare(0, 9, "HTTP/1.1 ") != 0 || end == std::string::npos)
    return Fail(where + ": no answer of HTTP");
  if (answer.compare(9, 4, "200 ") != 0)
    return Fail(where + ": " + Shown(answer.substr(9, answer.find('\r') - 9)));
  std::printf("%s: ready\n", where.c_str());
  return kExitOk;
}

}  // namespace

std::optional<HttpUrl> ParseHttpUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.substr(0, kScheme.size()) != kScheme) return std::nullopt;
  for (const char c : url) {
    if (c <= 0x20 || c == 0x7f || c == '#') return std::nullopt;
  }
  url.remove_prefix(kScheme.size());
  const size_t slash = url.find_first_of("/?");
  std::string_view authority = url.substr(0, slash);
  HttpUrl parts;
  parts.target = slash == std::string_view::npos ? "/" : std::string(url.substr(slash));
  if (parts.target[0] != '/') parts.target.insert(0, "/");
  std::string_view port;
  if (!authority.empty() && authority[0] == '[') {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    parts.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const size_t colon = authority.find(':');
    parts.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (!port.empty() && port[0] != ':') return std::nullopt;
  parts.port = port.size() > 1 ? port.substr(1) : std::string_view("80");
  const bool digits = parts.port.find_first_not_of("0123456789") == std::string::npos;
  if (parts.host.empty() || !digits || parts.host.find('@') != std::string::npos)
    return std::nullopt;
  return parts;
}

int RunHealth(const HealthQuestion& question) {
  Target target;
  const std::string error = question.url.empty() ? FromFile(question.config_path, &target)
                                                 : FromUrl(question.url, &target);
  return error.empty() ? Ask(target) : Fail(error);
}

}  // namespace weir::server
