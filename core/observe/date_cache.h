#pragma once

#include <cstdint>
#include <string_view>

namespace weir::observe {

// Texts of moments, formatted once per second. One per worker. Moments outside the years 1970 …
// 9999 are taken as the nearest one inside. A view is good until the next call of the same
// function.
class DateCache {
 public:
  static constexpr int kHttpDateSize = 29;
  static constexpr int kLogTimeSize = 24;

  // "Sun, 06 Nov 1994 08:49:37 GMT": the IMF-fixdate of RFC 9110 §5.6.7.
  std::string_view HttpDate(int64_t unix_s);
  // "2026-11-22T10:16:41.123Z": %START_TIME% of the access log.
  std::string_view LogTime(int64_t unix_ms);

 private:
  int64_t http_second_ = -1;
  int64_t log_second_ = -1;
  char http_[kHttpDateSize];
  char log_[kLogTimeSize];
};

}  // namespace weir::observe
