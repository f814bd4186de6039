// The plugin's default format and the host's own (core/observe/access_log_record.h) are the same,
// byte by byte.

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "core/observe/access_log_record.h"
#include "tests/unit/filters/access_loggers/file/logger_world.h"

namespace weir::access_log {
namespace {

std::string HostsLine(const observe::AccessLogRecord& record) {
  observe::DateCache dates;
  std::string room(observe::kMaxAccessLogLine, '\0');
  const observe::FormattedLine line = observe::FormatAccessLogLine(record, &dates, room.data());
  return {room.data(), static_cast<size_t>(line.end - room.data())};
}

// A request, told to both.
struct Request {
  observe::AccessLogRecord record;
  std::string method, path, original_path, protocol, xff, agent, id, authority, host;
  std::string flags;

  void Tell(kit::FakeHttpStream* stream) {
    record.method = method;
    record.path = original_path.empty() ? path : original_path;
    record.protocol = protocol;
    record.x_forwarded_for = xff;
    record.user_agent = agent;
    record.request_id = id;
    record.authority = authority;
    record.upstream_host = host;
    stream->SetStart(":method", method);
    stream->SetStart(":path", path);
    stream->SetStart(":authority", authority);
    auto& fields = stream->messages[WEIR_REQUEST].fields;
    if (!xff.empty()) fields.emplace_back("x-forwarded-for", xff);
    if (!agent.empty()) fields.emplace_back("user-agent", agent);
    if (!id.empty()) fields.emplace_back("x-request-id", id);
    // Nobody is to believe these.
    fields.emplace_back("x-envoy-original-path", "/spoofed");
    stream->messages[WEIR_RESPONSE].fields.emplace_back("x-envoy-upstream-service-time", "77");
    if (!original_path.empty()) stream->attributes[WEIR_ATTR_ORIGINAL_PATH] = original_path;
    if (!protocol.empty()) stream->attributes[WEIR_ATTR_PROTOCOL] = protocol;
    if (!host.empty()) stream->attributes[WEIR_ATTR_UPSTREAM_ADDRESS] = host;
    char text[observe::kMaxResponseFlagsText];
    stream->attributes[WEIR_ATTR_RESPONSE_FLAGS] =
        std::string(text, observe::WriteResponseFlags(record.flags, text));
    stream->numbers[WEIR_NUMBER_RESPONSE_CODE] = record.response_code;
    stream->numbers[WEIR_NUMBER_BYTES_RECEIVED] = static_cast<int64_t>(record.bytes_received);
    stream->numbers[WEIR_NUMBER_BYTES_SENT] = static_cast<int64_t>(record.bytes_sent);
    stream->numbers[WEIR_NUMBER_START_UNIX_US] = record.start_time_unix_ms * 1000;
    stream->numbers[WEIR_NUMBER_END_US] = static_cast<int64_t>(record.duration_ms * 1000);
    if (record.upstream_service_time_ms >= 0) {
      stream->numbers[WEIR_NUMBER_UPSTREAM_START_US] = 3000;
      stream->numbers[WEIR_NUMBER_RESPONSE_START_US] =
          3000 + record.upstream_service_time_ms * 1000;
    }
  }
};

TEST(DefaultFormat, IsTheHosts) {
  Request request;
  request.record.start_time_unix_ms = 1'795'000'000'123;
  request.record.response_code = 200;
  request.record.bytes_received = 12;
  request.record.bytes_sent = 34'567;
  request.record.duration_ms = 89;
  request.record.upstream_service_time_ms = 56;
  request.method = "GET";
  request.path = "/rewritten";
  request.original_path = "/a?b=\"c\"";
  request.protocol = "HTTP/2";
  request.xff = "10.0.0.1";
  request.agent = "curl/8 \\ \x01\xff";
  request.authority = "example.com";
  request.host = "127.0.0.1:9000";
  kit::FakeHttpStream stream;
  request.Tell(&stream);
  const std::string expected =
      "[2026-11-18T11:06:40.123Z] \"GET /a?b=\\x22c\\x22 HTTP/2\" 200 - 12 34567 89 56 "
      "\"10.0.0.1\" \"curl/8 \\x5C \\x01\\xFF\" \"-\" \"example.com\" \"127.0.0.1:9000\"\n";
  EXPECT_EQ(HostsLine(request.record), expected);
  EXPECT_EQ(LineOf(&stream, ""), expected);
}

TEST(DefaultFormat, IsTheHostsWhateverTheValues) {
  std::mt19937 engine(11);
  const auto random = [&engine] { return static_cast<uint32_t>(engine()); };
  const auto text = [&random](size_t most) {
    std::string out(random() % 3 == 0 ? 0 : random() % most, '\0');
    const bool wild = random() % 2 == 0;
    for (char& c : out) {
      c = wild ? static_cast<char>(random() % 256) : static_cast<char>('a' + random() % 26);
    }
    return out;
  };
  for (int round = 0; round < 300; ++round) {
    Request request;
    request.record.start_time_unix_ms = static_cast<int64_t>(random()) * 977;
    request.record.response_code = random() % 2 == 0 ? 0 : 100 + random() % 500;
    request.record.bytes_received = random();
    request.record.bytes_sent = uint64_t{random()} * 1000;
    request.record.duration_ms = random();
    request.record.upstream_service_time_ms = random() % 4 == 0 ? -1 : random() % 100'000;
    request.record.flags.bits = random() % 3 == 0 ? 0 : random() & 0x3fffffff;
    const bool large = round % 10 == 0;
    request.method = text(20);
    request.path = text(large ? 30'000 : 300);
    request.original_path = text(large ? 30'000 : 300);
    request.protocol = "HTTP/1.1";
    request.xff = text(large ? 9'000 : 60);
    request.agent = text(large ? 9'000 : 200);
    request.id = text(60);
    request.authority = text(100);
    request.host = text(40);
    kit::FakeHttpStream stream;
    request.Tell(&stream);
    ASSERT_EQ(LineOf(&stream, ""), HostsLine(request.record)) << "round " << round;
  }
}

}  // namespace
}  // namespace weir::access_log
