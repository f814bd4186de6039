#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/observe/log_channel.h"
#include "core/observe/stat_names.h"

namespace weir::observe {

enum class LogSink : uint8_t { kStdout, kStderr, kFile };

// One destination of lines: a descriptor, and the channels of the workers that write to it. Owned
// by the LogWriter; except for NewChannel only its thread calls.
class LogFile {
 public:
  // Null, and a message with the path and the reason, when the file cannot be opened. The paths
  // /dev/stdout and /dev/stderr mean the descriptors themselves.
  static std::unique_ptr<LogFile> Open(LogSink sink, const std::string& path, std::string* error);
  // The same for who only wants to know: a file that is not there is not made, for it would belong
  // to whoever asks, but its directory must let one be made.
  static std::unique_ptr<LogFile> Check(LogSink sink, const std::string& path, std::string* error);
  // Takes `fd` as it is and closes it at the end: tests, descriptors handed over.
  static std::unique_ptr<LogFile> FromFd(int fd);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  LogSink sink() const { return sink_; }
  const std::string& path() const { return path_; }

  // Any thread. The channel lives until it was closed and emptied, or the file dies.
  LogChannel* NewChannel();

  // --- the writer's thread ---
  enum class Progress { kIdle, kMore, kBlocked };
  // Writes what there is, at most a ring of blocks per channel. kBlocked: wait until fd() is
  // writable.
  Progress Drain(AccessLogStats* stats);
  // Opens the path again, for a file that was moved away; keeps the old one, and counts, when that
  // fails.
  void Reopen(AccessLogStats* stats);
  // Counts what is left as dropped.
  void Discard(AccessLogStats* stats);
  int fd() const { return fd_; }
  // Channels that still have a worker or lines.
  size_t channels() const { return channels_.size(); }

 private:
  static std::unique_ptr<LogFile> OpenBy(int (*opened)(const std::string&), LogSink sink,
                                         const std::string& path, std::string* error);
  LogFile(LogSink sink, std::string path, int fd, bool owned);
  void Inspect();
  void Adopt();
  bool WriteBlock(const LogBlock& block, AccessLogStats* stats);
  void DropRest(const LogBlock& block, AccessLogStats* stats);
  ssize_t WriteSome(const char* data, size_t size);

  const LogSink sink_;
  const std::string path_;
  int fd_;
  const bool owned_;
  bool waits_ = false;   // a write may block: a pipe, a terminal, a socket
  bool torn_ = false;    // what was written last does not end in '\n'
  uint32_t offset_ = 0;  // written of the oldest block of channels_[next_]
  size_t next_ = 0;
  std::vector<std::unique_ptr<LogChannel>> channels_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<LogChannel>> incoming_;  // under mutex_
};

}  // namespace weir::observe
