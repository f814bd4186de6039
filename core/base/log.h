#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The program's own log: start, stop, failures of the environment. Never one line per request (that
// is the access log's work). Any thread may log. Lines go to stderr until OpenLogFile.

namespace weir::base {

enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError, kOff };

// "trace", "debug", "info", "warn" ("warning"), "error", "off".
std::optional<LogLevel> ParseLogLevel(std::string_view text);

namespace internal {
extern std::atomic<LogLevel> log_level;
}

void SetLogLevel(LogLevel level);
inline bool LogEnabled(LogLevel level) {
  return level >= internal::log_level.load(std::memory_order_relaxed);
}

// Sends lines to the end of this file from now on. False, with the reason in *error, leaves the log
// where it was.
bool OpenLogFile(const std::string& path, std::string* error);
// Opens the file again under its name, after it was renamed away. Without a file: nothing.
void ReopenLogFile();

// Writes one line, whatever the level that is set; line feeds and control characters in it are
// escaped, since names that peers send may stand in it.
void LogLine(LogLevel level, std::string_view line);
[[gnu::format(printf, 2, 3)]] void LogFormatted(LogLevel level, const char* format, ...);

// Lets one line a second through and counts the others.
class LogThrottle {
 public:
  // True when a line may be written now; *suppressed is then how many were not since the last one.
  bool Pass(uint64_t now_ms, uint64_t* suppressed);
  // The same with the monotonic clock.
  bool Pass(uint64_t* suppressed);

 private:
  std::atomic<uint64_t> next_ms_{0};
  std::atomic<uint64_t> suppressed_{0};
};

[[gnu::format(printf, 3, 4)]] void LogThrottled(LogLevel level, LogThrottle* throttle,
                                                const char* format, ...);

}  // namespace weir::base

// WEIR_LOG(kWarn, "cannot open %s", path): formats only when the level is on.
#define WEIR_LOG(level, ...)                                                  \
  do {                                                                        \
    if (::weir::base::LogEnabled(::weir::base::LogLevel::level)) {            \
      ::weir::base::LogFormatted(::weir::base::LogLevel::level, __VA_ARGS__); \
    }                                                                         \
  } while (0)

// The same, at most once a second for this place in the code, with "(and N more)".
#define WEIR_LOG_EVERY_SECOND(level, ...)                                                         \
  do {                                                                                            \
    static ::weir::base::LogThrottle weir_log_throttle;                                           \
    if (::weir::base::LogEnabled(::weir::base::LogLevel::level)) {                                \
      ::weir::base::LogThrottled(::weir::base::LogLevel::level, &weir_log_throttle, __VA_ARGS__); \
    }                                                                                             \
  } while (0)
