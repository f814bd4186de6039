#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/observe/log_file.h"
#include "core/observe/stats.h"

namespace weir::observe {

// The one thread that writes access logs. Workers hand it blocks of lines and never wait for it; a
// destination that takes nothing for a while holds up no other. Counts access_log.written, dropped,
// write_failed and reopen_failed. One per process, made by the main thread before the workers; must
// outlive them, and the registry must outlive it.
class LogWriter {
 public:
  // Throws std::system_error when there is no descriptor or thread left: at start.
  explicit LogWriter(StatRegistry* registry);
  ~LogWriter();  // Stop
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // The destination; the same one for the same sink and path. Null, and a message, when it cannot
  // be opened. Lives as long as the writer. Any thread.
  LogFile* Open(LogSink sink, const std::string& path, std::string* error);
  // From now on Open makes no file (LogFile::Check): of a process that serves nothing. Main thread.
  void OnlyCheck() { only_checks_ = true; }
  LogFile* Add(std::unique_ptr<LogFile> file);

  // There are new blocks. Any thread; does not block.
  void Wake();
  // Opens all files again, soon. Any thread, and safe in a signal handler: SIGUSR1.
  void Reopen();
  // Writes what was handed over, for at most this long, counts the rest as dropped, and ends the
  // thread. Idempotent; after it nothing is written any more. Call when the workers are gone.
  static constexpr int kStopTimeoutMs = 1'000;
  void Stop(int timeout_ms = kStopTimeoutMs);

 private:
  void Run();
  bool DrainAll();
  void Wait(int timeout_ms);
  int StopLeftMs() const;
  std::vector<LogFile*> Files();

  AccessLogStats stats_;  // on a block of the thread's own
  int event_fd_;
  bool only_checks_ = false;
  std::atomic<bool> reopen_{false};
  std::atomic<int64_t> stop_at_ms_{0};  // monotonic; 0: not stopping
  std::vector<LogFile*> blocked_;       // of the thread: those that DrainAll found so
  std::mutex mutex_;
  std::vector<std::unique_ptr<LogFile>> files_;  // under mutex_
  std::thread thread_;
};

}  // namespace weir::observe
