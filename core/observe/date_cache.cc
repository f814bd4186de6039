#include "core/observe/date_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace weir::observe {
namespace {

constexpr int64_t kLastSecond = 253'402'300'799;  // of the year 9999
constexpr int64_t kDaySeconds = 86'400;

struct Civil {
  int year;
  int month;    // 1 … 12
  int day;      // 1 … 31
  int weekday;  // 0: Sunday
  int hour;
  int minute;
  int second;
};

// The Gregorian calendar repeats every 400 years (146097 days). Years are counted from March here,
// so that the leap day is the last of its year and months have lengths that a linear formula gives.
Civil CivilFrom(int64_t unix_s) {
  const int64_t days = unix_s / kDaySeconds;
  const int rest = static_cast<int>(unix_s % kDaySeconds);
  const int64_t since_march_0 = days + 719'468;  // days from 0000-03-01 to 1970-01-01
  const int64_t era = since_march_0 / 146'097;
  const int day_of_era = static_cast<int>(since_march_0 % 146'097);
  const int year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int month_from_march = (5 * day_of_year + 2) / 153;
  Civil civil{};
  civil.day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  civil.month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  civil.year = static_cast<int>(era * 400) + year_of_era + (civil.month <= 2 ? 1 : 0);
  civil.weekday = static_cast<int>((days + 4) % 7);  // 1970-01-01 was a Thursday
  civil.hour = rest / 3'600;
  civil.minute = rest / 60 % 60;
  civil.second = rest % 60;
  return civil;
}

char* Digits(char* out, int value, int digits) {
  for (int at = digits - 1; at >= 0; --at) {
    out[at] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

char* Text(char* out, const char* text, size_t size) {
  std::memcpy(out, text, size);
  return out + size;
}

char* Clock(char* out, const Civil& civil) {
  out = Digits(out, civil.hour, 2);
  *out++ = ':';
  out = Digits(out, civil.minute, 2);
  *out++ = ':';
  return Digits(out, civil.second, 2);
}

void WriteHttpDate(char* out, int64_t unix_s) {
  static constexpr char kDays[] = "SunMonTueWedThuFriSat";
  static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const Civil civil = CivilFrom(unix_s);
  out = Text(out, kDays + size_t{3} * civil.weekday, 3);
  out = Text(out, ", ", 2);
  out = Digits(out, civil.day, 2);
  *out++ = ' ';
  out = Text(out, kMonths + size_t{3} * (civil.month - 1), 3);
  *out++ = ' ';
  out = Digits(out, civil.year, 4);
  *out++ = ' ';
  out = Clock(out, civil);
  Text(out, " GMT", 4);
}

void WriteLogTime(char* out, int64_t unix_s) {
  const Civil civil = CivilFrom(unix_s);
  out = Digits(out, civil.year, 4);
  *out++ = '-';
  out = Digits(out, civil.month, 2);
  *out++ = '-';
  out = Digits(out, civil.day, 2);
  *out++ = 'T';
  out = Clock(out, civil);
  Text(out, ".000Z", 5);
}

}  // namespace

std::string_view DateCache::HttpDate(int64_t unix_s) {
  unix_s = std::clamp<int64_t>(unix_s, 0, kLastSecond);
  if (unix_s != http_second_) {
    http_second_ = unix_s;
    WriteHttpDate(http_, unix_s);
  }
  return {http_, kHttpDateSize};
}

std::string_view DateCache::LogTime(int64_t unix_ms) {
  unix_ms = std::clamp<int64_t>(unix_ms, 0, kLastSecond * 1000 + 999);
  const int64_t second = unix_ms / 1000;
  if (second != log_second_) {
    log_second_ = second;
    WriteLogTime(log_, second);
  }
  Digits(log_ + kLogTimeSize - 4, static_cast<int>(unix_ms % 1000), 3);
  return {log_, kLogTimeSize};
}

}  // namespace weir::observe
