#include "filters/network/http_connection_manager/local_reply.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

TEST(LocalReply, SaysItsDetailsToNobodyByDefault) {
  HcmWorld world("", "[{ match: { prefix: /a }, route: { cluster: app } }]");
  const std::string got = world.Ask(kGet);
  EXPECT_EQ(got.find("HTTP/1.1 404 Not Found\r\n"), 0u) << got;
  EXPECT_EQ(FieldOf(got, "content-length"), "0");
  EXPECT_EQ(FieldOf(got, "content-type"), "(none)");
  EXPECT_EQ(FieldOf(got, "server"), "weir");
  EXPECT_NE(FieldOf(got, "date"), "(none)");
}

TEST(LocalReply, IsThisToTheByte) {
  HcmWorld world("local_reply_config: { body_format: { text_format: 'none' } }",
                 "[{ match: { prefix: /a }, route: { cluster: app } }]");
  std::string got = world.Ask(kGet);
  const size_t date = got.find("date: ");
  ASSERT_NE(date, std::string::npos);
  got.erase(date, got.find("\r\n", date) + 2 - date);
  EXPECT_EQ(got,
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nserver: weir\r\n"
            "content-length: 4\r\n\r\nnone");
}

TEST(LocalReply, TheBodyFormatMakesTheBody) {
  HcmWorld world(
      "local_reply_config: { body_format: { text_format: '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% "
      "100%%\n\n', content_type: text/x-status } }",
      "[{ match: { prefix: /a }, route: { cluster: app } }]");
  const std::string got = world.Ask(kGet);
  EXPECT_NE(got.find("\r\n\r\n404 route_not_found 100%\n"), std::string::npos) << got;
  EXPECT_EQ(FieldOf(got, "content-type"), "text/x-status");
  EXPECT_EQ(FieldOf(got, "content-length"), "25");
}

TEST(LocalReply, TheFirstMapperWithTheStatusWins) {
  HcmWorld world(
      "local_reply_config: { mappers: [\n"
      "  { filter: { status_code_filter: { comparison: { op: EQ, value: { default_value: 404, "
      "runtime_key: k } } } }, status_code: 410, body: { inline_string: gone } },\n"
      "  { filter: { status_code_filter: { comparison: { op: GE, value: { default_value: 400, "
      "runtime_key: k } } } }, status_code: 499, body: { inline_string: other } }],\n"
      "  body_format: { text_format: '<%LOCAL_REPLY_BODY%>' } }",
      "[{ match: { prefix: /a }, route: { cluster: app } }]");
  std::string got = world.Ask(kGet);
  EXPECT_EQ(got.find("HTTP/1.1 410 Gone\r\n"), 0u) << got;
  EXPECT_NE(got.find("\r\n\r\n<gone>"), std::string::npos) << got;
  got = world.Ask("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(got.find("HTTP/1.1 499 "), 0u) << got;
  EXPECT_NE(got.find("\r\n\r\n<other>"), std::string::npos) << got;
}

TEST(LocalReply, AHeadRequestGetsTheLengthWithoutTheBody) {
  HcmWorld world("local_reply_config: { body_format: { text_format: 'twelve bytes' } }",
                 "[{ match: { prefix: /a }, route: { cluster: app } }]");
  const std::string got = world.Ask("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(FieldOf(got, "content-length"), "12");
  EXPECT_EQ(got.substr(got.size() - 4), "\r\n\r\n");
}

TEST(LocalReply, AGrpcClientGetsItsStatusInAField) {
  HcmWorld world("local_reply_config: { body_format: { text_format: 'no route: 100%%\n\n' } }",
                 "[{ match: { prefix: /a }, route: { cluster: app } }]");
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;x=y"}) {
    const std::string got =
        world.Ask("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: " + std::string(type) +
                  "\r\ncontent-length: 0\r\n\r\n");
    EXPECT_EQ(got.find("HTTP/1.1 200 OK\r\n"), 0u) << got;
    EXPECT_EQ(FieldOf(got, "content-type"), "application/grpc");
    EXPECT_EQ(FieldOf(got, "grpc-status"), "12");
    EXPECT_EQ(FieldOf(got, "grpc-message"), "no route: 100%25%0A");
  }
  EXPECT_EQ(world
                .Ask("POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc-web\r\n"
                     "content-length: 0\r\n\r\n")
                .find("HTTP/1.1 404"),
            0u);
}

// httpToGrpcStatus of Envoy, which clients' tables of retries are written for.
TEST(LocalReply, GrpcStatusOfEveryHttpStatus) {
  const std::map<uint32_t, uint32_t> known = {{400, 13}, {401, 16}, {403, 7},  {404, 12},
                                              {429, 14}, {502, 14}, {503, 14}, {504, 14}};
  for (uint32_t status = 100; status < 1000; ++status) {
    const auto found = known.find(status);
    EXPECT_EQ(GrpcStatusOf(status), found == known.end() ? 2u : found->second) << status;
  }
}

TEST(LocalReply, AnOverloadedClusterSaysSo) {
  HcmWorld world("", "", ", circuit_breakers: { thresholds: [{ max_requests: 1 }] }");
  Client& first = world.Connect();
  world.Send(first, kGet);
  const std::string got = world.Ask(kGet);
  EXPECT_EQ(got.find("HTTP/1.1 503 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "x-envoy-overloaded"), "true");
  EXPECT_EQ(world.Stat("downstream_rq_5xx"), 1u);
}

TEST(LocalReply, AFailedBackendIs503WithItsReason) {
  HcmWorld world("local_reply_config: { body_format: { text_format: '%RESPONSE_CODE_DETAILS%' } }");
  world.worker.dialer.at_once = false;
  Client& client = world.Connect();
  world.Send(client, kGet);
  for (size_t i = 0; i < 3; ++i) {
    world.backend(i).Refuse();
    world.Turn();
  }
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 503 "), 0u) << got;
  EXPECT_NE(got.find("\r\n\r\nupstream_reset_before_response_started{remote_connection_failure}"),
            std::string::npos)
      << got;
  EXPECT_EQ(FieldOf(got, "connection"), "(none)") << "the client's connection is in order";
}

}  // namespace
}  // namespace weir::hcm
