#include "core/base/log.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace weir::base {
namespace internal {

std::atomic<LogLevel> log_level{LogLevel::kInfo};

}  // namespace internal

namespace {

constexpr size_t kMaxLine = 2048;

// Writes each line with one write(2) to a descriptor that can be replaced.
class DescriptorSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  ~DescriptorSink() override {
    if (!path_.empty()) close(fd_);
  }

  bool Open(const std::string& path, std::string* error) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) {
      *error = path + ": " + std::strerror(errno);
      return false;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!path_.empty()) close(fd_);
    fd_ = fd;
    path_ = path;
    return true;
  }

  std::string path() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return path_;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    // A log that cannot be written must not stop the proxy.
    [[maybe_unused]] const ssize_t written = write(fd_, text.data(), text.size());
  }
  void flush_() override {}

 private:
  int fd_ = STDERR_FILENO;
  std::string path_;
};

struct Log {
  Log() : sink(std::make_shared<DescriptorSink>()), logger("weir", sink) {
    logger.set_level(spdlog::level::trace);
    logger.set_pattern("%Y-%m-%d %H:%M:%S.%e %t %l: %v");
  }
  std::shared_ptr<DescriptorSink> sink;
  spdlog::logger logger;
};

// Never destroyed: a thread or a destructor may log until the very end.
Log& TheLog() {
  static auto* log = new Log;
  return *log;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kTrace:
      return spdlog::level::trace;
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void Escape(std::string_view line, std::string* out) {
  for (const char c : line) {
    if (!IsControl(c)) {
      out->push_back(c);
      continue;
    }
    char text[5];
    std::snprintf(text, sizeof(text), "\\x%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out->append(text);
  }
}

size_t Format(char* out, size_t room, const char* format, va_list arguments) {
  const int size = std::vsnprintf(out, room, format, arguments);
  return size < 0 ? 0 : std::min(static_cast<size_t>(size), room - 1);
}

}  // namespace

std::optional<LogLevel> ParseLogLevel(std::string_view text) {
  constexpr std::pair<std::string_view, LogLevel> kNames[] = {
      {"trace", LogLevel::kTrace}, {"debug", LogLevel::kDebug},  {"info", LogLevel::kInfo},
      {"warn", LogLevel::kWarn},   {"warning", LogLevel::kWarn}, {"error", LogLevel::kError},
      {"off", LogLevel::kOff}};
  for (const auto& [name, level] : kNames) {
    if (text == name) return level;
  }
  return std::nullopt;
}

void SetLogLevel(LogLevel level) {
  internal::log_level.store(level, std::memory_order_relaxed);
}

bool OpenLogFile(const std::string& path, std::string* error) {
  return TheLog().sink->Open(path, error);
}

void ReopenLogFile() {
  const std::string path = TheLog().sink->path();
  std::string error;
  if (!path.empty() && !OpenLogFile(path, &error))
    WEIR_LOG(kError, "cannot reopen the log: %s", error.c_str());
}

void LogLine(LogLevel level, std::string_view line) {
  for (const char c : line) {
    if (!IsControl(c)) continue;
    std::string escaped;
    Escape(line, &escaped);
    TheLog().logger.log(SpdlogLevel(level), "{}", escaped);
    return;
  }
  TheLog().logger.log(SpdlogLevel(level), "{}", line);
}

void LogFormatted(LogLevel level, const char* format, ...) {
  char line[kMaxLine];
  va_list arguments;
  va_start(arguments, format);
  const size_t size = Format(line, sizeof(line), format, arguments);
  va_end(arguments);
  LogLine(level, {line, size});
}

bool LogThrottle::Pass(uint64_t now_ms, uint64_t* suppressed) {
  uint64_t next = next_ms_.load(std::memory_order_relaxed);
  if (now_ms < next || !next_ms_.compare_exchange_strong(next, now_ms + 1000)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  *suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

bool LogThrottle::Pass(uint64_t* suppressed) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Pass(
      static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000,
      suppressed);
}

void LogThrottled(LogLevel level, LogThrottle* throttle, const char* format, ...) {
  uint64_t suppressed = 0;
  if (!throttle->Pass(&suppressed)) return;
  char line[kMaxLine];
  va_list arguments;
  va_start(arguments, format);
  size_t size = Format(line, sizeof(line), format, arguments);
  va_end(arguments);
  if (suppressed != 0) {
    const int more = std::snprintf(line + size, sizeof(line) - size, " (and %llu more like it)",
                                   static_cast<unsigned long long>(suppressed));
    size = std::min(size + static_cast<size_t>(more), sizeof(line) - 1);
  }
  LogLine(level, {line, size});
}

}  // namespace weir::base
