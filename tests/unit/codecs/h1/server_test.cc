// One connection in server position, request by request: order, keep-alive, windows, early
// responses, tunnels, the end.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/codec_harness.h"

namespace weir::h1 {
namespace {

constexpr uint32_t kClose = WEIR_PRODUCED_CLOSE;

std::string Get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

void Answer(CodecHarness* codec, const std::string& body = "", uint16_t status = 200) {
  TestHead response = Response(status);
  response.flags = WEIR_HEAD_HAS_LENGTH;
  response.length = body.size();
  ASSERT_EQ(codec->Send(response, body.empty()), WEIR_OK);
  if (!body.empty()) codec->Body(body, true);
}

TEST(ServerTest, AGetIsAnsweredAndTheConnectionLives) {
  CodecHarness codec;
  codec.Feed(Get("/x?y=1", "User-Agent: t\r\n"));
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /x?y=1 user-agent=t\nEND\n");
  EXPECT_EQ(codec.Capacity(), 0u);
  Answer(&codec, "hello");
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
  EXPECT_TRUE(codec.Reusable());
  EXPECT_EQ(codec.Capacity(), 1u);
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInOrderWhereverTheyAreCut) {
  const std::string bytes = Get("/1") +
                            "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + "\r\n" +
                            Get("/3") +
                            "POST /4 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "2\r\nde\r\n0\r\nT: 1\r\n\r\n" +
                            Get("/5");
  std::vector<test::Cuts> all = test::EveryTwoCuts(bytes.size());
  for (const test::Cuts& cuts : test::AllCuts(bytes.size())) all.push_back(cuts);
  for (const test::Cuts& cuts : all) {
    CodecHarness codec;
    std::string_view rest = bytes;
    int answered = 0;
    for (const size_t cut : cuts) {
      codec.Feed(rest.substr(0, cut));
      rest.remove_prefix(cut);
      // Answer whatever is complete, then show what waited.
      while (!codec.events().empty() && codec.events().back() == "END" && answered < 5) {
        codec.TakeEvents();
        Answer(&codec, "r" + std::to_string(++answered));
        ASSERT_EQ(codec.Produce(), 0u);
        codec.Poke();
      }
    }
    ASSERT_EQ(answered, 5) << test::DescribeCuts(cuts);
    std::string expected;
    for (int i = 1; i <= 5; ++i) {
      expected += "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nr" + std::to_string(i);
    }
    ASSERT_EQ(codec.TakeOutput(), expected);
  }
}

TEST(ServerTest, TheNextRequestWaitsForTheResponse) {
  CodecHarness codec;
  const std::string second = Get("/2");
  codec.Feed(Get("/1") + second);
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /1\nEND\n");
  EXPECT_EQ(codec.last_event().type, WEIR_EVENT_BLOCKED);
  EXPECT_EQ(codec.left(), second.size());
  Answer(&codec);
  codec.TakeEvents();
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /2\nEND\n");
}

TEST(ServerTest, NoMoreBodyThanTheWindowIsGiven) {
  CodecOptions options;
  options.stream_window = 10;
  options.consume = false;
  for (const bool chunked : {false, true}) {
    CodecHarness codec(options);
    const std::string body = chunked ? "8\r\n01234567\r\n10\r\n89abcdefghijklmn\r\n0\r\n\r\n"
                                     : "0123456789abcdefghijklmn";
    codec.Feed(std::string("POST / HTTP/1.1\r\nHost: a\r\n") +
               (chunked ? "Transfer-Encoding: chunked" : "Content-Length: 24") + "\r\n\r\n" + body);
    codec.TakeEvents().clear();
    std::string got;
    EXPECT_EQ(codec.last_event().type, WEIR_EVENT_BLOCKED);
    codec.Poke();
    EXPECT_EQ(codec.EventText(), "") << "nothing was consumed";
    codec.Consumed(4);
    codec.Poke();
    EXPECT_EQ(codec.EventText(), "DATA abcd\n");
    EXPECT_EQ(codec.last_event().type, WEIR_EVENT_BLOCKED);
    codec.Consumed(10);
    codec.Poke();
    EXPECT_EQ(codec.EventText(), "DATA abcdefghijklmn\nEND\n");
  }
}

TEST(ServerTest, ABodyIsGivenInPiecesAsLargeAsTheSpan) {
  CodecOptions options;
  options.stream_window = 1 << 20;
  CodecHarness codec(options);
  codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  const size_t before = codec.calls();
  codec.Feed(std::string(500000, 'x'));
  EXPECT_EQ(codec.calls() - before, 2u) << "one with the data, one that finds nothing more";
}

TEST(ServerTest, TheLastChunkIsGivenTogetherWithItsEnd) {
  CodecHarness codec;
  codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const size_t before = codec.calls();
  codec.Feed("3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(codec.EventText(), "HEAD POST [] a /\nDATA abc\nEND\n");
  EXPECT_EQ(codec.calls() - before, 2u);
}

TEST(ServerTest, WhenTheConnectionEnds) {
  struct Case {
    const char* rule;
    std::string request;
    uint32_t flags;
    std::string extra;
    uint32_t produced;
  };
  for (const Case& c : {
           Case{"1.1 lives", Get("/"), 0, "", 0},
           Case{"1.1 asks to close", Get("/", "Connection: close\r\n"), 0, "connection: close\r\n",
                kClose},
           Case{"in a list, any case", Get("/", "Connection: x, Close\r\n"), 0,
                "connection: close\r\n", kClose},
           Case{"the host wants it", Get("/"), WEIR_HEAD_CLOSE, "connection: close\r\n", kClose},
           Case{"1.0 ends", "GET / HTTP/1.0\r\n\r\n", 0, "connection: close\r\n", kClose},
           Case{"1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0,
                "connection: keep-alive\r\n", 0},
           Case{"close beats keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
                0, "connection: close\r\n", kClose},
       }) {
    SCOPED_TRACE(c.rule);
    CodecHarness codec;
    codec.Feed(c.request);
    TestHead response = Response(200);
    response.flags = c.flags;
    EXPECT_EQ(codec.Send(response, true), WEIR_OK);
    EXPECT_EQ(codec.Produce(), c.produced);
    EXPECT_EQ(codec.TakeOutput(), "HTTP/1.1 200 OK\r\n" + c.extra + "content-length: 0\r\n\r\n");
    EXPECT_EQ(codec.Reusable(), c.produced == 0);
  }
}

TEST(ServerTest, AfterTheEndNoRequestIsRead) {
  CodecHarness codec;
  codec.Feed(Get("/", "Connection: close\r\n") + Get("/2"));
  Answer(&codec);
  codec.TakeEvents();
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "");
  EXPECT_EQ(codec.left(), 0u) << "it is swallowed";
}

TEST(ServerTest, GoAwayIsSaidInTheNextResponse) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  codec.GoAway(1);
  Answer(&codec);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(codec.Produce(), kClose);

  CodecHarness late;
  late.Feed(Get("/1"));
  TestHead response = Response(200);
  late.Send(response, false);
  late.GoAway(1);  // the head is written: the next one says it
  late.Body("x", true);
  EXPECT_EQ(late.Produce(), 0u);
  late.TakeOutput();
  late.Feed(Get("/2"));
  Answer(&late);
  EXPECT_EQ(late.Produce(), kClose);
  EXPECT_NE(late.TakeOutput().find("connection: close"), std::string::npos);
}

TEST(ServerTest, TheSecondPhaseEndsAnIdleConnection) {
  CodecHarness codec;
  codec.GoAway(1);
  EXPECT_EQ(codec.Produce(), 0u);
  codec.GoAway(2);
  EXPECT_EQ(codec.Produce(), kClose);
  codec.Feed(Get("/"));
  EXPECT_EQ(codec.EventText(), "");
}

TEST(ServerTest, ABadRequestIsAnsweredOnceAndEndsTheConnection) {
  CodecHarness codec;
  codec.Feed("GET / HTTP/1.1\r\nHost : a\r\n\r\n" + Get("/next"));
  EXPECT_EQ(codec.EventText(), "ERROR 400 http1.space_before_colon\n");
  EXPECT_EQ(codec.last_event().type, WEIR_EVENT_NONE);
  EXPECT_NE(codec.stream_number(), 0u);
  TestHead response = Response(400);
  response.flags = WEIR_HEAD_CLOSE | WEIR_HEAD_HAS_LENGTH;
  response.length = 3;
  EXPECT_EQ(codec.Send(response, false), WEIR_OK);
  EXPECT_EQ(codec.Produce(), 0u) << "the body is still to come";
  codec.Body("bad", true);
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 3\r\n\r\nbad");
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "ERROR 400 http1.space_before_colon\n") << "nothing more came";
}

TEST(ServerTest, AFaultBehindAGoodRequestWaitsItsTurn) {
  CodecHarness codec;
  codec.Feed(Get("/1") + "BAD\r\n\r\n");
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /1\nEND\n");
  Answer(&codec);
  codec.TakeEvents();
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "ERROR 400 http1.invalid_method\n");
  TestHead response = Response(400);
  EXPECT_EQ(codec.Send(response, true), WEIR_OK);
  EXPECT_EQ(codec.Produce(), kClose);
}

TEST(ServerTest, AFaultInsideABodyCanStillBeAnswered) {
  CodecHarness codec;
  codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  EXPECT_EQ(codec.EventText(), "HEAD POST [] a /\nERROR 400 http1.invalid_chunk_size\n");
  EXPECT_EQ(codec.last_event().type, WEIR_EVENT_NONE);
  EXPECT_EQ(codec.Send(Response(400), true), WEIR_OK);
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
}

TEST(ServerTest, TheRestOfARequestIsDiscardedAfterItsResponse) {
  for (const bool chunked : {false, true}) {
    CodecHarness codec;
    codec.Feed(std::string("POST / HTTP/1.1\r\nHost: a\r\n") +
               (chunked ? "Transfer-Encoding: chunked" : "Content-Length: 10") + "\r\n\r\n" +
               (chunked ? "a\r\n" : "") + "0123");
    EXPECT_EQ(codec.events().back(), "DATA 0123");
    Answer(&codec, "", 413);
    EXPECT_EQ(codec.Produce(), 0u) << "the connection is good when the rest has come";
    codec.TakeEvents();
    codec.Feed(std::string("456789") + (chunked ? "\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n" : "") +
               Get("/next"));
    EXPECT_EQ(codec.EventText(), "HEAD GET [] a /next\nEND\n");
  }
}

TEST(ServerTest, ABoundIsSetToWhatIsDiscarded) {
  CodecHarness codec;
  codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
  Answer(&codec, "", 413);
  codec.TakeEvents();
  codec.Feed(std::string(262144, 'x'));
  EXPECT_EQ(codec.EventText(), "");
  codec.Feed("x");
  EXPECT_EQ(codec.EventText(), "ERROR 0 http1.request_after_response\n");
  EXPECT_EQ(codec.last_event().stream, 0u);
  EXPECT_EQ(codec.Produce(), kClose);
}

TEST(ServerTest, AClientThatWaitsForA100AndGetsAFinalResponseIsClosed) {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  CodecHarness refused;
  refused.Feed(request);
  Answer(&refused, "", 413);
  EXPECT_NE(refused.TakeOutput().find("connection: close"), std::string::npos);
  EXPECT_EQ(refused.Produce(), kClose);

  CodecHarness invited;
  invited.Feed(request);
  EXPECT_EQ(invited.Send(Interim(100), false), WEIR_OK);
  EXPECT_EQ(invited.TakeOutput(), "HTTP/1.1 100 Continue\r\n\r\n");
  invited.Feed("abc");
  Answer(&invited);
  EXPECT_EQ(invited.TakeOutput(), "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(invited.Produce(), 0u);
}

TEST(ServerTest, InterimResponsesGoToThoseWhoKnowThem) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  TestHead hints = Interim(103);
  hints.fields = {{"link", "</a>"}};
  EXPECT_EQ(codec.Send(hints, false), WEIR_OK);
  EXPECT_EQ(codec.Send(hints, false), WEIR_OK);
  Answer(&codec);
  const std::string once = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
  EXPECT_EQ(codec.TakeOutput(), once + once + "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");

  CodecHarness old;
  old.Feed("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Send(hints, false), WEIR_OK);
  EXPECT_EQ(old.TakeOutput(), "");
}

TEST(ServerTest, AHalfCloseStillGetsItsResponse) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  codec.FeedEof();
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /\nEND\n");
  Answer(&codec, "x");
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx");
}

TEST(ServerTest, AHalfCloseBehindPipelinedRequestsLetsAllBeAnswered) {
  CodecHarness codec;
  codec.Feed(Get("/1") + Get("/2"));
  codec.FeedEof();
  Answer(&codec, "1");
  EXPECT_EQ(codec.Produce(), 0u);
  codec.FeedEof();
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /1\nEND\nHEAD GET [] a /2\nEND\n");
  Answer(&codec, "2");
  EXPECT_EQ(codec.Produce(), kClose);
}

TEST(ServerTest, ATruncatedBodyEndsTheStream) {
  CodecHarness codec;
  codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
  codec.FeedEof();
  EXPECT_EQ(codec.events().back(), "RESET 5");
  EXPECT_EQ(codec.Send(Response(200), true), WEIR_REFUSED);
  EXPECT_EQ(codec.Produce(), kClose);
}

TEST(ServerTest, AResetStreamEndsTheConnection) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  codec.Send(Response(200), false);
  codec.Body("abc", false);
  codec.Produce();
  codec.Reset(WEIR_REASON_LOCAL_RESET);
  codec.Body("more", true);
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
      << "no last chunk: nobody takes it for the whole";
}

TEST(ServerTest, CallsForAStreamThatIsOverDoNothing) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  Answer(&codec);
  codec.Reset(WEIR_REASON_CANCEL);
  codec.Consumed(100);
  EXPECT_EQ(codec.Send(Response(200), true), WEIR_REFUSED);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_TRUE(codec.Reusable());
}

// ---- Tunnels ----------------------------------------------------------------------------------

const std::string kWebSocket =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: p\r\n\r\n";

TestHead TunnelOpen(uint16_t status) {
  TestHead head = Response(status);
  head.flags = WEIR_HEAD_TUNNEL;
  return head;
}

TEST(ServerTest, AWebSocketIsATunnelBothWays) {
  CodecHarness codec;
  codec.Feed(kWebSocket + "early");
  EXPECT_EQ(codec.EventText(),
            "HEAD GET [] a /chat protocol=websocket tunnel sec-websocket-version=13 "
            "sec-websocket-protocol=p\n");
  EXPECT_EQ(codec.last_event().type, WEIR_EVENT_BLOCKED) << "not before the answer";
  EXPECT_EQ(codec.Send(TunnelOpen(101), false), WEIR_OK);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  codec.TakeEvents();
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "DATA early\n");
  codec.Body("frame", false);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "frame");
  codec.Body("", true);
  EXPECT_EQ(codec.Produce(), kClose | WEIR_PRODUCED_HALF) << "our half; the client's goes on";
  codec.Feed(" late");
  EXPECT_EQ(codec.EventText(), "DATA early late\n");
}

TEST(ServerTest, AWebSocketsAcceptIsTheConnectionsOwnAlone) {
  CodecHarness codec;
  codec.Feed(kWebSocket);
  TestHead head = TunnelOpen(200);
  head.fields = {{"x-before", "1"},
                 {"sec-websocket-accept", "of another connection"},
                 {"sec-websocket-protocol", "p"}};
  EXPECT_EQ(codec.Send(head, false), WEIR_OK);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 101 Switching Protocols\r\nx-before: 1\r\nsec-websocket-protocol: p\r\n"
            "connection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST(ServerTest, ATunnelsOtherHalfGoesOnAfterTheClientsEnd) {
  CodecHarness codec;
  codec.Feed("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
  EXPECT_EQ(codec.Send(TunnelOpen(200), false), WEIR_OK);
  EXPECT_EQ(codec.TakeOutput(), "HTTP/1.1 200 OK\r\n\r\n");
  codec.Feed("request");
  codec.FeedEof();
  EXPECT_EQ(codec.events().back(), "END");
  codec.Body("answer", false);
  EXPECT_EQ(codec.Produce(), 0u);
  codec.Body("", true);
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(), "answer");
}

TEST(ServerTest, ATunnelsEndThatComesEarlyIsTheTunnels) {
  CodecHarness codec;
  codec.Feed("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n");
  codec.FeedEof();
  EXPECT_EQ(codec.last_event().type, WEIR_EVENT_BLOCKED);
  codec.Send(TunnelOpen(200), false);
  codec.FeedEof();
  EXPECT_EQ(codec.events().back(), "END");
}

TEST(ServerTest, ATunnelAnswerOfAnotherProtocolBecomesA101) {
  CodecHarness codec;
  codec.Feed(kWebSocket);
  EXPECT_EQ(codec.Send(TunnelOpen(200), false), WEIR_OK);
  EXPECT_EQ(codec.TakeOutput().substr(0, 13), "HTTP/1.1 101 ");
}

TEST(ServerTest, ATunnelAsksForNoTrailers) {
  CodecHarness codec;
  codec.Feed(
      "GET /t HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other\r\nTE: "
      "trailers\r\n\r\n");
  EXPECT_EQ(codec.last_head().flags & WEIR_HEAD_TUNNEL, WEIR_HEAD_TUNNEL);
  EXPECT_EQ(codec.last_head().flags & WEIR_HEAD_TE_TRAILERS, 0u);
}

TEST(ServerTest, ATunnelThatEndsWithItsAnswerIsHalfOver) {
  CodecHarness codec;
  codec.Feed(kWebSocket);
  EXPECT_EQ(codec.Send(TunnelOpen(101), true), WEIR_OK);
  codec.TakeEvents();
  codec.Feed("late");
  EXPECT_EQ(codec.EventText(), "DATA late\n");
  EXPECT_EQ(codec.Produce(), kClose | WEIR_PRODUCED_HALF);
}

TEST(ServerTest, ARefusedTunnelIsAPlainResponseAndTheEnd) {
  CodecHarness codec;
  codec.Feed(kWebSocket + Get("/smuggled"));
  Answer(&codec, "no", 403);
  EXPECT_EQ(codec.Produce(), kClose);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
  codec.TakeEvents();
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "");
}

TEST(ServerTest, ATunnelNobodyAskedForIsNotOpened) {
  CodecHarness codec;
  codec.Feed(Get("/"));
  EXPECT_EQ(codec.Send(TunnelOpen(101), false), WEIR_REFUSED);
  EXPECT_EQ(codec.Send(Response(101), true), WEIR_REFUSED);
}

TEST(ServerTest, BadWebSocketHandshakesAreRefused) {
  struct Case {
    const char* from;
    const char* to;
  };
  for (const Case& c :
       {Case{"Sec-WebSocket-Version: 13\r\n", ""}, Case{"Version: 13", "Version: 12"},
        Case{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""},
        Case{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ="},
        Case{"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZ!=="}, Case{"GET", "POST"}}) {
    std::string bytes = kWebSocket;
    bytes.replace(bytes.find(c.from), std::string(c.from).size(), c.to);
    CodecHarness codec;
    codec.Feed(bytes);
    EXPECT_EQ(codec.EventText(), "ERROR 400 http1.invalid_websocket_handshake\n") << c.to;
  }
}

TEST(ServerTest, UpgradesThatWeDoNotCarryAreIgnored) {
  CodecOptions without;
  without.flags = 0;
  CodecHarness off(without);
  off.Feed(kWebSocket);
  EXPECT_EQ(off.events().back(), "END") << "where upgrades are not allowed";
  for (const std::string& fields :
       {std::string("Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"),
        std::string("Connection: upgrade\r\nUpgrade: foo, bar\r\n"),
        std::string("Upgrade: foo\r\n"),
        std::string("Connection: upgrade\r\nUpgrade: foo\r\nUpgrade: bar\r\n")}) {
    CodecHarness codec;
    codec.Feed(Get("/", fields));
    EXPECT_EQ(codec.EventText(), "HEAD GET [] a /\nEND\n") << fields;
  }
  CodecHarness body;
  body.Feed(
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n"
      "Content-Length: 1\r\n\r\nx");
  EXPECT_EQ(body.EventText(), "HEAD POST [] a / length=1\nDATA x\nEND\n");
}

// ---- Memory -----------------------------------------------------------------------------------

TEST(ServerTest, ARequestAllocatesNothing) {
  CodecHarness codec;
  const int64_t before = CodecHarness::allocated_bytes();
  for (int i = 0; i < 3; ++i) {
    codec.Feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    Answer(&codec, "hello");
    EXPECT_EQ(codec.Produce(), 0u);
    EXPECT_EQ(CodecHarness::allocated_bytes(), before);
  }
}

TEST(ServerTest, AnIdleConnectionCostsLessThan300Bytes) {
  CodecHarness first;  // holds the thread's scratch
  const int64_t before = CodecHarness::allocated_bytes();
  {
    CodecHarness second;
    EXPECT_LT(CodecHarness::allocated_bytes() - before, 300);
  }
  EXPECT_EQ(CodecHarness::allocated_bytes(), before);
}

TEST(ServerTest, AllMemoryIsGivenBack) {
  const int64_t before = CodecHarness::allocated_bytes();
  {
    CodecHarness small;
    CodecOptions options;
    options.max_field_count = 5000;  // a larger scratch takes over
    CodecHarness large(options);
    small.Feed(Get("/"));
    large.Feed(Get("/"));
  }
  EXPECT_EQ(CodecHarness::allocated_bytes(), before);
}

}  // namespace
}  // namespace weir::h1
