#include "core/observe/log_writer.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace weir::observe {
namespace {

int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

LogWriter::LogWriter(StatRegistry* registry)
    : stats_(BindAccessLogStats(registry, registry->NewBlock())),
      event_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  // Signals are the main thread's; and a pipe without reader must fail the write, not the process.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  Stop();
  close(event_fd_);
}

LogFile* LogWriter::Open(LogSink sink, const std::string& path, std::string* error) {
  std::unique_ptr<LogFile> made =
      only_checks_ ? LogFile::Check(sink, path, error) : LogFile::Open(sink, path, error);
  if (made == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  for (const auto& file : files_) {
    if (file->sink() == made->sink() && file->path() == made->path()) return file.get();
  }
  return files_.emplace_back(std::move(made)).get();
}

LogFile* LogWriter::Add(std::unique_ptr<LogFile> file) {
  const std::lock_guard lock(mutex_);
  return files_.emplace_back(std::move(file)).get();
}

void LogWriter::Wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the thread is awake anyway.
  [[maybe_unused]] const ssize_t n = write(event_fd_, &one, sizeof(one));
}

void LogWriter::Reopen() {
  const int saved = errno;
  reopen_.store(true, std::memory_order_release);
  Wake();
  errno = saved;
}

void LogWriter::Stop(int timeout_ms) {
  if (!thread_.joinable()) return;
  stop_at_ms_.store(NowMs() + std::max(timeout_ms, 0), std::memory_order_release);
  Wake();
  thread_.join();
}

std::vector<LogFile*> LogWriter::Files() {
  const std::lock_guard lock(mutex_);
  std::vector<LogFile*> files;
  for (const auto& file : files_) files.push_back(file.get());
  return files;
}

int LogWriter::StopLeftMs() const {
  const int64_t at = stop_at_ms_.load(std::memory_order_acquire);
  return at == 0 ? -1 : static_cast<int>(std::max<int64_t>(at - NowMs(), 0));
}

// True if some file has more to write at once.
bool LogWriter::DrainAll() {
  blocked_.clear();
  bool more = false;
  for (LogFile* file : Files()) {
    const LogFile::Progress progress = file->Drain(&stats_);
    if (progress == LogFile::Progress::kBlocked) blocked_.push_back(file);
    more = more || progress == LogFile::Progress::kMore;
  }
  return more;
}

void LogWriter::Wait(int timeout_ms) {
  std::vector<pollfd> waits{{event_fd_, POLLIN, 0}};
  for (const LogFile* file : blocked_) waits.push_back({file->fd(), POLLOUT, 0});
  poll(waits.data(), waits.size(), timeout_ms);
  // Read before the channels are looked at: what is handed over after that wakes us again.
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t n = read(event_fd_, &count, sizeof(count));
}

void LogWriter::Run() {
  while (true) {
    if (reopen_.exchange(false, std::memory_order_acq_rel)) {
      for (LogFile* file : Files()) file->Reopen(&stats_);
    }
    const int left_ms =
        StopLeftMs();  // before the channels are looked at: they are complete when it is set
    const bool more = DrainAll();
    if (left_ms == 0 || (left_ms > 0 && !more && blocked_.empty())) break;
    Wait(more ? 0 : left_ms);
  }
  for (LogFile* file : Files()) file->Discard(&stats_);
}

}  // namespace weir::observe
