#include "core/server/inherited_sockets.h"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"

namespace weir::server {
namespace {

constexpr int kFirstOfSystemd = 3;  // SD_LISTEN_FDS_START
constexpr int kMaxSockets = 65536;
constexpr std::string_view kActivated = "activated";

std::optional<int> Number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// The pieces of a list. Of an empty text: none.
std::vector<std::string_view> Split(std::string_view text, char by) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const size_t end = text.find(by);
    pieces.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) pieces.push_back(text);
  }
  return pieces;
}

bool IsPlain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
         c == '_' || c == '-';
}

std::string Encoded(const std::string& name) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<uint8_t>(c);
    if (IsPlain(c)) {
      text += c;
    } else {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return text;
}

std::optional<std::string> Decoded(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsPlain(text[i])) {
      name += text[i];
      continue;
    }
    int byte = 0;
    if (text[i] != '%' || text.size() - i < 3) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16);
    if (error != std::errc() || end != text.data() + i + 3) return std::nullopt;
    name += static_cast<char>(byte);
    i += 2;
  }
  return name;
}

int IntOption(int fd, int level, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

bool Listens(int fd) {
  return IntOption(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1 &&
         IntOption(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
}

// AF_UNSPEC when it is bound to nothing that a listener could be.
net::Address BoundTo(int fd) {
  sockaddr_storage storage;
  socklen_t size = sizeof(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(fd, address, &size) != 0) return {};
  if (address->sa_family != AF_UNIX) return net::Address::From(address, size);
  const auto* local = reinterpret_cast<sockaddr_un*>(&storage);
  constexpr size_t kAt = offsetof(sockaddr_un, sun_path);
  if (size <= kAt) return {};
  std::string path(local->sun_path, size - kAt);
  if (path[0] == '\0') {
    path[0] = '@';
  } else {
    path.resize(strnlen(path.data(), path.size()));
  }
  return net::Address::Unix(path).value_or(net::Address());
}

bool SameIp(const net::Address& a, const net::Address& b) {
  return a.family() == b.family() && a.is_ip() &&
         std::memcmp(a.ip(), b.ip(), a.family() == AF_INET ? 4 : 16) == 0;
}

bool Same(const net::Address& a, const net::Address& b) {
  if (a.is_unix() && b.is_unix()) return a.path() == b.path();
  return SameIp(a, b) && a.port() == b.port();
}

// 0 where it is for another one. All sockets of a unit of systemd have one name, so that an address
// says more; its "ListenStream=80" is [::]:80 and means any address.
int Fitness(const InheritedSocket& socket, const net::Address& wanted,
            const std::string& listener) {
  if (Same(socket.bound, wanted)) return 3;
  if (socket.activated && wanted.port() != 0 && socket.bound.port() == wanted.port() &&
      socket.bound.is_any() && wanted.is_any())
    return 2;
  if (socket.name != listener) return 0;
  return socket.activated || (wanted.port() == 0 && SameIp(socket.bound, wanted)) ? 1 : 0;
}

std::vector<int> OpenDescriptors() {
  std::vector<int> open;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return open;
  while (const dirent* entry = readdir(directory)) {
    if (const auto fd = Number(entry->d_name)) open.push_back(*fd);
  }
  closedir(directory);
  return open;
}

// Taken, not copied: children and plugins have nothing to do with them.
std::string TakeVariable(const char* name) {
  const char* value = getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

}  // namespace

InheritedSockets::~InheritedSockets() {
  for (const InheritedSocket& socket : sockets_) close(socket.fd);
}

bool InheritedSockets::FromEnvironment(std::string* error) {
  const std::string predecessor = TakeVariable("WEIR_LISTEN_FDS");
  const std::string pid = TakeVariable("LISTEN_PID");
  const std::string count = TakeVariable("LISTEN_FDS");
  const std::string names = TakeVariable("LISTEN_FDNAMES");
  if (!predecessor.empty() && !FromPredecessor(predecessor, error)) return false;
  // Meant for another process, which did not take the variables away.
  if (Number(pid) != getpid()) return true;
  return FromSystemd(count, names, error);
}

bool InheritedSockets::FromPredecessor(std::string_view text, std::string* error) {
  for (const std::string_view entry : Split(text, ',')) {
    const auto parts = Split(entry, ':');
    const auto fd = Number(parts.empty() ? std::string_view() : parts[0]);
    const auto name = parts.size() < 2 ? std::nullopt : Decoded(parts[1]);
    const bool activated = parts.size() == 3 && parts[2] == kActivated;
    if (!fd || !name || (parts.size() > 2 && !activated)) {
      *error = "WEIR_LISTEN_FDS: \"" + std::string(entry) + "\" is no DESCRIPTOR:NAME";
      return false;
    }
    if (!Add(*fd, *name, activated, error)) {
      *error = "WEIR_LISTEN_FDS: " + *error;
      return false;
    }
  }
  return true;
}

bool InheritedSockets::FromSystemd(std::string_view count, std::string_view names,
                                   std::string* error) {
  const auto sockets = Number(count);
  if (!sockets || *sockets > kMaxSockets) {
    *error = "LISTEN_FDS: \"" + std::string(count) + "\" is no number of descriptors";
    return false;
  }
  const auto list = Split(names, ':');
  for (int i = 0; i < *sockets; ++i) {
    const auto at = static_cast<size_t>(i);
    std::string name(at < list.size() ? list[at] : std::string_view());
    if (Add(kFirstOfSystemd + i, std::move(name), true, error)) continue;
    *error = "LISTEN_FDS: " + *error;
    return false;
  }
  return true;
}

bool InheritedSockets::Add(int fd, std::string name, bool activated, std::string* error) {
  for (const InheritedSocket& other : sockets_) {
    if (other.fd != fd) continue;
    *error = "descriptor " + std::to_string(fd) + " is named twice";
    return false;
  }
  InheritedSocket socket{fd, std::move(name), BoundTo(fd), activated};
  if (!Listens(fd) || socket.bound.family() == AF_UNSPEC) {
    *error = "descriptor " + std::to_string(fd) + " is no listening stream socket";
    return false;
  }
  const int flags = fcntl(fd, F_GETFL);
  const int one = 1;
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
      (socket.bound.is_ip() && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0)) {
    *error = "descriptor " + std::to_string(fd) + ": " + std::strerror(errno);
    return false;
  }
  sockets_.push_back(std::move(socket));
  return true;
}

std::vector<InheritedSocket> InheritedSockets::Take(const net::Address& wanted,
                                                    const std::string& listener) {
  int best = 0;
  net::Address address;
  for (const InheritedSocket& socket : sockets_) {
    const int fitness = Fitness(socket, wanted, listener);
    if (fitness <= best) continue;
    best = fitness;
    address = socket.bound;
  }
  if (best == 0) return {};
  std::vector<InheritedSocket> taken;
  std::vector<InheritedSocket> rest;
  // All of a listener have one address.
  for (InheritedSocket& socket : sockets_)
    (Same(address, socket.bound) ? taken : rest).push_back(std::move(socket));
  sockets_ = std::move(rest);
  return taken;
}

void InheritedSockets::CloseRest() {
  for (const InheritedSocket& socket : sockets_) {
    WEIR_LOG(kWarn, "no listener is for %s, which this process was given%s%s; it is closed",
             socket.bound.ToString().c_str(), socket.name.empty() ? "" : " as ",
             socket.name.c_str());
    close(socket.fd);
    // The process before has left its files to this one.
    const std::string path(socket.bound.path());
    if (!socket.activated && !path.empty() && path[0] != '@') unlink(path.c_str());
  }
  sockets_.clear();
}

std::vector<InheritedSocket> DuplicateListening(const std::vector<InheritedSocket>& listeners) {
  std::vector<InheritedSocket> found;
  std::set<ino_t> seen;
  for (const int fd : OpenDescriptors()) {
    if (!Listens(fd)) continue;
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) continue;
    // Looked at again: a worker may have closed it, and another thread opened something else.
    struct stat status {};
    InheritedSocket socket{copy, "", BoundTo(copy), false};
    bool wanted = Listens(copy) && fstat(copy, &status) == 0;
    bool named = false;
    for (const InheritedSocket& listener : listeners) {
      if (named || !Same(listener.bound, socket.bound)) continue;
      named = true;
      socket.name = listener.name;
      socket.activated = listener.activated;
    }
    wanted = wanted && named && seen.insert(status.st_ino).second;
    if (wanted) {
      found.push_back(std::move(socket));
    } else {
      close(copy);
    }
  }
  return found;
}

std::string ListenVariable(const std::vector<InheritedSocket>& sockets) {
  std::string text;
  for (const InheritedSocket& socket : sockets) {
    if (!text.empty()) text += ',';
    text += std::to_string(socket.fd) + ":" + Encoded(socket.name);
    if (socket.activated) text.append(":").append(kActivated);
  }
  return text;
}

}  // namespace weir::server
