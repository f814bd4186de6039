#include "filters/network/http_connection_manager/server_connection.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

TEST(ServerConnection, CarriesManyRequests) {
  HcmWorld world;
  Client& client = world.Connect();
  for (int i = 0; i < 10; ++i) {
    world.Send(client, kGet);
    world.Answer(0, kOk);
    EXPECT_EQ(world.Got(client).find("HTTP/1.1 200 OK\r\n"), 0u);
  }
  EXPECT_EQ(world.Stat("downstream_cx_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_total"), 10u);
  EXPECT_EQ(world.Stat("downstream_rq_completed"), 10u);
  EXPECT_EQ(world.ClusterStat("upstream_cx_total"), 1u);
}

TEST(ServerConnection, ThoseOverTlsAreCountedAmongAll) {
  HcmWorld world;
  const test::FakeTls tls;
  world.Connect();
  EXPECT_EQ(world.Stat("downstream_cx_ssl_total"), 0u);
  Client& client = world.Connect(&tls);
  world.Send(client, kGet);
  world.Answer(0, kOk);
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Stat("downstream_cx_ssl_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_cx_total"), 2u);
}

TEST(ServerConnection, MaxRequestsEndsItWithConnectionClose) {
  HcmWorld world("common_http_protocol_options: { max_requests_per_connection: 2 }");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(FieldOf(world.Got(client), "connection"), "(none)");
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(FieldOf(world.Got(client), "connection"), "close");
  EXPECT_TRUE(client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_cx_max_requests_reached"), 1u);
}

TEST(ServerConnection, PipelinedRequestsBehindTheLastOneAreNotServed) {
  HcmWorld world("common_http_protocol_options: { max_requests_per_connection: 1 }");
  Client& client = world.Connect();
  world.Send(client, std::string(kGet) + kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Stat("downstream_rq_total"), 1u);
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, PipelinedRequestsAreServedInOrder) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, "GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(world.backend(0).Written().find("GET /1 "), 0u);
  EXPECT_EQ(world.worker.dialer.count(), 1u);
  world.Answer(0, "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(world.backend(0).Written().find("GET /2 "), 0u) << "without another event";
  world.Answer(0, "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
  const std::string got = world.Got(client);
  EXPECT_LT(got.find("201 Created"), got.find("202 Accepted"));
}

TEST(ServerConnection, DrainClosesAnIdleConnectionAfterItsTime) {
  HcmWorld world("drain_timeout: 4s");
  Client& client = world.Connect();
  world.Drain();
  EXPECT_EQ(world.Stat("downstream_cx_drain_close"), 1u);
  world.Pass(3'900);
  EXPECT_FALSE(client.peer.shut) << "a request may be on its way";
  world.Pass(200);
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, DrainAnswersARequestThatWasOnItsWay) {
  HcmWorld world("drain_timeout: 4s");
  Client& client = world.Connect();
  world.Drain();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 200 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, DrainLetsAnActiveRequestEnd) {
  HcmWorld world("drain_timeout: 4s");
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Drain();
  world.Pass(10'000);
  EXPECT_FALSE(client.peer.shut);
  world.Answer(0, kOk);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 200 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, OneAcceptedWhileDrainingAnswersOneRequest) {
  HcmWorld world;
  world.Drain();
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(FieldOf(world.Got(client), "connection"), "close");
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, AFinBeforeARequestEndsItAtOnce) {
  HcmWorld world;
  Client& client = world.Connect();
  client.peer.fin = true;
  world.Send(client, "");
  EXPECT_TRUE(client.peer.closed);
  EXPECT_EQ(world.Stat("downstream_cx_destroy"), 1u);
  EXPECT_EQ(world.Stat("downstream_cx_active"), 0u);
}

TEST(ServerConnection, AFinBehindARequestIsAHalfClose) {
  HcmWorld world;
  Client& client = world.Connect();
  client.peer.fin = true;
  world.Send(client, kGet);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 200 "), 0u);
  EXPECT_TRUE(client.peer.closed);
}

TEST(ServerConnection, AFinInsideARequestCancelsIt) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
  client.peer.fin = true;
  world.Send(client, "");
  EXPECT_TRUE(client.peer.closed);
  EXPECT_TRUE(world.backend(0).peer.closed);
  EXPECT_EQ(world.Stat("downstream_rq_rx_reset"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(ServerConnection, AResetCancelsTheRequest) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, kGet);
  client.peer.read_fails = client.peer.write_fails = true;
  client.io->Wake(true, true);
  world.Turn();
  EXPECT_TRUE(client.peer.closed);
  EXPECT_TRUE(world.backend(0).peer.closed);
  EXPECT_EQ(world.ClusterStat("upstream_rq_tx_reset"), 1u);
}

TEST(ServerConnection, AFaultIsAnsweredAndEndsTheConnection) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n" + std::string(kGet));
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 400 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(got.find("HTTP/1.1", 1), std::string::npos) << "what follows is not read";
  EXPECT_GE(world.Stat("downstream_cx_protocol_error"), 1u);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_TRUE(client.peer.shut);
}

TEST(ServerConnection, BytesAreCounted) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  const size_t sent = world.Got(client).size();
  client.peer.fin = true;
  world.Send(client, "");
  EXPECT_EQ(world.Stat("downstream_cx_rx_bytes_total"), std::string(kGet).size());
  EXPECT_EQ(world.Stat("downstream_cx_tx_bytes_total"), sent);
}

TEST(ServerConnection, OnesThatAreOpenAtTheWorkersEndAreClosed) {
  HcmWorld world;
  world.Connect();
  world.Send(world.Connect(), "GET / HT");
  world.Send(world.Connect(), "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc");
  world.Send(world.Connect(), kGet);
  world.Answer(1, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
  // The world's end looks at sockets, gauges and memory.
  EXPECT_EQ(world.Stat("downstream_cx_active"), 4u);
}

TEST(ServerConnection, AnIdleOneHoldsNoSlab) {
  HcmWorld world;
  for (int i = 0; i < 10; ++i) {
    Client& client = world.Connect();
    world.Send(client, kGet);
    world.Answer(0, kOk);
  }
  world.worker.receive.Drop();
  EXPECT_EQ(world.worker.slabs.pinned_bytes(), 0u);
}

TEST(ServerConnection, EveryCutOfTwoRequestsIsTheSame) {
  const std::string two =
      "POST /1 HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nhost: "
      "a\r\n\r\n";
  for (size_t cut = 1; cut < two.size(); ++cut) {
    HcmWorld world;
    Client& client = world.Connect();
    world.Send(client, two.substr(0, cut));
    world.Send(client, two.substr(cut));
    const std::string first = world.backend(0).Written();
    EXPECT_EQ(first.substr(first.size() - 7), "\r\n\r\nabc") << cut;
    world.Answer(0, kOk);
    EXPECT_EQ(world.backend(0).Written().find("GET /2 "), 0u) << cut;
    world.Answer(0, kOk);
    EXPECT_EQ(world.Stat("downstream_rq_completed"), 2u) << cut;
  }
}

}  // namespace
}  // namespace weir::hcm
