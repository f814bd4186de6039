// Each time limit: who ends, with which answer, and which counter says so.

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

constexpr char kDetails[] =
    "\nlocal_reply_config: { body_format: { text_format: '%RESPONSE_CODE_DETAILS%' } }";
constexpr char kPost[] = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n";

std::string Details(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(Timers, AHeadMustArriveInItsTime) {
  HcmWorld world("request_headers_timeout: 5s");
  Client& client = world.Connect();
  world.Send(client, "GET / HTT");
  world.Pass(4'900);
  EXPECT_EQ(world.Got(client), "");
  // More of it does not start the time anew.
  world.Send(client, "P/1.1\r\n");
  world.Pass(200);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 408 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(world.Stat("downstream_rq_header_timeout"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 1u);
  EXPECT_TRUE(client.peer.shut);
}

TEST(Timers, AHeadThatArrivedStopsItsTime) {
  HcmWorld world("request_headers_timeout: 5s");
  Client& client = world.Connect();
  world.Send(client, "GET / HTT");
  world.Pass(4'000);
  world.Send(client, "P/1.1\r\nhost: a\r\n\r\n");
  world.Pass(4'000);
  EXPECT_EQ(world.Got(client), "");
  world.Answer(0, kOk);
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 200"), 0u);
  // The next head has a time of its own.
  world.Send(client, "GET");
  world.Pass(4'900);
  EXPECT_EQ(world.Stat("downstream_rq_header_timeout"), 0u);
  world.Pass(200);
  EXPECT_EQ(world.Stat("downstream_rq_header_timeout"), 1u);
}

TEST(Timers, TheTimeOfARequestIsCountedOnBothSidesWithoutThatOfTunnels) {
  HcmWorld world("upgrade_configs: [{ upgrade_type: e }]");
  const auto sum = [&](const char* name) {
    observe::StatRegistry& stats = world.worker.registry;
    return stats.Histogram(stats.Define(name, observe::StatKind::kHistogram)).sum;
  };
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Pass(40);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Stat("downstream_rq_time"), 1u);
  EXPECT_EQ(world.ClusterStat("upstream_rq_time"), 1u);
  EXPECT_GE(sum("http.main.downstream_rq_time"), 40u);
  EXPECT_GE(sum("cluster.app.upstream_rq_time"), 40u);
  Client& tunnel = world.Connect();
  world.Send(tunnel, "GET /t HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: e\r\n\r\n");
  world.Answer(0, "HTTP/1.1 101 Go\r\nconnection: upgrade\r\nupgrade: e\r\n\r\n");
  ASSERT_EQ(world.Stat("downstream_cx_upgrades_active"), 1u);
  world.backend(0).Fin();
  tunnel.peer.fin = true;
  tunnel.io->Wake(true, true);
  world.Turn();
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_time"), 1u);
  EXPECT_EQ(world.ClusterStat("upstream_rq_time"), 1u);
}

TEST(Timers, AnIdleConnectionIsClosed) {
  HcmWorld world("common_http_protocol_options: { idle_timeout: 60s }");
  Client& client = world.Connect();
  world.Pass(59'000);
  EXPECT_FALSE(client.peer.shut);
  world.Send(client, kGet);
  world.Answer(0, kOk);
  world.Pass(59'000);
  EXPECT_FALSE(client.peer.shut) << "a request starts the time anew";
  world.Pass(1'100);
  EXPECT_TRUE(client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_cx_idle_timeout"), 1u);
}

TEST(Timers, AConnectionWithAStreamIsNotIdle) {
  HcmWorld world("common_http_protocol_options: { idle_timeout: 1s }",
                 "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Pass(100'000);
  EXPECT_FALSE(client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_cx_idle_timeout"), 0u);
}

TEST(Timers, AClosingConnectionWaitsForTheClientsFinForAWhile) {
  HcmWorld world("delayed_close_timeout: 2s");
  Client& client = world.Connect();
  world.Send(client, "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  world.Answer(0, kOk);
  EXPECT_TRUE(client.peer.shut);
  EXPECT_FALSE(client.peer.closed) << "unread bytes would make it a RST, and cost the answer";
  world.Send(client, "what it still sends");
  world.Pass(1'900);
  EXPECT_FALSE(client.peer.closed);
  world.Pass(200);
  EXPECT_TRUE(client.peer.closed);
}

TEST(Timers, ALongLivedConnectionEndsAfterItsRequest) {
  HcmWorld world("common_http_protocol_options: { max_connection_duration: 60s }");
  Client& idle = world.Connect();
  Client& busy = world.Connect();
  world.Pass(59'000);
  world.Send(busy, kGet);
  world.Pass(1'100);
  EXPECT_TRUE(idle.peer.shut);
  EXPECT_FALSE(busy.peer.shut);
  EXPECT_EQ(world.Stat("downstream_cx_max_duration_reached"), 2u);
  world.Answer(0, kOk);
  const std::string got = world.Got(busy);
  EXPECT_EQ(FieldOf(got, "connection"), "close") << got;
  EXPECT_TRUE(busy.peer.shut);
}

TEST(Timers, AWholeRequestMustArriveInItsTime) {
  HcmWorld world(std::string("request_timeout: 10s\nmin_request_body_rate: 0") + kDetails);
  Client& client = world.Connect();
  world.Send(client, kPost);
  for (int i = 0; i < 9; ++i) {
    world.Pass(1'000);
    world.Send(client, "x");
  }
  EXPECT_EQ(world.Got(client), "");
  world.Pass(1'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 408 "), 0u) << got;
  EXPECT_EQ(Details(got), "request_overall_timeout");
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(world.Stat("downstream_rq_timeout"), 1u);
  EXPECT_TRUE(world.backend(0).peer.closed) << "the backend must not wait for the rest";
}

TEST(Timers, AStreamOfWhichTheRequestStallsIs408) {
  HcmWorld world(std::string("stream_idle_timeout: 10s\nmin_request_body_rate: 0") + kDetails);
  Client& client = world.Connect();
  world.Send(client, kPost);
  world.Pass(9'000);
  world.Send(client, "x");
  world.Pass(9'000);
  EXPECT_EQ(world.Got(client), "") << "a byte starts the time anew";
  world.Pass(1'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 408 "), 0u) << got;
  EXPECT_EQ(Details(got), "stream_idle_timeout");
  EXPECT_EQ(world.Stat("downstream_rq_idle_timeout"), 1u);
}

TEST(Timers, AStreamOfWhichTheAnswerStallsIs504) {
  HcmWorld world(std::string("stream_idle_timeout: 10s") + kDetails,
                 "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Pass(10'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 504 "), 0u) << got;
  EXPECT_EQ(Details(got), "stream_idle_timeout");
  EXPECT_EQ(FieldOf(got, "connection"), "(none)");
  EXPECT_TRUE(world.backend(0).peer.closed);
}

TEST(Timers, ADripThatIsNotIdleGoesOn) {
  HcmWorld world("stream_idle_timeout: 10s",
                 "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n");
  for (int i = 0; i < 10; ++i) {
    world.Pass(9'000);
    world.Answer(0, "x");
  }
  EXPECT_EQ(Details(world.Got(client)), "xxxxxxxxxx");
  EXPECT_EQ(world.Stat("downstream_rq_idle_timeout"), 0u);
}

TEST(Timers, AnAnswerThatStallsAfterItsHeadIsCut) {
  HcmWorld world("stream_idle_timeout: 10s",
                 "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n");
  world.Pass(10'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.substr(got.size() - 6), "1\r\nx\r\n") << "no last chunk: it is not complete";
  EXPECT_TRUE(client.peer.closed || client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 1u);
}

TEST(Timers, ARoutesTimeoutIs504) {
  HcmWorld world(kDetails + 1, "[{ match: { prefix: / }, route: { cluster: app, timeout: 3s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Pass(2'900);
  EXPECT_EQ(world.Got(client), "");
  world.Pass(200);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 504 "), 0u) << got;
  EXPECT_EQ(Details(got), "response_timeout");
  EXPECT_EQ(world.ClusterStat("upstream_rq_tx_reset"), 1u);
  EXPECT_EQ(world.ClusterStat("upstream_rq_timeout"), 1u);
  EXPECT_TRUE(world.backend(0).peer.closed);
}

TEST(Timers, ARoutesTimeoutRunsFromTheEndOfTheRequest) {
  HcmWorld world("", "[{ match: { prefix: / }, route: { cluster: app, timeout: 3s } }]");
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx");
  world.Pass(5'000);
  EXPECT_EQ(world.Got(client), "");
  world.Send(client, "y");
  world.Pass(2'900);
  EXPECT_EQ(world.Got(client), "");
  world.Pass(200);
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 504 "), 0u);
}

TEST(Timers, ARoutesTimeoutHoldsForTheWholeAnswer) {
  HcmWorld world("", "[{ match: { prefix: / }, route: { cluster: app, timeout: 3s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nx");
  world.Pass(3'100);
  EXPECT_TRUE(client.peer.closed || client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 1u);
}

TEST(Timers, AStreamHasALongestLife) {
  HcmWorld world(
      std::string("common_http_protocol_options: { max_stream_duration: 20s }") + kDetails,
      "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Pass(20'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 504 "), 0u) << got;
  EXPECT_EQ(Details(got), "max_duration_timeout");
  EXPECT_EQ(world.Stat("downstream_rq_max_duration_reached"), 1u);
}

TEST(Timers, ARoutesOwnTimesGoFirst) {
  HcmWorld world(
      "stream_idle_timeout: 100s",
      "[{ match: { prefix: /i }, route: { cluster: app, timeout: 0s, idle_timeout: 2s } }, "
      "{ match: { prefix: / }, route: { cluster: app, timeout: 0s, "
      "max_stream_duration: { max_stream_duration: 2s } } }]");
  Client& one = world.Connect();
  Client& two = world.Connect();
  world.Send(one, "GET /i HTTP/1.1\r\nhost: a\r\n\r\n");
  world.Send(two, kGet);
  world.Pass(2'100);
  EXPECT_EQ(world.Got(one).find("HTTP/1.1 504 "), 0u);
  EXPECT_EQ(world.Got(two).find("HTTP/1.1 504 "), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_idle_timeout"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_max_duration_reached"), 1u);
}

TEST(Timers, ABodyMustNotDrip) {
  HcmWorld world(std::string("min_request_body_rate: 10\nmin_request_body_rate_window: 2s") +
                 kDetails);
  Client& client = world.Connect();
  world.Send(client, kPost);
  world.Send(client, std::string(25, 'x'));
  world.Pass(2'100);
  EXPECT_EQ(world.Got(client), "") << "20 bytes a window are enough";
  world.Send(client, std::string(19, 'x'));
  world.Pass(2'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 408 "), 0u) << got;
  EXPECT_EQ(Details(got), "request_body_too_slow");
  EXPECT_EQ(world.Stat("downstream_rq_slow_body"), 1u);
}

TEST(Timers, ATunnelHasOnlyItsIdleTime) {
  HcmWorld world(
      "request_timeout: 5s\nstream_idle_timeout: 60s\nupgrade_configs: "
      "[{ upgrade_type: echo }]",
      "[{ match: { prefix: / }, route: { cluster: app, timeout: 5s } }]");
  Client& client = world.Connect();
  world.Send(client, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  world.Answer(0,
               "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 101 "), 0u);
  world.Pass(50'000);
  world.Send(client, "hi");
  world.Pass(50'000);
  EXPECT_FALSE(client.peer.closed || client.peer.shut);
  world.Pass(11'000);
  EXPECT_TRUE(client.peer.closed || client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_rq_idle_timeout"), 1u);
}

TEST(Timers, AClientThatTakesNothingIsGivenUp) {
  HcmWorld world("stream_idle_timeout: 10s",
                 "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  Client& client = world.Connect();
  client.peer.write_room = 0;
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u) << "all of it is in the connection's output";
  world.Pass(10'100);
  world.Pass(10'100);
  EXPECT_TRUE(client.peer.closed);
}

}  // namespace
}  // namespace weir::hcm
