// What a codec in client position reads from good and bad responses.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/expect_events.h"

namespace weir::h1 {
namespace {

struct Case {
  const char* rule;
  std::string bytes;
  std::string expected;
};

void RunAll(const std::vector<Case>& cases, const TestHead& request = Request("GET", "/")) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.rule);
    ExpectResponseEvents(c.bytes, c.expected, request);
  }
}

std::string Broken(const std::string& detail) {
  return "ERROR 0 http1." + detail + "\n";
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";

TestHead Upgrade(const std::string& protocol) {
  TestHead head = Request("GET", "/chat");
  head.flags = WEIR_HEAD_TUNNEL;
  head.protocol = protocol;
  return head;
}

TestHead Connect() {
  TestHead head = Request("CONNECT", "", "h:443");
  head.flags = WEIR_HEAD_TUNNEL;
  return head;
}

// The answer to the key that the test host's random bytes make.
const std::string kAccept = "yAHyHK7866U9U6tjvkBwG/NkObw=";

TEST(ResponseTest, TheStatusLine) {
  const std::string rest = "Content-Length: 0\r\n\r\n";
  const std::string good = "RESPONSE 200 length=0\nEND\n";
  RunAll({
      {"usual", kOk + rest, good},
      {"empty reason", "HTTP/1.1 200 \r\n" + rest, good},
      {"no reason and no space", "HTTP/1.1 200\r\n" + rest, good},
      {"obs-text and tab in the reason", "HTTP/1.1 200 \xfc\tx\r\n" + rest, good},
      {"no standard status", "HTTP/1.1 599 What\r\n" + rest, "RESPONSE 599 length=0\nEND\n"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\n" + rest, "RESPONSE 200 v10 length=0\nEND\n"},
      {"four digits", "HTTP/1.1 2000 OK\r\n" + rest, Broken("invalid_status")},
      {"two digits", "HTTP/1.1 20 OK\r\n" + rest, Broken("invalid_status_line")},
      {"below 100", "HTTP/1.1 099 OK\r\n" + rest, Broken("invalid_status_line")},
      {"above 599", "HTTP/1.1 600 OK\r\n" + rest, Broken("invalid_status_line")},
      {"no digits", "HTTP/1.1 2x0 OK\r\n" + rest, Broken("invalid_status_line")},
      {"two spaces", "HTTP/1.1  200 OK\r\n" + rest, Broken("invalid_status_line")},
      {"other version", "HTTP/1.2 200 OK\r\n" + rest, Broken("invalid_status_line")},
      {"HTTP/2", "HTTP/2 200 OK is\r\n" + rest, Broken("invalid_status_line")},
      {"other protocol", "ICY 200 OK\r\n" + rest, Broken("invalid_status_line")},
      {"no HTTP at all", "<html>\r\n\r\n", Broken("invalid_status_line")},
      {"bare LF", "HTTP/1.1 200 OK\n" + rest, Broken("invalid_status_line")},
      {"bare CR", "HTTP/1.1 200 OK\rx\r\n" + rest, Broken("bare_cr")},
      {"control in the reason", "HTTP/1.1 200 O\x01K\r\n" + rest, Broken("invalid_status_line")},
      {"empty line before", "\r\n" + kOk + rest, Broken("invalid_status_line")},
  });
}

TEST(ResponseTest, BadFieldsAreRefused) {
  RunAll({
      {"obs-fold", kOk + "A: b\r\n c\r\n\r\n", Broken("obs_fold")},
      {"space before colon", kOk + "A : b\r\n\r\n", Broken("space_before_colon")},
      {"bare LF", kOk + "A: b\n\r\n", Broken("bare_lf")},
      {"NUL", kOk + std::string("A: b\0\r\n\r\n", 9), Broken("invalid_characters")},
      {"two lengths", kOk + "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
       Broken("repeated_content_length")},
      {"bad length", kOk + "Content-Length: +1\r\n\r\nx", Broken("invalid_content_length")},
      {"length and coding", kOk + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       Broken("content_length_and_chunked_not_allowed")},
      {"unknown coding", kOk + "Transfer-Encoding: gzip, chunked\r\n\r\n",
       Broken("invalid_transfer_encoding")},
      {"coding on HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       Broken("transfer_encoding_not_allowed")},
      {"bad chunk", kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy",
       "RESPONSE 200\nDATA x\n" + Broken("invalid_chunk_end")},
  });
}

TEST(ResponseTest, HowABodyEnds) {
  RunAll({
      {"length", kOk + "Content-Length: 2\r\n\r\nab", "RESPONSE 200 length=2\nDATA ab\nEND\n"},
      {"chunks", kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1;x\r\nb\r\n0\r\n\r\n",
       "RESPONSE 200\nDATA ab\nEND\n"},
      {"trailers", kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\nGrpc-Status: 0\r\n\r\n",
       "RESPONSE 200\nTRAILERS grpc-status=0\nEND\n"},
      {"close", kOk + "\r\nall of it", "RESPONSE 200\nDATA all of it\nEND\n"},
      {"close, and nothing came", kOk + "\r\n", "RESPONSE 200\nEND\n"},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", "RESPONSE 204 nobody\nEND\n"},
      {"204 with length 0", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
       "RESPONSE 204 nobody\nEND\n"},
      {"304 with a length", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
       "RESPONSE 304 length=5 nobody\nEND\n"},
      {"204 with a length", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
       Broken("content_length_not_allowed")},
      {"204 with a coding", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
       Broken("transfer_encoding_not_allowed")},
      {"1xx with a coding", "HTTP/1.1 103 Hints\r\nTransfer-Encoding: chunked\r\n\r\n",
       Broken("transfer_encoding_not_allowed")},
  });
  RunAll({{"HEAD with a length", kOk + "Content-Length: 5\r\n\r\n",
           "RESPONSE 200 length=5 nobody\nEND\n"},
          {"HEAD without", kOk + "\r\n", "RESPONSE 200 nobody\nEND\n"},
          {"HEAD with a coding", kOk + "Transfer-Encoding: chunked\r\n\r\n",
           "RESPONSE 200 nobody\nEND\n"}},
         Request("HEAD", "/"));
}

TEST(ResponseTest, ATruncatedResponseIsNeverComplete) {
  RunAll({
      {"nothing came", "", "RESET 6\n"},
      {"inside the status line", "HTTP/1.1 2", "RESET 5\n"},
      {"inside the head", kOk + "A: b\r\n", "RESET 5\n"},
      {"after a 1xx", "HTTP/1.1 103 Early Hints\r\n\r\n", "INTERIM 103\nRESET 5\n"},
      {"inside a length", kOk + "Content-Length: 3\r\n\r\nab",
       "RESPONSE 200 length=3\nDATA ab\nRESET 5\n"},
      {"before a length's first byte", kOk + "Content-Length: 3\r\n\r\n",
       "RESPONSE 200 length=3\nRESET 5\n"},
      {"inside a chunk", kOk + "Transfer-Encoding: chunked\r\n\r\n3\r\nab",
       "RESPONSE 200\nDATA ab\nRESET 5\n"},
      {"between chunks", kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
       "RESPONSE 200\nDATA ab\nRESET 5\n"},
      {"inside the last chunk", kOk + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
       "RESPONSE 200\nDATA ab\nRESET 5\n"},
  });
}

TEST(ResponseTest, InterimResponsesComeBeforeTheFinalOne) {
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string final = "HTTP/1.1 204 No Content\r\n\r\n";
  RunAll({{"two", go_on + hints + final,
           "INTERIM 100\nINTERIM 103 link=</a>\nRESPONSE 204 nobody\nEND\n"}});
  std::string many, expected;
  for (int i = 0; i < 64; ++i) {
    many += go_on;
    expected += "INTERIM 100\n";
  }
  RunAll({{"as many as are allowed", many + final, expected + "RESPONSE 204 nobody\nEND\n"},
          {"one more", many + go_on + final, expected + Broken("too_many_interim_responses")}});
}

TEST(ResponseTest, ASwitchThatWasNotAskedForIsRefused) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n";
  RunAll(
      {{"plain request", head + "Upgrade: websocket\r\n\r\n", Broken("unexpected_101")},
       {"h2c", head + "Upgrade: h2c\r\n\r\n", Broken("unexpected_101")},
       {"no fields at all", "HTTP/1.1 101 Switching Protocols\r\n\r\n", Broken("unexpected_101")}});
  RunAll({{"other protocol", head + "Upgrade: bar\r\n\r\n", Broken("unexpected_101")},
          {"no protocol", head + "\r\n", Broken("unexpected_101")}},
         Upgrade("foo"));
  RunAll({{"CONNECT", head + "Upgrade: foo\r\n\r\n", Broken("unexpected_101")}}, Connect());
}

TEST(ResponseTest, AfterTheSwitchAllBytesAreTheTunnels) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  RunAll({{"bytes behind the head", head + "Upgrade: Foo\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
           "RESPONSE 101 tunnel\nDATA \r\nHTTP/1.1 200 OK\r\n\r\n\nEND\n"}},
         Upgrade("foo"));
  RunAll(
      {{"accept in order",
        head + "Upgrade: websocket\r\nSec-WebSocket-Accept: " + kAccept +
            "\r\nSec-WebSocket-Protocol: p\r\n\r\nxy",
        "RESPONSE 101 tunnel sec-websocket-protocol=p\nDATA xy\nEND\n"},
       {"wrong accept",
        head + "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        Broken("unexpected_101")},
       {"no accept", head + "Upgrade: websocket\r\n\r\n", Broken("unexpected_101")}},
      Upgrade("websocket"));
  RunAll({{"CONNECT", "HTTP/1.1 200 OK\r\n\r\nraw", "RESPONSE 200 tunnel\nDATA raw\nEND\n"},
          {"CONNECT refused", "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx",
           "RESPONSE 403 length=1\nDATA x\nEND\n"}},
         Connect());
}

TEST(ResponseTest, ATunnelGoesOnAfterOurHalfHasEnded) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  codec.Send(Connect(), false);
  codec.Feed("HTTP/1.1 200 OK\r\n\r\n");
  codec.TakeOutput();
  codec.Body("request", true);
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE | WEIR_PRODUCED_HALF});
  EXPECT_EQ(codec.TakeOutput(), "request");
  codec.TakeEvents();
  codec.Feed("answer");
  EXPECT_EQ(codec.EventText(), "DATA answer\n");
  codec.FeedEof();
  EXPECT_EQ(codec.events().back(), "END");
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(ResponseTest, ATwoHundredToAnUpgradeIsAPlainResponse) {
  RunAll({{"200", kOk + "Content-Length: 2\r\n\r\nab", "RESPONSE 200 length=2\nDATA ab\nEND\n"}},
         Upgrade("websocket"));
}

TEST(ResponseTest, NothingThatIsFramingStandsInTheFields) {
  RunAll({{"all of them",
           kOk + "Connection: close, X-Gone\r\nKeep-Alive: timeout=5\r\nX-Gone: 1\r\n"
                 "Proxy-Connection: close\r\nContent-Length: 0\r\nServer: s\r\n\r\n",
           "RESPONSE 200 length=0 server=s\nEND\n"}});
}

// ---- What becomes of the connection -----------------------------------------------------------

bool ReusableAfter(const std::string& bytes, const TestHead& request = Request("GET", "/")) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  codec.Send(request, true);
  codec.Feed(bytes);
  EXPECT_EQ(codec.events().back(), "END") << codec.EventText();
  const bool reusable = codec.Reusable();
  EXPECT_EQ(codec.Capacity(), reusable ? 1u : 0u);
  EXPECT_EQ(codec.Produce(), reusable ? 0u : uint32_t{WEIR_PRODUCED_CLOSE});
  return reusable;
}

TEST(ResponseTest, WhatIsReused) {
  EXPECT_TRUE(ReusableAfter(kOk + "Content-Length: 1\r\n\r\nx"));
  EXPECT_TRUE(ReusableAfter(kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"));
  EXPECT_TRUE(ReusableAfter("HTTP/1.1 204 No Content\r\n\r\n"));
  EXPECT_TRUE(ReusableAfter(kOk + "Content-Length: 5\r\n\r\n", Request("HEAD", "/")));
  EXPECT_TRUE(
      ReusableAfter("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(ReusableAfter("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(ReusableAfter(kOk + "Connection: x, CLOSE\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(ReusableAfter(kOk + "Content-Length: 1\r\n\r\nxy")) << "a byte too many";
  EXPECT_FALSE(ReusableAfter("HTTP/1.1 204 No Content\r\n\r\nx")) << "a body where there is none";
  EXPECT_FALSE(ReusableAfter(kOk + "Content-Length: 5\r\n\r\nhello", Request("HEAD", "/")));
  EXPECT_FALSE(
      ReusableAfter(kOk + "Content-Length: 0\r\n\r\n" + kOk + "Content-Length: 0\r\n\r\n"));
  EXPECT_FALSE(
      ReusableAfter(kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP/1.1 200"));
  EXPECT_FALSE(ReusableAfter(kOk + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\nx"));
}

TEST(ResponseTest, BytesWithoutARequestPoisonTheConnection) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness fresh(options);
  fresh.Feed("HTTP/1.1 408 Timeout\r\n\r\n");
  EXPECT_EQ(fresh.EventText(), Broken("unexpected_bytes"));
  EXPECT_FALSE(fresh.Reusable());
  EXPECT_EQ(fresh.Open(), 0u);

  CodecHarness used(options);
  used.Open();
  used.Send(Request("GET", "/"), true);
  used.Feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(used.Reusable());
  used.TakeEvents();
  used.Feed("x");
  EXPECT_EQ(used.EventText(), Broken("unexpected_bytes"));
  EXPECT_EQ(used.last_event().stream, 0u);
  EXPECT_EQ(used.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(ResponseTest, AnEndWhileIdleIsNoError) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.FeedEof();
  EXPECT_EQ(codec.EventText(), "");
  EXPECT_FALSE(codec.Reusable());
}

TEST(ResponseTest, AResponseBeforeTheRequestIsSentIsDeliveredAndTheConnectionNotReused) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  TestHead request = Request("POST", "/");
  request.flags = WEIR_HEAD_HAS_LENGTH;
  request.length = 100;
  codec.Send(request, false);
  codec.Body("some", false);
  codec.Produce();
  codec.Feed("HTTP/1.1 413 Content Too Large\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(codec.EventText(), "RESPONSE 413 length=1\nDATA x\nEND\n");
  EXPECT_EQ(codec.Capacity(), 0u) << "the request is half sent";
  codec.Reset(WEIR_REASON_NO_ERROR);
  EXPECT_FALSE(codec.Reusable());
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(ResponseTest, AStreamResetBeforeItsHeadLeavesTheConnectionGood) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  codec.Reset(WEIR_REASON_CANCEL);
  EXPECT_TRUE(codec.Reusable());
  EXPECT_EQ(codec.Capacity(), 1u);
  EXPECT_NE(codec.Open(), 0u);
  codec.Send(Request("GET", "/"), true);
  codec.Reset(WEIR_REASON_CANCEL);
  EXPECT_FALSE(codec.Reusable());
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(ResponseTest, OneStreamAtATime) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  const uint32_t first = codec.Open();
  EXPECT_NE(first, 0u);
  EXPECT_EQ(codec.Open(), 0u);
}

TEST(ResponseTest, AfterGoAwayNothingIsOpened) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  codec.Send(Request("GET", "/"), true);
  codec.GoAway(1);
  codec.Feed("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(codec.EventText(), "RESPONSE 204 nobody\nEND\n");
  EXPECT_EQ(codec.Capacity(), 0u);
  EXPECT_EQ(codec.Produce(), uint32_t{WEIR_PRODUCED_CLOSE});
}

TEST(ResponseTest, AHeadOverTheLimitIsRefused) {
  CodecOptions options;
  options.max_head_bytes = 100;
  options.max_field_count = 3;
  ExpectResponseEvents(kOk + "A: " + std::string(200, 'x') + "\r\n\r\n",
                       Broken("headers_too_large"), Request("GET", "/"), true, options);
  ExpectResponseEvents(kOk + "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", Broken("too_many_headers"),
                       Request("GET", "/"), true, options);
}

}  // namespace
}  // namespace weir::h1
