#include "core/observe/log_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::observe {
namespace {

// POSIX: a pipe that poll calls writable takes this much without blocking, and in one piece
// (PIPE_BUF on Linux).
constexpr size_t kPipePiece = 4096;

int OpenPath(const std::string& path) {
  // Not blocking: a named pipe without a reader is an error, not a wait. For files it changes
  // nothing.
  return open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
              0644);
}

// Does not make it; where it could be made, something else is opened in its place.
int OpenIfThere(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd >= 0 || errno != ENOENT) return fd;
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (access(directory.c_str(), W_OK | X_OK) != 0) return -1;
  return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

}  // namespace

std::unique_ptr<LogFile> LogFile::Open(LogSink sink, const std::string& path, std::string* error) {
  return OpenBy(&OpenPath, sink, path, error);
}

std::unique_ptr<LogFile> LogFile::Check(LogSink sink, const std::string& path, std::string* error) {
  return OpenBy(&OpenIfThere, sink, path, error);
}

std::unique_ptr<LogFile> LogFile::OpenBy(int (*opened)(const std::string&), LogSink sink,
                                         const std::string& path, std::string* error) {
  if (sink == LogSink::kFile && path == "/dev/stdout") sink = LogSink::kStdout;
  if (sink == LogSink::kFile && path == "/dev/stderr") sink = LogSink::kStderr;
  int fd = sink == LogSink::kStdout ? STDOUT_FILENO : STDERR_FILENO;
  if (sink == LogSink::kFile) fd = opened(path);
  struct stat info {};
  if (fd < 0 || fstat(fd, &info) != 0) {
    const std::string what = sink == LogSink::kFile     ? path
                             : sink == LogSink::kStdout ? "standard output"
                                                        : "standard error";
    *error = what + ": " + std::strerror(errno);
    return nullptr;
  }
  std::string kept = sink == LogSink::kFile ? path : std::string();
  return std::unique_ptr<LogFile>(new LogFile(sink, std::move(kept), fd, sink == LogSink::kFile));
}

std::unique_ptr<LogFile> LogFile::FromFd(int fd) {
  return std::unique_ptr<LogFile>(new LogFile(LogSink::kStdout, "", fd, true));
}

LogFile::LogFile(LogSink sink, std::string path, int fd, bool owned)
    : sink_(sink), path_(std::move(path)), fd_(fd), owned_(owned) {
  Inspect();
}

LogFile::~LogFile() {
  if (owned_) close(fd_);
}

void LogFile::Inspect() {
  struct stat info {};
  waits_ = fstat(fd_, &info) == 0 &&
           (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || isatty(fd_) == 1);
}

LogChannel* LogFile::NewChannel() {
  const std::lock_guard lock(mutex_);
  return incoming_.emplace_back(std::make_unique<LogChannel>()).get();
}

void LogFile::Adopt() {
  const std::lock_guard lock(mutex_);
  for (auto& channel : incoming_) channels_.push_back(std::move(channel));
  incoming_.clear();
}

LogFile::Progress LogFile::Drain(AccessLogStats* stats) {
  Adopt();
  if (next_ >= channels_.size()) next_ = 0;
  bool more = false;
  for (size_t visits = channels_.size(); visits > 0; --visits) {
    LogChannel& channel = *channels_[next_];
    const bool closed = channel.closed();
    for (uint32_t taken = 0; taken < LogChannel::kBlocks; ++taken) {
      const LogBlock* block = channel.Oldest();
      if (block == nullptr) break;
      if (!WriteBlock(*block, stats)) return Progress::kBlocked;
      offset_ = 0;
      channel.GiveBack();
    }
    const bool left = channel.Oldest() != nullptr;
    more = more || left;
    if (closed && !left) {
      channels_.erase(channels_.begin() + static_cast<ptrdiff_t>(next_));
    } else {
      ++next_;
    }
    if (next_ >= channels_.size()) next_ = 0;
  }
  return more ? Progress::kMore : Progress::kIdle;
}

// False: the descriptor takes no more for now. True: the block is done with, written or dropped.
bool LogFile::WriteBlock(const LogBlock& block, AccessLogStats* stats) {
  while (offset_ < block.size) {
    // A line that a full disk cut short stays alone on its line.
    const bool mend = torn_ && offset_ == 0;
    const ssize_t n =
        mend ? WriteSome("\n", 1) : WriteSome(block.text + offset_, block.size - offset_);
    if (n < 0 && errno == EAGAIN) return false;
    if (n <= 0) {
      stats->write_failed->Add();
      DropRest(block, stats);
      return true;
    }
    if (mend) {
      torn_ = false;
    } else {
      offset_ += static_cast<uint32_t>(n);
    }
  }
  stats->written->Add(block.lines);
  return true;
}

void LogFile::DropRest(const LogBlock& block, AccessLogStats* stats) {
  const auto whole = static_cast<uint64_t>(std::count(block.text, block.text + offset_, '\n'));
  stats->written->Add(whole);
  stats->dropped->Add(block.lines - whole);
  if (offset_ > 0) torn_ = block.text[offset_ - 1] != '\n';
}

ssize_t LogFile::WriteSome(const char* data, size_t size) {
  if (waits_) {
    pollfd ready{fd_, POLLOUT, 0};
    if (poll(&ready, 1, 0) == 0) {
      errno = EAGAIN;
      return -1;
    }
    if (size > kPipePiece) {
      // Whole lines where that is possible: others may write to the same pipe.
      const size_t line = std::string_view(data, kPipePiece).rfind('\n');
      size = line == std::string_view::npos ? kPipePiece : line + 1;
    }
  }
  ssize_t n = 0;
  do {
    n = write(fd_, data, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

void LogFile::Reopen(AccessLogStats* stats) {
  // In the middle of a block only a pipe can be; to open that again would tear a line.
  if (sink_ != LogSink::kFile || offset_ != 0) return;
  const int fd = OpenPath(path_);
  if (fd < 0) {
    stats->reopen_failed->Add();
    return;
  }
  close(fd_);
  fd_ = fd;
  torn_ = false;
  Inspect();
}

void LogFile::Discard(AccessLogStats* stats) {
  Adopt();
  for (size_t i = 0; i < channels_.size(); ++i) {
    while (const LogBlock* block = channels_[i]->Oldest()) {
      if (i != next_) offset_ = 0;
      DropRest(*block, stats);
      offset_ = 0;
      channels_[i]->GiveBack();
    }
  }
}

}  // namespace weir::observe
