#pragma once

#include <cstdint>
#include <string>

namespace weir::server {

// What systemd is told about this service (sd_notify(3)), where the environment has NOTIFY_SOCKET;
// elsewhere nothing happens. Main thread.
class Notify {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. They stay where they are: the next process
  // of an upgrade reads them too.
  Notify();
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  // One assignment a line: "READY=1\nSTATUS=serving".
  void Send(const std::string& state) const;
  // RELOADING=1 with the time that systemd wants beside it; READY=1 is to follow.
  void Reloading() const;
  // How often the watchdog is to hear of this process; 0: never.
  uint64_t watchdog_ms() const { return watchdog_ms_; }

 private:
  int fd_ = -1;
  std::string address_;
  uint64_t watchdog_ms_ = 0;
};

}  // namespace weir::server
