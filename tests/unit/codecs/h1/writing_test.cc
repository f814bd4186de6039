// What a codec writes: heads, runs of untouched lines, bodies in each framing; and that what it
// writes is read back the same.
#include <random>

#include <gtest/gtest.h>

#include "plugins/util/token.h"
#include "tests/unit/codecs/h1/codec_harness.h"

namespace weir::h1 {
namespace {

constexpr uint32_t kClose = WEIR_PRODUCED_CLOSE;

CodecOptions Client() {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  return options;
}

TestHead WithFlags(TestHead head, uint32_t flags, uint64_t length = 0) {
  head.flags = flags;
  head.length = length;
  return head;
}

std::string Written(const TestHead& request, bool end_stream) {
  CodecHarness codec(Client());
  codec.Open();
  EXPECT_EQ(codec.Send(request, end_stream), WEIR_OK);
  return codec.TakeOutput();
}

TEST(WritingTest, RequestHeads) {
  const std::string get = "GET /x HTTP/1.1\r\nhost: a.example\r\n";
  const std::string post = "POST /x HTTP/1.1\r\nhost: a.example\r\n";
  EXPECT_EQ(Written(Request("GET", "/x"), true), get + "\r\n");
  EXPECT_EQ(Written(Request("POST", "/x"), true), post + "content-length: 0\r\n\r\n");
  EXPECT_EQ(Written(Request("POST", "/x"), false), post + "transfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(Written(Request("GET", "/x"), false), get + "transfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(Written(WithFlags(Request("POST", "/x"), WEIR_HEAD_HAS_LENGTH, 7), false),
            post + "content-length: 7\r\n\r\n");
  EXPECT_EQ(Written(WithFlags(Request("GET", "/x"), WEIR_HEAD_HAS_LENGTH), true),
            get + "content-length: 0\r\n\r\n");
  EXPECT_EQ(Written(WithFlags(Request("GET", "/x"), WEIR_HEAD_TE_TRAILERS), true),
            get + "connection: te\r\nte: trailers\r\n\r\n");
  EXPECT_EQ(Written(WithFlags(Request("GET", "/x"), WEIR_HEAD_CLOSE), true),
            get + "connection: close\r\n\r\n");
  EXPECT_EQ(Written(WithFlags(Request("GET", "/x"), WEIR_HEAD_CLOSE | WEIR_HEAD_TE_TRAILERS), true),
            get + "connection: te, close\r\nte: trailers\r\n\r\n");
  EXPECT_EQ(
      Written(WithFlags(Request("POST", "/x"), WEIR_HEAD_HAS_LENGTH | WEIR_HEAD_EXPECT_CONTINUE, 7),
              false),
      post + "expect: 100-continue\r\ncontent-length: 7\r\n\r\n");
  EXPECT_EQ(Written(Request("OPTIONS", "*"), true),
            "OPTIONS * HTTP/1.1\r\nhost: a.example\r\n\r\n");
}

TEST(WritingTest, RequestsThatContradictThemselvesAreRefused) {
  CodecHarness codec(Client());
  codec.Open();
  EXPECT_EQ(codec.Send(WithFlags(Request("POST", "/"), WEIR_HEAD_HAS_LENGTH, 7), true),
            WEIR_REFUSED);
  EXPECT_EQ(codec.Send(Request("GET", "/", ""), true), WEIR_REFUSED) << "no authority";
  EXPECT_EQ(codec.Send(Response(200), true), WEIR_REFUSED);
  EXPECT_EQ(codec.TakeOutput(), "");
  EXPECT_EQ(codec.Send(Request("GET", "/"), true), WEIR_OK);
  EXPECT_EQ(codec.Send(Request("GET", "/"), true), WEIR_REFUSED) << "once";
}

TEST(WritingTest, TunnelRequests) {
  TestHead connect = WithFlags(Request("CONNECT", "", "h:443"), WEIR_HEAD_TUNNEL);
  EXPECT_EQ(Written(connect, false), "CONNECT h:443 HTTP/1.1\r\nhost: h:443\r\n\r\n");
  TestHead upgrade = WithFlags(Request("GET", "/x"), WEIR_HEAD_TUNNEL);
  upgrade.protocol = "foo";
  EXPECT_EQ(Written(upgrade, false),
            "GET /x HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n");
  TestHead websocket = WithFlags(Request("CONNECT", "/x"), WEIR_HEAD_TUNNEL);
  websocket.protocol = "websocket";
  EXPECT_EQ(Written(websocket, false),
            "GET /x HTTP/1.1\r\nhost: a.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-key: AQgPFh0kKzI5QEdOVVxjag==\r\nsec-websocket-version: 13\r\n\r\n");
  websocket.fields = {{"sec-websocket-version", "13"}};
  EXPECT_EQ(Written(websocket, false),
            "GET /x HTTP/1.1\r\nhost: a.example\r\nsec-websocket-version: 13\r\n"
            "connection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-key: AQgPFh0kKzI5QEdOVVxjag==\r\n\r\n");
  // The key of an HTTP/2 client is not the connection's.
  websocket.fields = {{"x-before", "1"},
                      {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                      {"sec-websocket-version", "13"}};
  EXPECT_EQ(Written(websocket, false),
            "GET /x HTTP/1.1\r\nhost: a.example\r\nx-before: 1\r\nsec-websocket-version: 13\r\n"
            "connection: upgrade\r\nupgrade: websocket\r\n"
            "sec-websocket-key: AQgPFh0kKzI5QEdOVVxjag==\r\n\r\n");
  upgrade.fields = {{"sec-websocket-key", "mine"}};
  EXPECT_EQ(Written(upgrade, false),
            "GET /x HTTP/1.1\r\nhost: a.example\r\nsec-websocket-key: mine\r\n"
            "connection: upgrade\r\nupgrade: foo\r\n\r\n")
      << "of another protocol it is a field like any other";
}

// A response to `request` in full, with what produce said.
std::string Answered(const std::string& request, const TestHead& head, bool end_stream,
                     const std::string& body, uint32_t produced = 0) {
  CodecHarness codec;
  codec.Feed(request);
  EXPECT_EQ(codec.Send(head, end_stream), WEIR_OK);
  if (!end_stream) codec.Body(body, true);
  EXPECT_EQ(codec.Produce(), produced);
  return codec.TakeOutput();
}

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kHead = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kOldGet = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

TEST(WritingTest, Responses) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const TestHead five = WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 5);
  EXPECT_EQ(Answered(kGet, Response(200), true, ""), ok + "content-length: 0\r\n\r\n");
  EXPECT_EQ(Answered(kGet, five, false, "hello"), ok + "content-length: 5\r\n\r\nhello");
  EXPECT_EQ(Answered(kGet, Response(200), false, "hello"),
            ok + "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(Answered(kGet, Response(200), false, ""),
            ok + "transfer-encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_EQ(Answered(kOldGet, Response(200), false, "hello", kClose),
            ok + "connection: close\r\n\r\nhello");
  EXPECT_EQ(Answered(kOldGet, five, false, "hello"),
            ok + "connection: keep-alive\r\ncontent-length: 5\r\n\r\nhello");
  EXPECT_EQ(Answered(kHead, five, true, ""), ok + "content-length: 5\r\n\r\n");
  EXPECT_EQ(Answered(kHead, five, false, ""), ok + "content-length: 5\r\n\r\n");
  EXPECT_EQ(Answered(kHead, five, false, "hello", kClose), ok + "content-length: 5\r\n\r\n");
  EXPECT_EQ(Answered(kHead, Response(200), true, ""), ok + "\r\n");
  EXPECT_EQ(Answered(kGet, Response(204), true, ""), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(
      Answered(kGet, WithFlags(Response(204), WEIR_HEAD_HAS_LENGTH, 5), false, "hello", kClose),
      "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(Answered(kGet, WithFlags(Response(304), WEIR_HEAD_HAS_LENGTH, 5), true, ""),
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
  EXPECT_EQ(Answered(kGet, Response(304), true, ""), "HTTP/1.1 304 Not Modified\r\n\r\n");
  EXPECT_EQ(Answered(kGet, Response(299), true, ""), "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
}

TEST(WritingTest, AnAnswerWithoutABodyIsOverWhenItsEndWasTaken) {
  CodecHarness codec;
  codec.Feed(kHead);
  EXPECT_EQ(codec.Send(WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 5), false), WEIR_OK);
  codec.TakeEvents();
  codec.Feed(kGet);
  EXPECT_EQ(codec.EventText(), "") << "the next request waits for the end of this one";
  codec.Body("", true);
  EXPECT_EQ(codec.Produce(), 0u);
  codec.Poke();
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a /\nEND\n");
}

TEST(WritingTest, AResponseThatContradictsItselfIsRefused) {
  CodecHarness codec;
  codec.Feed(kGet);
  EXPECT_EQ(codec.Send(WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 5), true), WEIR_REFUSED);
  EXPECT_EQ(codec.Send(Response(600), true), WEIR_REFUSED);
  EXPECT_EQ(codec.Send(Request("GET", "/"), true), WEIR_REFUSED);
  EXPECT_EQ(codec.Send(Response(502), true), WEIR_OK);
}

TEST(WritingTest, ALengthIsNeverPaddedNorExceeded) {
  for (const auto& [body, sent] : std::vector<std::pair<std::string, std::string>>{
           {"hell", "hell"}, {"", ""}, {"hello!", ""}}) {
    CodecHarness codec;
    codec.Feed(kGet);
    codec.Send(WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 5), false);
    codec.TakeOutput();
    codec.Body(body, true);
    EXPECT_EQ(codec.Produce(), kClose) << body;
    EXPECT_EQ(codec.TakeOutput(), sent) << body;
  }
}

TEST(WritingTest, ABodyIsProducedInTheBudgetsSteps) {
  for (const uint64_t budget : {1u, 3u, 100u}) {
    for (const bool chunked : {false, true}) {
      CodecHarness codec;
      codec.Feed(kGet);
      codec.Send(chunked ? Response(200) : WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 10),
                 false);
      codec.TakeOutput();
      codec.Body("0123456789", true);
      int rounds = 1;
      while (codec.Produce(budget) == uint32_t{WEIR_PRODUCED_MORE}) ++rounds;
      EXPECT_EQ(rounds, budget == 1 ? 10 : budget == 3 ? 4 : 1);
      std::string output = codec.TakeOutput();
      if (!chunked) {
        EXPECT_EQ(output, "0123456789");
      } else if (budget == 3) {
        EXPECT_EQ(output, "3\r\n012\r\n3\r\n345\r\n3\r\n678\r\n1\r\n9\r\n0\r\n\r\n");
      }
      EXPECT_TRUE(codec.Reusable());
    }
  }
}

TEST(WritingTest, AnEndThatComesLaterIsWrittenThen) {
  CodecHarness codec;
  codec.Feed(kGet);
  codec.Send(Response(200), false);
  codec.TakeOutput();
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "") << "no body, no chunk";
  codec.Body("abc", false);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "3\r\nabc\r\n");
  EXPECT_EQ(codec.Produce(), 0u);
  codec.Body("", true);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "0\r\n\r\n");
}

TEST(WritingTest, TrailersFollowChunksOnly) {
  CodecHarness codec;
  codec.Feed(kGet);
  codec.Send(Response(200), false);
  codec.TakeOutput();
  codec.stream().trailers = {{"grpc-status", "0"}, {"x", "y"}};
  codec.Body("abc", true);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(), "3\r\nabc\r\n0\r\ngrpc-status: 0\r\nx: y\r\n\r\n");

  CodecHarness length;
  length.Feed(kGet);
  length.Send(WithFlags(Response(200), WEIR_HEAD_HAS_LENGTH, 3), false);
  length.TakeOutput();
  length.stream().trailers = {{"x", "y"}};
  length.Body("abc", true);
  EXPECT_EQ(length.Produce(), 0u);
  EXPECT_EQ(length.TakeOutput(), "abc");
  EXPECT_TRUE(length.Reusable());
}

TEST(WritingTest, FramingFieldsInAHeadAreNotWritten) {
  TestHead head = Response(200);
  head.fields = {{"connection", "close"},       {"a", "1"},    {"content-length", "9"},
                 {"transfer-encoding", "gzip"}, {"host", "x"}, {"b", "2"}};
  EXPECT_EQ(Answered(kGet, head, true, ""),
            "HTTP/1.1 200 OK\r\na: 1\r\nb: 2\r\ncontent-length: 0\r\n\r\n");
}

// ---- Runs of untouched lines ------------------------------------------------------------------

struct Copy {
  std::string output;
  CodecHarness* client;
  void (*edit)(weir_head* head);
  uint8_t raw_form;
};

// Parses a request and writes it on another connection while its bytes are valid.
std::string Forwarded(const std::string& lines, void (*edit)(weir_head* head),
                      uint8_t writer_form = 7) {
  CodecOptions options = Client();
  options.raw_form = writer_form;
  CodecHarness client(options);
  client.Open();
  CodecHarness server;
  Copy copy{"", &client, edit, 7};
  server.OnHead(
      [](void* context, const weir_head& parsed) {
        auto* self = static_cast<Copy*>(context);
        weir_head head = parsed;
        self->edit(&head);
        EXPECT_EQ(self->client->SendRaw(head, true), WEIR_OK);
        self->output = self->client->TakeOutput();
      },
      &copy);
  server.Feed("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n");
  const std::string first = "GET / HTTP/1.1\r\nhost: h\r\n";
  EXPECT_EQ(copy.output.substr(0, first.size()), first);
  return copy.output.substr(std::min(first.size(), copy.output.size()));
}

void Nothing(weir_head*) {}

TEST(WritingTest, UntouchedLinesAreCopied) {
  EXPECT_EQ(Forwarded("A: 1\r\nB:2\r\nC: 3\r\nD:  4 \r\nE: \r\nF: g h\r\n", Nothing),
            "a: 1\r\nb: 2\r\nc: 3\r\nd: 4\r\ne: \r\nf: g h\r\n\r\n");
  EXPECT_EQ(Forwarded("A: 1\r\nConnection: x\r\nB: 2\r\nX: 3\r\nC: 4\r\n", Nothing),
            "a: 1\r\nb: 2\r\nc: 4\r\n\r\n")
      << "a framing field and a nominated one split the run";
}

TEST(WritingTest, LinesOfAnotherFormAreWrittenAnew) {
  EXPECT_EQ(Forwarded("A: 1\r\nB: 2\r\n", Nothing, 8), "a: 1\r\nb: 2\r\n\r\n");
}

TEST(WritingTest, TombstonesSplitARun) {
  EXPECT_EQ(Forwarded("A: 1\r\nB: 2\r\nC: 3\r\n",
                      [](weir_head* head) { head->fields[1].flags |= WEIR_FIELD_REMOVED; }),
            "a: 1\r\nc: 3\r\n\r\n");
  EXPECT_EQ(Forwarded("A: 1\r\nB: 2\r\n",
                      [](weir_head* head) {
                        head->fields[0].flags |= WEIR_FIELD_REMOVED;
                        head->fields[1].flags |= WEIR_FIELD_REMOVED;
                      }),
            "\r\n");
}

TEST(WritingTest, AnEditedFieldIsWrittenFromItsValue) {
  EXPECT_EQ(Forwarded("A: 1\r\nB: 2\r\nC: 3\r\n",
                      [](weir_head* head) {
                        head->fields[1].value = "edited";
                        head->fields[1].value_size = 6;
                        head->fields[1].raw_form = 0;
                      }),
            "a: 1\r\nb: edited\r\nc: 3\r\n\r\n");
}

TEST(WritingTest, AHeadLargerThanOneRoomIsWrittenWhole) {
  CodecOptions options;
  options.position = WEIR_CLIENT;
  CodecHarness codec(options);
  codec.Open();
  TestHead head = Request("GET", "/" + std::string(70000, 'p'));
  head.fields = {{"a", std::string(200000, 'x')}, {"b", "y"}};
  EXPECT_EQ(codec.Send(head, true), WEIR_OK);
  EXPECT_EQ(codec.TakeOutput(), "GET /" + std::string(70000, 'p') +
                                    " HTTP/1.1\r\nhost: a.example\r\na: " +
                                    std::string(200000, 'x') + "\r\nb: y\r\n\r\n");
}

// ---- There and back ---------------------------------------------------------------------------

std::string RandomText(std::mt19937_64& random, const char* alphabet, size_t most) {
  const std::string_view letters(alphabet);
  std::string text;
  for (size_t n = random() % (most + 1); n > 0; --n) text += letters[random() % letters.size()];
  return text;
}

// A name that is no framing field and that trailers may have.
std::vector<std::pair<std::string, std::string>> RandomFields(std::mt19937_64& random) {
  std::vector<std::pair<std::string, std::string>> fields;
  for (size_t n = random() % 8; n > 0; --n) {
    const std::string name = "x-" + RandomText(random, "abcxyz019-_.!~", 20);
    std::string value = RandomText(random, "abc XYZ,;=\"\t\x80\xff", 40);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.erase(0, 1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.pop_back();
    fields.emplace_back(name, value);
  }
  return fields;
}

TEST(WritingTest, WhatIsWrittenIsReadBackTheSame) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 400; ++round) {
    TestHead head = Request(random() % 2 != 0 ? "PUT" : "X" + RandomText(random, "ABC-", 5),
                            "/" + RandomText(random, "ab/%?&=.~", 30), "h.example:8080");
    head.fields = RandomFields(random);
    const std::string body = RandomText(random, "0123456789\r\n", 300);
    const int framing = static_cast<int>(random() % 3);
    if (framing == 0) head = WithFlags(head, WEIR_HEAD_HAS_LENGTH, body.size());
    CodecOptions options = Client();
    options.room_step = random() % 50;
    CodecHarness client(options);
    client.Open();
    const bool empty = framing == 0 && body.empty();
    ASSERT_EQ(client.Send(head, empty), WEIR_OK);
    std::string expected = head.Describe() + "\n";
    if (!empty) {
      if (framing == 2) client.stream().trailers = {{"x-sum", "1"}};
      client.Body(body, true);
      while (client.Produce(1 + random() % 64) != 0) {
      }
      if (!body.empty()) expected += "DATA " + body + "\n";
      if (framing == 2) expected += "TRAILERS x-sum=1\n";
    }
    expected += "END\n";
    const std::string bytes = client.TakeOutput();
    for (const test::Cuts& cuts : test::AllCuts(bytes.size(), 3, static_cast<uint64_t>(round))) {
      CodecHarness server;
      server.FeedCuts(bytes, cuts);
      ASSERT_EQ(server.EventText(), expected) << bytes;
    }
  }
}

TEST(WritingTest, AResponseIsReadBackTheSame) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 400; ++round) {
    TestHead head = Response(static_cast<uint16_t>(200 + random() % 400));
    if (head.status == 204 || head.status == 304) continue;
    head.fields = RandomFields(random);
    const std::string body = RandomText(random, "0123456789\r\n", 300);
    const bool length = random() % 2 != 0;
    if (length) head = WithFlags(head, WEIR_HEAD_HAS_LENGTH, body.size());
    CodecHarness server;
    server.Feed(kGet);
    ASSERT_EQ(server.Send(head, false), WEIR_OK);
    server.Body(body, true);
    while (server.Produce(1 + random() % 64) != 0) {
    }
    ASSERT_TRUE(server.Reusable());
    const std::string bytes = server.TakeOutput();
    const std::string expected =
        head.Describe() + "\n" + (body.empty() ? "" : "DATA " + body + "\n") + "END\n";
    for (const test::Cuts& cuts : test::AllCuts(bytes.size(), 3, static_cast<uint64_t>(round))) {
      CodecHarness client(Client());
      client.Open();
      client.Send(Request("GET", "/"), true);
      client.FeedCuts(bytes, cuts);
      ASSERT_EQ(client.EventText(), expected) << bytes;
      ASSERT_TRUE(client.Reusable());
    }
  }
}

}  // namespace
}  // namespace weir::h1
