#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <sys/types.h>

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

  // READY=1: the listeners accept, with the configuration that was read last if `but` is empty.
  void Serving(const char* but = "") const;
  // RELOADING=1; Serving is to follow.
  void Reloading() const;
  // STOPPING=1: the process ends within `longest`, however long systemd gives services to end.
  void Stopping(std::chrono::milliseconds longest) const;
  // From now on `successor` is the main process, and it serves.
  void HandOver(pid_t successor) const;
  // To be called each watchdog_ms.
  void Alive() const { Send("WATCHDOG=1"); }
  // How often the watchdog is to hear of this process; 0: never.
  uint64_t watchdog_ms() const { return watchdog_ms_; }

 private:
  // One assignment a line.
  void Send(const std::string& state) const;

  int fd_ = -1;
  std::string address_;
  uint64_t watchdog_ms_ = 0;
};

}  // namespace weir::server
