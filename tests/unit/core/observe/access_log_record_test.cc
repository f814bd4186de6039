#include "core/observe/access_log_record.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::observe {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

struct Line {
  std::string text;
  bool truncated = false;
};

Line Format(const AccessLogRecord& record) {
  DateCache dates;
  const size_t bound = AccessLogLineBound(record);
  EXPECT_LE(bound, kMaxAccessLogLine);
  // Exactly the room that the bound asks for: AddressSanitizer sees a byte beyond it.
  std::vector<char> room(bound);
  const FormattedLine line = FormatAccessLogLine(record, &dates, room.data());
  EXPECT_LE(static_cast<size_t>(line.end - room.data()), bound);
  return {std::string(room.data(), line.end), line.truncated};
}

// What the rule says, byte by byte.
std::string Escaped(const std::string& value) {
  if (value.empty()) return "-";
  std::string text;
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\') {
      text += c;
      continue;
    }
    char escape[5];
    snprintf(escape, sizeof(escape), "\\x%02X", byte);
    text += escape;
  }
  return text;
}

AccessLogRecord Full() {
  AccessLogRecord record;
  record.start_time_unix_ms = 1'795'342'601'123;
  record.method = "GET";
  record.path = "/a/b?c=d";
  record.protocol = "HTTP/1.1";
  record.response_code = 200;
  record.bytes_received = 5;
  record.bytes_sent = 18'446'744'073'709'551'615U;
  record.duration_ms = 12;
  record.upstream_service_time_ms = 11;
  record.x_forwarded_for = "192.0.2.1";
  record.user_agent = "curl/7.88.1";
  record.request_id = "f7c8a1b2-0000-4000-8000-000000000000";
  record.authority = "example.com";
  record.upstream_host = "127.0.0.1:9000";
  return record;
}

TEST(AccessLogRecord, LineHasEnvoysDefaultFormat) {
  EXPECT_EQ(Format(Full()).text,
            "[2026-11-22T10:16:41.123Z] \"GET /a/b?c=d HTTP/1.1\" 200 - 5 18446744073709551615 12 "
            "11 \"192.0.2.1\" \"curl/7.88.1\" \"f7c8a1b2-0000-4000-8000-000000000000\" "
            "\"example.com\" \"127.0.0.1:9000\"\n");
}

TEST(AccessLogRecord, WhatIsMissingIsADash) {
  EXPECT_EQ(Format(AccessLogRecord{}).text,
            "[1970-01-01T00:00:00.000Z] \"- - -\" 0 - 0 0 0 - \"-\" \"-\" \"-\" \"-\" \"-\"\n");
}

TEST(AccessLogRecord, FlagsStandAfterTheCode) {
  AccessLogRecord record = Full();
  record.response_code = 503;
  record.flags.Set(ResponseFlag::kUpstreamConnectionFailure);
  record.flags.Set(ResponseFlag::kUpstreamRetryLimitExceeded);
  EXPECT_THAT(Format(record).text, HasSubstr("\" 503 UF,URX 5 "));
}

TEST(AccessLogRecord, PeerCannotWriteALineOrEndAValue) {
  AccessLogRecord record = Full();
  const std::string agent = "x\" 200 -\r\n[now] \\ \x1b[2J \x7f \xc2\x9b\t";
  record.user_agent = agent;
  const std::string text = Format(record).text;
  EXPECT_THAT(text,
              HasSubstr(R"("x\x22 200 -\x0D\x0A[now] \x5C \x1B[2J \x7F \xC2\x9B\x09" "f7c8)"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_THAT(text, EndsWith("\n"));
}

TEST(AccessLogRecord, EveryByteAtEveryPlaceIsEscapedByTheRule) {
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t at = 0; at < 19; ++at) {
      std::string value(19, 'a');
      value[at] = static_cast<char>(byte);
      AccessLogRecord record;
      record.path = value;
      ASSERT_THAT(Format(record).text, HasSubstr("\"- " + Escaped(value) + " -\"")) << byte;
    }
  }
}

TEST(AccessLogRecord, RandomValuesOfAllLengthsAreEscapedByTheRule) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 3'000; ++round) {
    std::string value(random() % 40, ' ');
    const bool mostly_plain = random() % 2 == 0;
    for (char& c : value) {
      c = static_cast<char>(mostly_plain && random() % 16 != 0 ? 'a' + random() % 26
                                                               : random() % 256);
    }
    AccessLogRecord record;
    record.user_agent = value;
    record.authority = value;
    const std::string quoted = " \"" + Escaped(value) + "\"";
    ASSERT_THAT(Format(record).text, EndsWith(quoted + " \"-\"" + quoted + " \"-\"\n"));
  }
}

TEST(AccessLogRecord, LongValuesAreCutAtTheirLimit) {
  AccessLogRecord record;
  for (const char byte : {'a', '\x01'}) {
    const std::string value(70'000, byte);
    record.method = record.path = record.protocol = record.x_forwarded_for = record.user_agent =
        record.request_id = record.authority = record.upstream_host = value;
    const Line line = Format(record);
    EXPECT_TRUE(line.truncated);
    EXPECT_LE(line.text.size(), kMaxAccessLogLine);
    EXPECT_GT(line.text.size(), kMaxLoggedPath + 7 * (kMaxLoggedValue - 8));
    EXPECT_THAT(line.text, EndsWith("...\"\n"));
    EXPECT_EQ(std::count(line.text.begin(), line.text.end(), '\n'), 1);
  }
}

TEST(AccessLogRecord, ValueBelowItsLimitIsWhole) {
  AccessLogRecord record;
  const std::string value(kMaxLoggedValue - 3, 'v');
  record.user_agent = value;
  EXPECT_THAT(Format(record).text, HasSubstr("\"" + value + "\""));
  EXPECT_FALSE(Format(record).truncated);
  const std::string longer = value + "w";
  record.user_agent = longer;
  EXPECT_THAT(Format(record).text, HasSubstr("\"" + value + "...\""));
  EXPECT_TRUE(Format(record).truncated);
}

}  // namespace
}  // namespace weir::observe
