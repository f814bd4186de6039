// How streams and connections of HTTP/2 end: whatever the end, it is told in its turn, once, and
// nothing is left behind.

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/h2_world.h"

namespace weir::hcm {
namespace {

using h2::ErrorCode;
using h2::FrameType;
using h2::operator<<;
using h2::SettingId;
namespace wire = h2::wire;

constexpr auto kH1 = H2World::Backends::kH1;
constexpr auto kH2 = H2World::Backends::kH2;
constexpr char kSlowRoute[] = "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]";

// ---- Answers of the proxy's

TEST(H2Ends, AnAnswerOfTheProxysGoesOutByItself) {
  H2World world(kH1, "local_reply_config: { body_format: { text_format: 'ours' } }",
                "[{ match: { prefix: /known }, route: { cluster: app } }]");
  H2Far& client = world.Connect();
  for (uint32_t stream = 1; stream < 101; stream += 2) {
    world.Say(client, H2World::Request(client, stream, false, "POST"));
    EXPECT_EQ(client.Field(stream, ":status"), "404");
    EXPECT_EQ(client.Body(stream), "ours");
    EXPECT_TRUE(client.Ended(stream));
    ASSERT_TRUE(client.Reset(stream)) << "the rest is not wanted";
    EXPECT_EQ(client.Last(FrameType::kRstStream, stream)->Code(), 0u);
    EXPECT_NE(world.worker.reactor.WaitMs(), 0u) << "and nothing turns in vain";
    // It comes all the same, is dropped, and leaves the connection its window.
    world.Say(client, wire::Data(stream, std::string(16000, 'x')));
    ASSERT_GT(client.peer.receive_connection_window(), 16384);
  }
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 50u);
  EXPECT_EQ(client.Count(FrameType::kGoaway), 0u);
}

TEST(H2Ends, AHeadThatTheClientWouldRefuseIsAnsweredInTheSameTurn) {
  for (const auto backends : {kH1, kH2}) {
    H2World world(backends);
    H2Far& client = world.Connect({{SettingId::kMaxHeaderListSize, 1000}});
    world.Say(client, H2World::Request(client, 1));
    const std::string large(2000, 'l');
    if (backends == kH1) {
      world.Answer(0, "HTTP/1.1 200 OK\r\nx-large: " + large + "\r\ncontent-length: 2\r\n\r\nok");
    } else {
      H2Far& back = world.Back(0);
      world.Say(back, wire::Headers(
                          1, back.encoder.Encode({{":status", "200"}, {"x-large", large}}), true));
    }
    EXPECT_EQ(client.Field(1, ":status"), "502");
    EXPECT_EQ(client.Field(1, "x-large"), "(none)");
    EXPECT_TRUE(client.Ended(1));
    EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
    EXPECT_EQ(world.Stat("downstream_rq_5xx"), 1u);
    EXPECT_EQ(world.Stat("downstream_rq_2xx"), 0u);
  }
}

// Also where filters look at it, or hold it until the body comes; they see what the client gets.
TEST(H2Ends, SoIsOneThatCameThroughFilters) {
  for (const int32_t how : {WEIR_CONTINUE, WEIR_STOP}) {
    test::FilterScript script;
    int ends = 0;
    script.response_headers = [&](weir_stream*, bool) { return how; };
    script.response_data = [](weir_stream*, bool) { return WEIR_CONTINUE; };
    script.complete = [&](weir_stream*) { ++ends; };
    H2World world(kH1, "", "", "", {&script});
    H2Far& client = world.Connect({{SettingId::kMaxHeaderListSize, 1000}});
    for (uint32_t stream = 1; stream < 5; stream += 2) {
      world.Say(client, H2World::Request(client, stream));
      world.Answer(world.worker.dialer.count() - 1,
                   "HTTP/1.1 200 OK\r\nx-large: " + std::string(2000, 'l') +
                       "\r\ncontent-length: 2\r\n\r\nok");
      EXPECT_EQ(client.Field(stream, ":status"), "502");
      EXPECT_EQ(client.Field(stream, "x-large"), "(none)");
      EXPECT_TRUE(client.Ended(stream));
    }
    EXPECT_EQ(ends, 2);
    EXPECT_EQ(world.worker.dialer.count(), how == WEIR_CONTINUE ? 2u : 1u);
    EXPECT_EQ(world.Stat("downstream_rq_5xx"), 2u);
    EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
  }
}

TEST(H2Ends, AHeadThatTheBackendWouldRefuseIsAnsweredToo) {
  H2World world(kH2);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1));
  H2Far& back = world.Back(0, {{SettingId::kMaxHeaderListSize, 1000}});
  world.Say(back, H2World::Response(back, 1, "204", true));
  const h2::TextFields large = {{"x-large", std::string(2000, 'l')}};
  world.Say(client, H2World::Request(client, 3, true, "GET", large));
  EXPECT_EQ(client.Field(3, ":status"), "500");
  world.Say(client, H2World::Request(client, 5));
  world.Say(back, H2World::Response(back, 3, "204", true));
  EXPECT_EQ(client.Field(5, ":status"), "204");
  EXPECT_EQ(world.worker.dialer.count(), 1u);
  EXPECT_EQ(back.Count(FrameType::kHeaders), 2u);
}

// ---- Many streams

TEST(H2Ends, AHundredStreamsInAnyOrderLeaveTheirConnection) {
  H2World world(kH2);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1));
  H2Far& back = world.Back(0);
  for (uint32_t stream = 3; stream < 201; stream += 2)
    world.Say(client, H2World::Request(client, stream));
  std::vector<uint32_t> order(100);
  for (uint32_t i = 0; i < 100; ++i) order[i] = 2 * i + 1;
  std::shuffle(order.begin(), order.end(), std::mt19937(7));  // NOLINT: the same each time
  for (const uint32_t stream : order)
    world.Say(back, H2World::Response(back, stream, "200", false)
                        << wire::Data(stream, std::to_string(stream), true));
  for (uint32_t stream = 1; stream < 201; stream += 2) {
    EXPECT_EQ(client.Body(stream), std::to_string(stream));
    EXPECT_TRUE(client.Ended(stream));
  }
  for (const H2Far* far : {&client, &back}) {
    EXPECT_EQ(far->Count(FrameType::kRstStream), 0u);
    EXPECT_EQ(far->Count(FrameType::kGoaway), 0u);
  }
  EXPECT_EQ(world.worker.dialer.count(), 1u);
  EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 0u);
}

TEST(H2Ends, ABackendOfOneStreamAtATimeIsAskedForOne) {
  H2World world(kH2, "", "", ", circuit_breakers: { thresholds: [{ max_connections: 2 }] }");
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1));
  world.Back(0, {{SettingId::kMaxConcurrentStreams, 1}});
  for (uint32_t stream = 3; stream < 21; stream += 2)
    world.Say(client, H2World::Request(client, stream));
  for (int i = 0; i < 10; ++i) {
    for (size_t k = 0; k < world.worker.dialer.count(); ++k) {
      H2Far& back = world.Back(k, {{SettingId::kMaxConcurrentStreams, 1}});
      const auto last = static_cast<uint32_t>(2 * back.Count(FrameType::kHeaders)) - 1;
      if (back.Count(FrameType::kHeaders) == 0) continue;
      world.Say(back, H2World::Response(back, last, "204", true));
    }
  }
  EXPECT_LE(world.worker.dialer.count(), 2u);
  for (uint32_t stream = 1; stream < 21; stream += 2)
    EXPECT_EQ(client.Field(stream, ":status"), "204") << stream;
}

// ---- Whatever the end

struct End {
  const char* name;
  std::function<void(H2World&, H2Far& client, H2Far& back)> run;
};

const End kEnds[] = {
    {"an answer", [](H2World& world, H2Far&,
                     H2Far& back) { world.Say(back, H2World::Response(back, 1, "204", true)); }},
    {"a reset by the client",
     [](H2World& world, H2Far& client, H2Far&) {
       world.Say(client, wire::Reset(1, ErrorCode::kCancel));
     }},
    {"a reset by the backend",
     [](H2World& world, H2Far&, H2Far& back) {
       world.Say(back, wire::Reset(1, ErrorCode::kInternalError));
     }},
    {"a reset by the backend inside its answer",
     [](H2World& world, H2Far&, H2Far& back) {
       world.Say(back, H2World::Response(back, 1, "200", false)
                           << wire::Reset(1, ErrorCode::kInternalError));
     }},
    {"a mistake of the backend's",
     [](H2World& world, H2Far&, H2Far& back) { world.Say(back, wire::Data(1, "no head")); }},
    {"a mistake of the backend's that costs its connection",
     [](H2World& world, H2Far&, H2Far& back) { world.Say(back, wire::Data(0, "x")); }},
    {"an answer and a mistake at once",
     [](H2World& world, H2Far&, H2Far& back) {
       world.Say(back, H2World::Response(back, 1, "204", true) << wire::Data(0, "x"));
     }},
    {"a goodbye of the backend's that did not see it",
     [](H2World& world, H2Far&, H2Far& back) { world.Say(back, wire::Goaway(0)); }},
    {"the end of the backend's connection",
     [](H2World& world, H2Far&, H2Far&) {
       world.backend(0).Fin();
       world.Turn();
     }},
    {"a RST of the backend's connection",
     [](H2World& world, H2Far&, H2Far&) {
       world.backend(0).Break();
       world.Turn();
     }},
    {"a mistake of the client's",
     [](H2World& world, H2Far& client, H2Far&) { world.Say(client, wire::WindowUpdate(1, 0)); }},
    {"a mistake of the client's that costs its connection",
     [](H2World& world, H2Far& client, H2Far&) { world.Say(client, wire::Data(0, "x")); }},
    {"the end of the client's connection",
     [](H2World& world, H2Far& client, H2Far&) {
       client.wire->fin = client.wire->read_fails = true;
       client.io->Wake(true, false);
       world.Turn();
     }},
    {"a silence", [](H2World& world, H2Far&, H2Far&) { world.Pass(20'000); }},
};

TEST(H2Ends, EachBringsItsGaugesBackAndCountsOnce) {
  for (const End& end : kEnds) {
    SCOPED_TRACE(end.name);
    H2World world(kH2, "stream_idle_timeout: 10s", kSlowRoute);
    H2Far& other = world.Connect();
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1, false, "POST"));
    H2Far& back = world.Back(0);
    EXPECT_EQ(world.Stat("downstream_rq_active"), 1u);
    EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 1u);
    end.run(world, client, back);
    world.Collect();
    // What is sent again waits for a second backend's answer.
    if (world.worker.dialer.count() == 2) {
      H2Far& again = world.Back(1);
      world.Say(again, H2World::Response(again, 1, "204", true));
    }
    EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
    EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 0u);
    EXPECT_EQ(world.Stat("downstream_rq_total"), 1u);
    EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
    uint64_t counted = 0;
    for (const char* name : {"downstream_rq_2xx", "downstream_rq_4xx", "downstream_rq_5xx"})
      counted += world.Stat(name);
    EXPECT_LE(counted, 1u);
    EXPECT_LE(client.Count(FrameType::kRstStream), 1u);
    EXPECT_EQ(world.Stat("downstream_cx_active"), client.wire->closed ? 1u : 2u);
    EXPECT_EQ(other.Count(FrameType::kGoaway), 0u);
    world.Say(other, H2World::Request(other, 1));
    H2Far& last = world.Back(world.worker.dialer.count() - 1);
    world.Say(last, H2World::Response(last, last.peer.frames().back().header.stream, "204", true));
    EXPECT_EQ(other.Field(1, ":status"), "204");
  }
}

// A client that goes while its streams wait for a backend's connection.
TEST(H2Ends, WhoGoesBeforeTheBackendIsThereLeavesNothing) {
  for (const bool whole_connection : {false, true}) {
    H2World world(kH2);
    world.worker.dialer.at_once = false;
    H2Far& client = world.Connect();
    for (uint32_t stream = 1; stream < 11; stream += 2)
      world.Say(client, H2World::Request(client, stream));
    EXPECT_EQ(world.ClusterStat("upstream_rq_pending_active"), 5u);
    if (whole_connection) {
      world.Say(client, wire::Data(0, "x"));
    } else {
      for (uint32_t stream = 1; stream < 9; stream += 2)
        world.Say(client, wire::Reset(stream, ErrorCode::kCancel));
    }
    EXPECT_EQ(world.Stat("downstream_rq_active"), whole_connection ? 0u : 1u);
    EXPECT_EQ(world.ClusterStat("upstream_rq_pending_active"), whole_connection ? 0u : 1u);
    world.backend(0).Establish();
    world.Turn();
    H2Far& back = world.Back(0);
    EXPECT_EQ(back.Count(FrameType::kHeaders), whole_connection ? 0u : 1u);
    if (whole_connection) continue;
    world.Say(back, H2World::Response(back, 1, "204", true));
    EXPECT_EQ(client.Field(9, ":status"), "204");
  }
}

// One client's end is nothing to those with whom it shared a backend's connection.
TEST(H2Ends, AClientThatGoesTakesItsOwnStreamsAlone) {
  H2World world(kH2);
  H2Far& stays = world.Connect();
  H2Far& goes = world.Connect();
  world.Say(stays, H2World::Request(stays, 1));
  H2Far& back = world.Back(0);
  for (uint32_t stream = 1; stream < 9; stream += 2)
    world.Say(goes, H2World::Request(goes, stream));
  goes.wire->fin = goes.wire->read_fails = true;
  goes.io->Wake(true, false);
  world.Turn();
  world.Collect();
  EXPECT_EQ(back.Count(FrameType::kRstStream), 4u);
  EXPECT_FALSE(back.Reset(1));
  world.Say(back, H2World::Response(back, 1, "200", false) << wire::Data(1, "still", true));
  EXPECT_EQ(stays.Body(1), "still");
  EXPECT_TRUE(stays.Ended(1));
  EXPECT_EQ(world.worker.dialer.count(), 1u);
  EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 0u);
}

// ---- Time

TEST(H2Ends, PingsBuyNoTime) {
  H2World world(kH2, "stream_idle_timeout: 10s", kSlowRoute);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1));
  H2Far& back = world.Back(0);
  int seconds = 0;
  for (; seconds < 30 && !client.Ended(1); ++seconds) {
    world.Say(client, wire::Ping());
    world.Say(back, wire::Ping());
    world.Pass(1'000);
  }
  EXPECT_GE(seconds, 10);
  EXPECT_LE(seconds, 11);
  EXPECT_EQ(client.Field(1, ":status"), "504");
  EXPECT_TRUE(back.Reset(1));
  // And the next one has its own time.
  world.Say(client, H2World::Request(client, 3));
  world.Pass(9'000);
  EXPECT_FALSE(client.Ended(3));
  world.Pass(1'100);
  EXPECT_EQ(client.Field(3, ":status"), "504");
}

TEST(H2Ends, ABodyMustNotDrip) {
  H2World world(kH2, "min_request_body_rate: 10\nmin_request_body_rate_window: 2s", kSlowRoute);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  H2Far& back = world.Back(0);
  for (int second = 0; second < 10 && !client.Ended(1); ++second) {
    world.Say(client, wire::Data(1, "x") << wire::Ping());
    world.Pass(1'000);
  }
  EXPECT_EQ(client.Field(1, ":status"), "408");
  EXPECT_TRUE(back.Reset(1));
  EXPECT_EQ(world.Stat("downstream_rq_slow_body"), 1u);
}

TEST(H2Ends, AGoodbyeThatNobodyHearsHasAnEnd) {
  H2World world(kH2, "drain_timeout: 4s\ndelayed_close_timeout: 2s\nstream_idle_timeout: 60s",
                kSlowRoute);
  H2Far& idle = world.Connect();
  H2Far& busy = world.Connect();
  H2Far& deaf = world.Connect();
  world.Say(busy, H2World::Request(busy, 1));
  H2Far& back = world.Back(0);
  world.Take(deaf, 0);  // takes not even the goodbye
  world.Drain();
  world.Collect();
  EXPECT_FALSE(busy.wire->shut);
  world.Pass(4'100);
  world.Pass(2'100);
  EXPECT_TRUE(idle.wire->closed);
  EXPECT_FALSE(busy.wire->shut) << "what runs may end";
  EXPECT_EQ(busy.Count(FrameType::kGoaway), 2u);
  // It goes on asking, and is not heard.
  world.Say(busy, H2World::Request(busy, 3) << wire::Ping());
  EXPECT_EQ(back.Count(FrameType::kHeaders), 1u);
  world.Say(back, H2World::Response(back, 1, "204", true));
  EXPECT_EQ(busy.Field(1, ":status"), "204");
  EXPECT_TRUE(busy.wire->shut);
  world.Pass(2'100);
  EXPECT_TRUE(busy.wire->closed);
  world.Pass(60'000);
  EXPECT_TRUE(deaf.wire->closed);
}

// The frame whose half has left is finished, whatever became of its stream; H2Peer sees to it.
TEST(H2Ends, AStreamThatEndsInsideAWriteLeavesTheRestWhole) {
  for (const size_t room : {1u, 9u, 30u, 5000u, 20000u}) {
    H2World world(kH1, "stream_idle_timeout: 10s", kSlowRoute);
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1));
    client.wire->write_room = room;
    world.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n" + std::string(50000, 'x'));
    world.backend(0).Fin();
    world.Turn();
    world.Say(client, H2World::Request(client, 3) << H2World::Request(client, 5));
    world.Take(client, SIZE_MAX);
    world.Answer(1, kOk);
    world.Answer(2, kOk);
    EXPECT_TRUE(client.Reset(1));
    for (const uint32_t stream : {3u, 5u}) {
      EXPECT_EQ(client.Body(stream), "ok");
      EXPECT_TRUE(client.Ended(stream));
    }
  }
}

// ---- Which protocol it is

TEST(H2Ends, WhereOnlyHttp2IsSpokenNothingElseIsServed) {
  HcmWorld world("codec_type: HTTP2");
  Client& client = world.Connect();
  world.Send(client, kGet);
  EXPECT_TRUE(client.peer.shut);
  EXPECT_EQ(world.Got(client).find("HTTP/1"), std::string::npos);
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_total"), 0u);
}

}  // namespace
}  // namespace weir::hcm
