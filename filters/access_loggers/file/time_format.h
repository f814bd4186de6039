#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::access_log {

// %START_TIME(...)%: strftime's specifiers, with %s (seconds since 1970), %f and %1f to %9f (the
// fraction of the second in so many digits), and %E3S to %E9S (seconds with a fraction). UTC.
class TimeFormat {
 public:
  static constexpr std::size_t kMaxText = 256;

  // An empty text is Envoy's default, "%Y-%m-%dT%H:%M:%E3SZ". False with the reason.
  bool Compile(std::string_view format, std::string* error);
  // Writes at most kMaxText bytes; answers how many.
  std::size_t Write(std::int64_t unix_us, char* out) const;

 private:
  struct Part {
    enum class Kind : std::uint8_t { kCalendar, kUnixSeconds, kFraction } kind;
    std::string calendar;  // for strftime
    int digits = 0;
  };

  static std::size_t WriteDefault(std::int64_t unix_us, char* out);
  bool CompileSpecifier(std::string_view format, std::size_t* at, std::string* calendar,
                        std::string* error);
  void Flush(std::string* calendar);

  bool is_default_ = true;
  std::vector<Part> parts_;
};

}  // namespace weir::access_log
