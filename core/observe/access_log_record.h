#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/observe/date_cache.h"
#include "core/observe/response_flags.h"

namespace weir::observe {

// What the access log says of one request. Views need to live for the call only; an empty one
// prints as "-".
struct AccessLogRecord {
  int64_t start_time_unix_ms = 0;
  std::string_view method;
  std::string_view path;  // as the client sent it, when a filter or route changed it
  std::string_view protocol;
  uint32_t response_code = 0;  // 0: none was sent
  ResponseFlags flags;
  uint64_t bytes_received = 0;  // of bodies
  uint64_t bytes_sent = 0;
  uint64_t duration_ms = 0;
  int64_t upstream_service_time_ms = -1;  // -1: no upstream answered
  std::string_view x_forwarded_for;
  std::string_view user_agent;
  std::string_view request_id;
  std::string_view authority;
  std::string_view upstream_host;
};

// Limits of one value's text after escaping; what is longer ends in "...".
inline constexpr size_t kMaxLoggedPath = 16'384;
inline constexpr size_t kMaxLoggedValue = 4'096;

// Room that FormatAccessLogLine may need for this record; at most kMaxAccessLogLine. Cheap: an
// upper bound, not the length.
size_t AccessLogLineBound(const AccessLogRecord& record);
inline constexpr size_t kMaxAccessLogLine = kMaxLoggedPath + 7 * (kMaxLoggedValue + 8) + 512;

struct FormattedLine {
  char* end;
  bool truncated;  // a value was cut
};

// Writes the line in Envoy's default format, its '\n' included:
//   [START_TIME] "METHOD PATH PROTOCOL" CODE FLAGS RECEIVED SENT DURATION SERVICE_TIME "XFF"
//   "AGENT" "ID" "AUTHORITY" "HOST"
// A quote, a backslash and every byte that is not printable ASCII become \xNN, so that no peer can
// write a line, end a value or steer a terminal. Allocates nothing.
FormattedLine FormatAccessLogLine(const AccessLogRecord& record, DateCache* dates, char* room);

}  // namespace weir::observe
