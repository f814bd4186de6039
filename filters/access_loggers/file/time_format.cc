#include "filters/access_loggers/file/time_format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include <time.h>

namespace weir::access_log {
namespace {

constexpr std::string_view kDefault = "%Y-%m-%dT%H:%M:%E3SZ";
// Those whose text has a small bound and does not depend on where the proxy runs.
constexpr std::string_view kSpecifiers = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyYzZ%";

char* Digits(char* out, std::int64_t number, int count) {
  for (int i = count - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return out + count;
}

struct Moment {
  std::int64_t second;
  std::int64_t micro;
};

Moment Split(std::int64_t unix_us) {
  Moment moment{unix_us / 1'000'000, unix_us % 1'000'000};
  if (moment.micro < 0) {
    moment.micro += 1'000'000;
    --moment.second;
  }
  return moment;
}

tm Calendar(std::int64_t second) {
  const time_t time = second;
  tm calendar{};
  gmtime_r(&time, &calendar);
  return calendar;
}

}  // namespace

void TimeFormat::Flush(std::string* calendar) {
  if (calendar->empty()) return;
  parts_.push_back({Part::Kind::kCalendar, std::exchange(*calendar, {}), 0});
}

// *at is behind the '%'.
bool TimeFormat::CompileSpecifier(std::string_view format, std::size_t* at, std::string* calendar,
                                  std::string* error) {
  const auto look = [format](std::size_t i) { return i < format.size() ? format[i] : '\0'; };
  const auto digit = [look](std::size_t i) { return look(i) >= '1' && look(i) <= '9'; };
  const char c = look(*at);
  if (c == 's' || c == 'f' || (digit(*at) && look(*at + 1) == 'f')) {
    Flush(calendar);
    const auto kind = c == 's' ? Part::Kind::kUnixSeconds : Part::Kind::kFraction;
    parts_.push_back({kind, "", digit(*at) ? c - '0' : 9});
    *at += digit(*at) ? 2 : 1;
    return true;
  }
  if (c == 'E' && digit(*at + 1) && look(*at + 2) == 'S') {
    *calendar += "%S.";
    Flush(calendar);
    parts_.push_back({Part::Kind::kFraction, "", look(*at + 1) - '0'});
    *at += 3;
    return true;
  }
  if (c == '\0' || kSpecifiers.find(c) == std::string_view::npos) {
    *error = "%" + std::string(c == '\0' ? 0 : 1, c) + " is no specifier of a time";
    return false;
  }
  *calendar += '%';
  *calendar += c;
  ++*at;
  return true;
}

bool TimeFormat::Compile(std::string_view format, std::string* error) {
  is_default_ = format.empty() || format == kDefault;
  if (is_default_) return true;
  if (format.size() > kMaxText / 4) {
    *error = "the format of a time is at most " + std::to_string(kMaxText / 4) + " bytes long";
    return false;
  }
  std::string calendar;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      calendar += format[at++];
      continue;
    }
    ++at;
    if (!CompileSpecifier(format, &at, &calendar, error)) return false;
  }
  Flush(&calendar);
  return true;
}

std::size_t TimeFormat::WriteDefault(std::int64_t unix_us, char* out) {
  constexpr std::size_t kSize = 24;
  // Requests come many to a second.
  thread_local std::int64_t written_second = -1;
  thread_local char written[kSize];
  const Moment moment = Split(unix_us);
  if (moment.second != written_second) {
    const tm calendar = Calendar(moment.second);
    if (strftime(written, kSize - 3, "%Y-%m-%dT%H:%M:%S.", &calendar) != 20) {
      written_second = -1;
      return 0;
    }
    written_second = moment.second;
    written[kSize - 1] = 'Z';
  }
  Digits(written + 20, moment.micro / 1000, 3);
  std::memcpy(out, written, kSize);
  return kSize;
}

std::size_t TimeFormat::Write(std::int64_t unix_us, char* out) const {
  if (is_default_) return WriteDefault(unix_us, out);
  const Moment moment = Split(unix_us);
  const tm calendar = Calendar(moment.second);
  char* at = out;
  char* const end = out + kMaxText;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Part::Kind::kCalendar:
        at += strftime(at, static_cast<std::size_t>(end - at), part.calendar.c_str(), &calendar);
        break;
      case Part::Kind::kUnixSeconds:
        if (const auto done = std::to_chars(at, end, moment.second); done.ec == std::errc())
          at = done.ptr;
        break;
      case Part::Kind::kFraction:
        if (end - at < 9) break;
        Digits(at, moment.micro * 1000, 9);
        at += part.digits;
        break;
    }
  }
  return static_cast<std::size_t>(at - out);
}

}  // namespace weir::access_log
