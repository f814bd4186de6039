#include "core/server/notify.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"

namespace weir::server {
namespace {

// Twice within the time that systemd gives (sd_watchdog_enabled(3)).
uint64_t WatchdogMs() {
  const char* limit = getenv("WATCHDOG_USEC");
  const char* pid = getenv("WATCHDOG_PID");
  if (limit == nullptr || (pid != nullptr && std::strtol(pid, nullptr, 10) != getpid())) return 0;
  const uint64_t us = std::strtoull(limit, nullptr, 10);
  return us == 0 ? 0 : std::max<uint64_t>(us / 2000, 1);
}

// What closes, closes: this is how long the end may take after the drain.
constexpr std::chrono::seconds kSlack{5};

}  // namespace

Notify::Notify() {
  const char* path = getenv("NOTIFY_SOCKET");
  if (path == nullptr || (path[0] != '/' && path[0] != '@')) return;
  if (std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return;
  address_ = path;
  if (address_[0] == '@') address_[0] = '\0';
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  watchdog_ms_ = WatchdogMs();
}

Notify::~Notify() {
  if (fd_ >= 0) close(fd_);
}

void Notify::Send(const std::string& state) const {
  if (fd_ < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  if (sendto(fd_, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&to),
             size) < 0)
    WEIR_LOG_EVERY_SECOND(kWarn, "cannot notify systemd: %s", std::strerror(errno));
}

void Notify::Serving(const char* but) const {
  Send(std::string("READY=1\nSTATUS=serving") + (*but == '\0' ? "" : "; ") + but);
}

void Notify::Stopping(std::chrono::milliseconds longest) const {
  const std::chrono::microseconds us = longest + kSlack;
  Send("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=" + std::to_string(us.count()));
}

void Notify::HandOver(pid_t successor) const {
  Send("MAINPID=" + std::to_string(successor) + "\nREADY=1\nSTATUS=serving");
}

void Notify::Reloading() const {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
  Send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

}  // namespace weir::server
