#include "filters/network/http_connection_manager/stream.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

std::string Body(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

TEST(Stream, OneRequestCountsOnce) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, kGet);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 1u);
  world.Answer(0, kOk);
  EXPECT_EQ(world.Stat("downstream_rq_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_2xx"), 1u);
  EXPECT_EQ(world.Stat("rq_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(Stream, ABackendIsAskedForOnceTheHeadIsComplete) {
  HcmWorld world;
  Client& client = world.Connect();
  const std::string request = kGet;
  for (size_t i = 0; i + 1 < request.size(); ++i) {
    world.Send(client, request.substr(i, 1));
    EXPECT_EQ(world.worker.dialer.count(), 0u) << i;
  }
  world.Send(client, request.substr(request.size() - 1));
  EXPECT_EQ(world.worker.dialer.count(), 1u);
}

// Whatever the end of a request is: one line, with the flag that says whose doing it was.
TEST(Stream, EveryEndIsLoggedOnce) {
  char name[] = "/tmp/weir_stream_test_XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  close(fd);
  {
    HcmWorld world("", "[{ match: { prefix: / }, route: { cluster: app, timeout: 3s } }]", "",
                   name);
    Client& client = world.Connect();
    world.Send(client, "GET /fine HTTP/1.1\r\nhost: a\r\n\r\n");
    world.Answer(0, kOk);
    world.Send(client, "GET /late HTTP/1.1\r\nhost: a\r\n\r\n");
    world.Pass(3'100);
    world.Send(client, "GET /cut HTTP/1.1\r\nhost: a\r\n\r\n");
    world.Answer(1, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc");
    world.backend(1).Fin();
    world.Turn();
    Client& gone = world.Connect();
    world.Send(gone, "GET /gone HTTP/1.1\r\nhost: a\r\n\r\n");
    gone.peer.read_fails = true;
    gone.io->Wake(true, true);
    world.Turn();
    world.Ask("GET /bad HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
    world.worker.dialer.at_once = false;
    Client& refused = world.Connect();
    world.Send(refused, "GET /refused HTTP/1.1\r\nhost: a\r\n\r\n");
    for (int i = 0; i < 3; ++i) {
      world.worker.dialer.last().Refuse();
      world.Turn();
    }
    EXPECT_EQ(world.Stat("downstream_rq_total"), 6u);
    EXPECT_EQ(world.Stat("downstream_rq_completed"), 6u);
    EXPECT_EQ(world.worker.Stat("access_log.logged"), 6u);
  }
  std::ifstream in(name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  unlink(name);
  ASSERT_EQ(lines.size(), 6u);
  const char* const parts[] = {"\"GET /fine HTTP/1.1\" 200 - ",
                               "\"GET /late HTTP/1.1\" 504 UT ",
                               "\"GET /cut HTTP/1.1\" 200 UC ",
                               "\"GET /gone HTTP/1.1\" 0 DC ",
                               " 400 DPE ",
                               "\"GET /refused HTTP/1.1\" 503 UF "};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_NE(lines[i].find(parts[i]), std::string::npos) << parts[i] << " in " << lines[i];
  }
}

TEST(Stream, ARequestThatCannotBeParsedCountsToo) {
  HcmWorld world;
  world.Ask("GET / HTTP/1.1\r\nhost: a\r\nbad name: x\r\n\r\n");
  EXPECT_EQ(world.Stat("downstream_rq_total"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
}

TEST(Stream, ABodyToARouteThatAnswersByItselfIsDropped) {
  HcmWorld world("",
                 "[{ match: { prefix: / }, direct_response: { status: 200, body: "
                 "{ inline_string: hi } } }]");
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n");
  EXPECT_EQ(Body(world.Got(client)), "hi");
  world.Send(client, std::string(300'000, 'x'));
  world.Send(client, kGet);
  const std::string got = world.Got(client);
  // Whether the rest was read, or the connection was closed behind the answer: no body byte may be
  // taken for a request.
  EXPECT_TRUE(got.empty() || got.find("HTTP/1.1 200 ") == 0) << got;
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 0u);
}

TEST(Stream, ALargerBodyThanTheRouteTakesIs413) {
  HcmWorld world("", "[{ match: { prefix: / }, route: { cluster: app }, max_request_bytes: 10 }]");
  const std::string announced =
      world.Ask("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n");
  EXPECT_EQ(announced.find("HTTP/1.1 413 "), 0u) << announced;
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  Client& client = world.Connect();
  world.Send(client,
             "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n6\r\nabcdef\r\n");
  EXPECT_EQ(world.Got(client), "");
  world.Send(client, "6\r\nabcdef\r\n");
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 413 "), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_too_large"), 2u);
  EXPECT_TRUE(world.backend(0).peer.closed);
}

TEST(Stream, ABackendThatBreaksOffInsideABodyBreaksTheClientOffToo) {
  HcmWorld world;
  for (const char* start : {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
                            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    const size_t connection = world.worker.dialer.count();
    Client& client = world.Connect();
    world.Send(client, kGet);
    world.Answer(connection, start);
    world.backend(connection).Fin();
    world.Turn();
    const std::string got = world.Got(client);
    EXPECT_EQ(got.find("\r\n0\r\n\r\n"), std::string::npos) << got;
    EXPECT_TRUE(client.peer.closed || client.peer.shut) << start;
  }
  EXPECT_EQ(world.Stat("downstream_rq_tx_reset"), 2u);
}

TEST(Stream, InterimAnswersPassAndDoNotEndTheRequest) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client,
             "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "expect"), "100-continue");
  world.Answer(0, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(world.Got(client), "HTTP/1.1 100 Continue\r\n\r\n");
  world.Send(client, "hi");
  EXPECT_EQ(world.backend(0).Written(), "hi");
  world.Answer(0, "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n");
  world.Answer(0, kOk);
  const std::string got = world.Got(client);
  EXPECT_EQ(got.find("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n"), 0u) << got;
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(Stream, ASlowClientStopsItsBackend) {
  HcmWorld world;
  Client& client = world.Connect();
  client.peer.write_room = 1000;
  world.Send(client, kGet);
  world.backend(0).Send("HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n");
  for (int i = 0; i < 40; ++i) {
    world.backend(0).Send(std::string(100'000, 'x'));
    world.Turn();
  }
  EXPECT_GT(world.backend(0).peer.to_read.size(), 3'000'000u) << "it stays in the kernel";
  EXPECT_LT(world.worker.slabs.pinned_bytes(), 2'000'000u);
  client.peer.write_room = SIZE_MAX;
  client.io->Wake(false, true);
  world.Turn();
  EXPECT_EQ(Body(world.Got(client)).size(), 4'000'000u);
}

TEST(Stream, ASlowBackendStopsItsClient) {
  HcmWorld world("", "", "");
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n");
  world.backend(0).peer.write_room = 1000;
  for (int i = 0; i < 40; ++i) world.Send(client, std::string(100'000, 'x'));
  EXPECT_GT(client.peer.to_read.size(), 3'000'000u);
  EXPECT_GE(world.Stat("downstream_flow_control_paused_reading_total"), 1u);
  world.backend(0).peer.write_room = SIZE_MAX;
  world.backend(0).io->Wake(false, true);
  world.Turn();
  EXPECT_EQ(client.peer.to_read.size(), 0u);
  EXPECT_EQ(Body(world.backend(0).Written()).size(), 4'000'000u);
  EXPECT_EQ(world.Stat("downstream_flow_control_paused_reading_total"),
            world.Stat("downstream_flow_control_resumed_reading_total"));
}

TEST(Stream, AnOverloadedWorkerAnswers503AndCloses) {
  HcmWorld world;
  world.worker.context.overloaded = true;
  const std::string got = world.Ask(kGet);
  EXPECT_EQ(got.find("HTTP/1.1 503 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "x-envoy-overloaded"), "true");
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(world.Stat("downstream_rq_overload_close"), 1u);
}

TEST(Stream, AnUpgradeThatIsNotAllowedIs403) {
  HcmWorld world;
  const std::string got = world.Ask(
      "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nbytes of it");
  EXPECT_EQ(got.find("HTTP/1.1 403 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "connection"), "close");
  EXPECT_EQ(world.Stat("downstream_rq_ws_on_non_ws_route"), 1u);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
}

TEST(Stream, ATunnelGoesBothWaysAndItsGaugesComeBack) {
  HcmWorld world("upgrade_configs: [{ upgrade_type: echo }]");
  Client& client = world.Connect();
  world.Send(client, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  // The backend speaks first, in one piece with its answer.
  world.Answer(
      0, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello");
  EXPECT_EQ(Body(world.Got(client)), "hello");
  EXPECT_EQ(world.Stat("downstream_cx_upgrades_total"), 1u);
  world.backend(0).Written();
  world.Send(client, "hi");
  EXPECT_EQ(world.backend(0).Written(), "hi");
  client.peer.fin = true;
  world.Send(client, "");
  EXPECT_TRUE(world.backend(0).peer.shut);
  world.Answer(0, "bye");
  world.backend(0).Fin();
  world.Turn();
  EXPECT_EQ(world.Got(client), "bye");
  EXPECT_TRUE(client.peer.closed);
  EXPECT_TRUE(world.backend(0).peer.closed);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(Stream, AStaleBackendConnectionIsNotTheClientsConcern) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, kOk);
  world.Got(client);
  world.Send(client, kGet);
  world.backend(0).Fin();
  world.Turn();
  ASSERT_EQ(world.worker.dialer.count(), 2u);
  world.Answer(1, kOk);
  EXPECT_EQ(Body(world.Got(client)), "ok");
  EXPECT_EQ(world.Stat("downstream_rq_5xx"), 0u);
}

TEST(Stream, ABodyThatWaitsForItsBackendIsBounded) {
  HcmWorld world;
  world.worker.dialer.at_once = false;
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4000000\r\n\r\n");
  for (int i = 0; i < 40; ++i) world.Send(client, std::string(100'000, 'x'));
  EXPECT_GT(client.peer.to_read.size(), 3'000'000u);
  world.backend(0).Establish();
  world.Turn();
  EXPECT_EQ(Body(world.backend(0).Written()).size(), 4'000'000u);
}

TEST(Stream, FieldsAreWrittenOnceHoweverManyPiecesTheBodyHas) {
  HcmWorld world("via: weir-1");
  Client& client = world.Connect();
  world.Send(client, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n");
  for (int i = 0; i < 3; ++i) world.Send(client, "x");
  const std::string asked = world.backend(0).Written();
  EXPECT_EQ(FieldOf(asked, "via"), "weir-1");
  EXPECT_EQ(FieldOf(asked, "x-forwarded-for"), "10.9.8.7");
  EXPECT_EQ(Body(asked), "xxx");
  world.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
  for (int i = 0; i < 3; ++i) world.Answer(0, "y");
  const std::string got = world.Got(client);
  EXPECT_EQ(FieldOf(got, "via"), "weir-1");
  EXPECT_EQ(FieldOf(got, "server"), "weir");
  EXPECT_EQ(Body(got), "yyy");
}

TEST(Stream, AHeadFromTheBackendThatIsNotValidIs502) {
  HcmWorld world;
  Client& client = world.Connect();
  world.Send(client, kGet);
  world.Answer(0, "HTTP/1.1 200 OK\r\nx: a\x01z\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(world.Got(client).find("HTTP/1.1 502 "), 0u);
  EXPECT_TRUE(world.backend(0).peer.closed);
}

}  // namespace
}  // namespace weir::hcm
