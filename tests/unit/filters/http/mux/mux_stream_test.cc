#include "filters/http/mux/mux_stream.h"

#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/http/mux/mux_world.h"

namespace weir::mux {
namespace {

using observe::ResponseFlag;

using MuxStreamTest = MuxTest;

// --- The way of a request

TEST_F(MuxStreamTest, ARequestGoesToItsClusterAndTheAnswerBack) {
  FakeStream& stream = Get();
  EXPECT_EQ(at(0).Written(), "GET / HTTP/1.1\r\nhost: example.com\r\n\r\n");
  Send(0, kOk);
  EXPECT_EQ(stream.log, "200 end");
  EXPECT_EQ(stream.body, "ok");
  EXPECT_EQ(Stat("upstream_rq_total"), 1u);
  EXPECT_EQ(Stat("upstream_rq_completed"), 1u);
  EXPECT_EQ(Stat("upstream_rq_2xx"), 1u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
  EXPECT_EQ(pool().hosts()[0]->active_requests, 0u);
}

TEST_F(MuxStreamTest, TheLogLearnsWhereItWentAndHowLongItTook) {
  FakeStream& stream = Get();
  EXPECT_EQ(stream.info().cluster, "app");
  ASSERT_NE(stream.info().upstream, nullptr);
  EXPECT_EQ(stream.info().attempts, 1u);
  worker_.Pass(30);
  Send(0, kOk);
  EXPECT_EQ(stream.info().upstream_head_ms - stream.info().upstream_start_ms, 30u);
}

TEST_F(MuxStreamTest, WithoutARouteThereIsNoCluster) {
  Build();
  streams_.push_back(std::make_unique<FakeStream>(&worker_, nullptr, "GET", "/"));
  streams_.back()->Start(&mux_, true);
  EXPECT_EQ(streams_.back()->log, "failed");
  EXPECT_EQ(streams_.back()->failure.status, 503u);
  EXPECT_EQ(streams_.back()->failure_details, "cluster_not_found");
  EXPECT_TRUE(streams_.back()->failure.flags.Has(ResponseFlag::kNoClusterFound));
}

TEST_F(MuxStreamTest, PathAndAuthorityAreRewrittenInAnOverlay) {
  action_.prefix_rewrite = "/inner/";
  action_.host_rewrite_literal = "backend.internal";
  FakeStream& stream = Begin("GET", true, 0, 0, {}, "/a?b=c");
  EXPECT_EQ(at(0).Written(), "GET /inner/a?b=c HTTP/1.1\r\nhost: backend.internal\r\n\r\n");
  EXPECT_EQ(stream.request().path(), "/a?b=c") << "filters see the client's";
  EXPECT_EQ(stream.request().authority(), "example.com");
}

TEST_F(MuxStreamTest, ConnectionsAreSharedByAllStreamsOfTheWorker) {
  for (int i = 0; i < 10; ++i) {
    FakeStream& stream = Get();
    Send(0, kOk);
    EXPECT_EQ(stream.log, "200 end");
    stream.End();
  }
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(MuxStreamTest, TheConnectionIsFreeAsSoonAsTheAnswerIsComplete) {
  Get();
  Send(0, kOk);
  // The first stream is still there: its client has not taken the answer.
  Get();
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(MuxStreamTest, AHalfSentPipelineIsNeverMadeOfTwoStreams) {
  Get();
  Get();
  EXPECT_EQ(dialled(), 2u);
  Send(1, "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n");
  Send(0, kOk);
  EXPECT_EQ(streams_[0]->log, "200 end");
  EXPECT_EQ(streams_[1]->log, "201!");
}

// --- Bodies

TEST_F(MuxStreamTest, BodyBytesGoOnAsTheyCome) {
  FakeStream& stream = Post(10);
  at(0).Written();
  stream.Body("abc", false);
  worker_.Turn();
  EXPECT_EQ(at(0).Written(), "abc");
  stream.Body("defghij", true);
  worker_.Turn();
  EXPECT_EQ(at(0).Written(), "defghij");
  EXPECT_EQ(stream.taken, 10u);
}

TEST_F(MuxStreamTest, ARequestThatWaitsHoldsItsBodyBack) {
  worker_.dialer.at_once = false;
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  EXPECT_EQ(stream.taken, 0u) << "the client must not send more than somebody takes";
  at(0).Establish();
  worker_.Turn();
  EXPECT_EQ(stream.taken, 3u);
  EXPECT_EQ(at(0).Written(),
            "POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 3\r\n\r\nabc");
}

TEST_F(MuxStreamTest, WithoutALengthTheBodyIsChunked) {
  FakeStream& stream = Begin("POST", false);
  stream.Body("hello", true);
  worker_.Turn();
  EXPECT_EQ(at(0).Written(),
            "POST / HTTP/1.1\r\nhost: example.com\r\ntransfer-encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\n\r\n");
}

TEST_F(MuxStreamTest, RequestTrailersFollowTheBody) {
  FakeStream& stream = Begin("POST", false);
  stream.Body("hello", false);
  weir_field field{};
  field.name = "x-sum";
  field.name_size = 5;
  field.value = "7";
  field.value_size = 1;
  weir_head trailers{};
  trailers.struct_size = sizeof trailers;
  trailers.kind = WEIR_HEAD_TRAILERS;
  trailers.fields = &field;
  trailers.field_count = 1;
  stream.Trailers(trailers);
  worker_.Turn();
  const std::string written = at(0).Written();
  EXPECT_NE(written.find("0\r\nx-sum: 7\r\n\r\n"), std::string::npos) << written;
  Send(0, kOk);
  EXPECT_EQ(stream.log, "200 end");
  EXPECT_FALSE(at(0).peer.closed) << "the exchange was complete";
}

TEST_F(MuxStreamTest, ResponseTrailersComeThrough) {
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n");
  EXPECT_EQ(stream.log, "200 trailers x-sum=7");
  EXPECT_EQ(Stat("upstream_rq_completed"), 1u);
  Get();
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(MuxStreamTest, AnAnswerWithoutABodyEndsWithItsHead) {
  FakeStream& stream = Begin("HEAD", true);
  Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n");
  EXPECT_EQ(stream.log, "200!");
  Get();
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(MuxStreamTest, ACloseDelimitedAnswerIsCompleteAtTheFin) {
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 200 OK\r\n\r\nall of it");
  EXPECT_EQ(stream.log, "200");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(stream.log, "200 end");
  EXPECT_EQ(stream.body, "all of it");
  EXPECT_EQ(Stat("upstream_rq_completed"), 1u);
  EXPECT_TRUE(at(0).peer.closed);
}

// --- Interim responses

TEST_F(MuxStreamTest, InterimResponsesPassBeforeTheFinalOne) {
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 100 Continue\r\n\r\n");
  Send(0, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n");
  Send(0, kOk);
  EXPECT_EQ(stream.log, "100 103 103 200 end");
  EXPECT_EQ(stream.info().upstream_head_ms, worker_.reactor.now_ms());
}

// --- Credit

TEST_F(MuxStreamTest, ABackendMaySendNoMoreThanTheClientTakes) {
  codec_ = test::H1Upstream(1000);
  FakeStream& stream = Get();
  stream.credit_at_once = false;
  Send(0, "HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n" + std::string(5000, 'x'));
  EXPECT_EQ(stream.body.size(), 1000u);
  stream.Take(400);
  worker_.Turn();
  EXPECT_EQ(stream.body.size(), 1400u);
  for (int i = 0; i < 4; ++i) {
    stream.Take(1000);
    worker_.Turn();
  }
  EXPECT_EQ(stream.body.size(), 5000u);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(MuxStreamTest, TheClientIsCreditedForWhatTheBackendTook) {
  FakeStream& stream = Post(1'000'000);
  at(0).peer.write_room = 0;
  uint64_t most = 0;
  const std::string piece(50'000, 'x');
  for (int i = 0; i < 20; ++i) {
    stream.Body(piece, i == 19);
    worker_.Turn();
    most = std::max(most, stream.taken);
  }
  EXPECT_LE(most, 262'144u + 50'000u) << "the output of a connection is bounded";
  at(0).peer.write_room = SIZE_MAX;
  at(0).io->Wake(false, true);
  worker_.Turn();
  EXPECT_EQ(stream.taken, 1'000'000u);
}

// --- Early answers

TEST_F(MuxStreamTest, AnAnswerBeforeTheEndOfTheRequestIsForwardedAndTheConnectionNotReused) {
  FakeStream& stream = Post(1000);
  stream.Body("some", false);
  worker_.Turn();
  Send(0, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(stream.log, "413!");
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_rq_completed"), 1u);
  // What the client still sends is dropped, but credited: it must come to its end.
  const uint64_t before = stream.taken;
  stream.Body("more", false);
  EXPECT_EQ(stream.taken, before + 4);
  Get();
  EXPECT_EQ(dialled(), 2u);
}

TEST_F(MuxStreamTest, WhatTheBackendHadNoRoomForIsCreditedAfterAnEarlyAnswer) {
  FakeStream& stream = Post(1'000'000);
  at(0).peer.write_room = 0;
  for (int i = 0; i < 10; ++i) stream.Body(std::string(50'000, 'x'), false);
  worker_.Turn();
  EXPECT_LT(stream.taken, 500'000u);
  Send(0, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(stream.log, "413!");
  EXPECT_EQ(stream.taken, 500'000u);
}

TEST_F(MuxStreamTest, AnEarlyAnswerWithABodyIsForwardedWhole) {
  FakeStream& stream = Post(1000);
  stream.Body("some", false);
  worker_.Turn();
  Send(0, "HTTP/1.1 413 Content Too Large\r\ncontent-length: 6\r\n\r\nabc");
  EXPECT_EQ(stream.log, "413");
  stream.Body("more", false);
  worker_.Turn();
  Send(0, "def");
  EXPECT_EQ(stream.log, "413 end");
  EXPECT_EQ(stream.body, "abcdef");
  EXPECT_TRUE(at(0).peer.closed);
}

// --- Failures after the head

TEST_F(MuxStreamTest, ATruncatedBodyIsAFailureNeverAnEnd) {
  for (const char* start : {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
                            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    const size_t connection = dialled();
    FakeStream& stream = Get();
    Send(connection, start);
    at(connection).Fin();
    worker_.Turn();
    EXPECT_EQ(stream.log, "200 failed") << start;
    EXPECT_EQ(stream.body, "abc");
    EXPECT_TRUE(at(connection).peer.closed);
  }
  EXPECT_EQ(Stat("upstream_rq_retry"), 0u);
  EXPECT_EQ(Stat("upstream_rq_rx_reset"), 2u);
}

TEST_F(MuxStreamTest, ABrokenConnectionInsideABodyIsAFailure) {
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 200 OK\r\n\r\nabc");
  at(0).Break();
  worker_.Turn();
  EXPECT_EQ(stream.log, "200 failed");
}

TEST_F(MuxStreamTest, AnAnswerThatIsNoHttpIs502) {
  FakeStream& stream = Get();
  Send(0, "SSH-2.0-OpenSSH_9.2\r\n\r\n");
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure.status, 502u);
  EXPECT_TRUE(stream.failure.flags.Has(ResponseFlag::kUpstreamProtocolError));
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1u);
  EXPECT_EQ(dialled(), 1u) << "and is not asked for again";
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(MuxStreamTest, AHeadThatIsTooLargeIs502) {
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'x'));
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure.status, 502u);
  EXPECT_TRUE(at(0).peer.closed);
}

// --- No connection

TEST_F(MuxStreamTest, WithoutAHealthyHostItIs503) {
  pool().hosts()[0]->healthy = false;
  FakeStream& stream = Get();
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure_details, "no_healthy_upstream");
  EXPECT_TRUE(stream.failure.flags.Has(ResponseFlag::kNoHealthyUpstream));
  EXPECT_FALSE(stream.failure.overloaded);
}

TEST_F(MuxStreamTest, ThreeConnectAttemptsThen503) {
  worker_.dialer.at_once = false;
  FakeStream& stream = Get();
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(dialled(), i + 1);
    EXPECT_EQ(stream.log, "");
    at(i).Refuse();
    worker_.Turn();
  }
  EXPECT_EQ(dialled(), 3u);
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure.status, 503u);
  EXPECT_TRUE(stream.failure.flags.Has(ResponseFlag::kUpstreamConnectionFailure));
  EXPECT_NE(stream.info().upstream, nullptr) << "the log names the host that failed";
}

TEST_F(MuxStreamTest, ConnectAttemptsGoToOtherHostsFirst) {
  cluster_ = test::TestCluster(3);
  worker_.dialer.at_once = false;
  Get();
  at(0).Refuse();
  worker_.Turn();
  at(1).Refuse();
  worker_.Turn();
  ASSERT_EQ(dialled(), 3u);
  EXPECT_NE(at(0).address, at(1).address);
  EXPECT_NE(at(1).address, at(2).address);
  at(2).Establish();
  worker_.Turn();
  Send(2, kOk);
  EXPECT_EQ(streams_[0]->log, "200 end");
  EXPECT_EQ(Stat("upstream_rq_retry"), 0u) << "nothing was sent: it is no replay";
}

TEST_F(MuxStreamTest, TooManyInTheQueueIs503WithOverload) {
  cluster_.circuit_breakers.max_pending_requests = 1;
  worker_.dialer.at_once = false;
  Get();
  FakeStream& second = Get();
  EXPECT_EQ(second.log, "failed");
  EXPECT_TRUE(second.failure.overloaded);
  EXPECT_TRUE(second.failure.flags.Has(ResponseFlag::kUpstreamOverflow));
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1u);
}

TEST_F(MuxStreamTest, TooManyRequestsIs503WithOverload) {
  cluster_.circuit_breakers.max_requests = 1;
  Get();
  FakeStream& second = Get();
  EXPECT_EQ(second.log, "failed");
  EXPECT_TRUE(second.failure.overloaded);
  EXPECT_EQ(Stat("upstream_rq_overflow"), 1u);
  Send(0, kOk);
  FakeStream& third = Get();
  Send(0, kOk);
  EXPECT_EQ(third.log, "200 end");
}

TEST_F(MuxStreamTest, AtMaxConnectionsRequestsTakeTurns) {
  cluster_.circuit_breakers.max_connections = 1;
  FakeStream& first = Get();
  FakeStream& second = Get();
  EXPECT_EQ(dialled(), 1u);
  Send(0, kOk);
  EXPECT_EQ(first.log, "200 end");
  Send(0, kOk);
  EXPECT_EQ(second.log, "200 end");
  EXPECT_EQ(Stat("upstream_cx_overflow"), 1u);
}

// --- Cancelling

TEST_F(MuxStreamTest, AClientThatGoesLeavesTheQueue) {
  worker_.dialer.at_once = false;
  FakeStream& stream = Get();
  EXPECT_EQ(pool().pending(), 1u);
  stream.Cancel();
  EXPECT_EQ(pool().pending(), 0u);
  EXPECT_EQ(Stat("upstream_rq_cancelled"), 1u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
  at(0).Establish();
  worker_.Turn();
  EXPECT_EQ(at(0).Written(), "");
  EXPECT_EQ(stream.log, "");
}

TEST_F(MuxStreamTest, AStreamThatDiesLeavesTheQueue) {
  worker_.dialer.at_once = false;
  Get();
  streams_.clear();
  EXPECT_EQ(pool().pending(), 0u);
  EXPECT_EQ(Stat("upstream_rq_active"), 0u);
}

TEST_F(MuxStreamTest, CancelledAfterItsRequestTheConnectionGoes) {
  FakeStream& stream = Get();
  stream.Cancel();
  EXPECT_EQ(Stat("upstream_rq_tx_reset"), 1u);
  EXPECT_EQ(pool().hosts()[0]->active_requests, 0u);
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  Get();
  EXPECT_EQ(dialled(), 2u);
}

TEST_F(MuxStreamTest, CancelledAnywhereNothingIsLeft) {
  for (int step = 0; step < 5; ++step) {
    worker_.dialer.at_once = step > 0;
    FakeStream& stream = Post(10);
    Dialled& backend = worker_.dialer.last();
    if (step >= 2) stream.Body("abc", false);
    if (step >= 3) backend.Send("HTTP/1.1 100 Continue\r\n\r\n");
    if (step >= 4) backend.Send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    stream.Cancel();
    stream.Cancel();
    worker_.Turn();
    EXPECT_EQ(pool().hosts()[0]->active_requests, 0u) << step;
    EXPECT_EQ(Stat("upstream_rq_active"), 0u) << step;
    EXPECT_EQ(pool().pending(), 0u) << step;
    EXPECT_EQ(stream.log.find("failed"), std::string::npos) << step;
    stream.Body("late", false);
  }
}

// --- Tunnels

TEST_F(MuxStreamTest, ATunnelGoesBothWaysUntilBothHalvesAreOver) {
  FakeStream& stream = Begin("GET", false, WEIR_HEAD_TUNNEL, 0, "echo");
  const std::string asked = at(0).Written();
  EXPECT_NE(asked.find("upgrade: echo\r\n"), std::string::npos) << asked;
  Send(0, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello");
  EXPECT_EQ(stream.log, "101");
  EXPECT_EQ(stream.body, "hello");
  stream.Body("hi", false);
  worker_.Turn();
  EXPECT_EQ(at(0).Written(), "hi");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(stream.log, "101 end");
  EXPECT_FALSE(at(0).peer.closed) << "our half is still open";
  stream.Body("bye", true);
  worker_.Turn();
  EXPECT_EQ(at(0).Written(), "bye");
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(stream.tunnels_over, 1);
  EXPECT_EQ(Stat("upstream_rq_completed"), 1u);
}

TEST_F(MuxStreamTest, ATunnelsClientMayEndFirst) {
  FakeStream& stream = Begin("GET", false, WEIR_HEAD_TUNNEL, 0, "echo");
  Send(0, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  stream.Body("bye", true);
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.shut) << "a half-close goes on as one";
  EXPECT_FALSE(at(0).peer.closed);
  Send(0, "the rest");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(stream.log, "101 end");
  EXPECT_EQ(stream.body, "the rest");
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(MuxStreamTest, ATunnelThatBreaksIsAFailure) {
  FakeStream& stream = Begin("GET", false, WEIR_HEAD_TUNNEL, 0, "echo");
  Send(0, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  at(0).Break();
  worker_.Turn();
  EXPECT_EQ(stream.log, "101 failed");
}

TEST_F(MuxStreamTest, ATunnelThatIsRefusedIsAnOrdinaryAnswer) {
  FakeStream& stream = Begin("GET", false, WEIR_HEAD_TUNNEL, 0, "echo");
  Send(0, kOk);
  EXPECT_EQ(stream.log, "200 end");
  EXPECT_TRUE(at(0).peer.closed) << "what the client sends next must not reach it";
}

// ---- The client's protocol to the backend

class DownstreamProtocolTest : public MuxTest {
 protected:
  void BuildBoth() {
    Build();
    const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
    pools_[0]->SetHttp2(std::make_unique<upstream::Pool>(&worker_.context, &cluster_,
                                                         test::H2Upstream(), stats, 1));
  }
  bool SpeaksHttp2(size_t connection) {
    return at(connection).Written().compare(0, 14, "PRI * HTTP/2.0") == 0;
  }
};

TEST_F(DownstreamProtocolTest, EachVersionHasConnectionsOfItsOwn) {
  BuildBoth();
  for (const int version : {10, 11, 20, 20, 11}) {
    version_ = static_cast<uint8_t>(version);
    Get();
  }
  // One for each request of HTTP/1, one for both of HTTP/2.
  ASSERT_EQ(dialled(), 4u);
  size_t http2 = 0;
  for (size_t i = 0; i < dialled(); ++i) http2 += SpeaksHttp2(i) ? 1u : 0u;
  EXPECT_EQ(http2, 1u);
  Send(0, kOk);
  EXPECT_EQ(streams_[0]->log, "200 end");
  version_ = 11;
  Get();
  EXPECT_EQ(dialled(), 4u) << "the idle one of HTTP/1 is used again";
}

TEST_F(DownstreamProtocolTest, LimitsCountBothTogether) {
  cluster_.circuit_breakers.max_requests = 2;
  BuildBoth();
  Get();
  version_ = 20;
  Get();
  EXPECT_EQ(Get().failure.status, 503u);
  version_ = 11;
  EXPECT_EQ(Get().failure.status, 503u);
  EXPECT_EQ(Stat("upstream_rq_overflow"), 2u);
  EXPECT_EQ(pool().connections(), 2u);
  streams_[0]->Cancel();
  streams_[1]->Cancel();
  worker_.Turn();
  Get();
  EXPECT_EQ(Stat("upstream_rq_overflow"), 2u);
}

TEST_F(DownstreamProtocolTest, EachHasAConnectionThoughTheOtherHasTheLast) {
  cluster_.circuit_breakers.max_connections = 1;
  BuildBoth();
  Get();
  version_ = 20;
  Get();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_TRUE(SpeaksHttp2(1));
}

TEST_F(DownstreamProtocolTest, ADrainReachesBoth) {
  BuildBoth();
  Get();
  Send(0, kOk);
  pool().Drain();
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  version_ = 20;
  FakeStream& late = Get();
  EXPECT_EQ(dialled(), 2u);
  Send(1, std::string("\0\0\0\4\0\0\0\0\0", 9));  // SETTINGS: the request is served
  EXPECT_FALSE(at(1).peer.closed);
  late.Cancel();
  worker_.Turn();
  EXPECT_TRUE(at(1).peer.closed) << "it is not kept";
}

}  // namespace
}  // namespace weir::mux
