// Messages and tunnels through the codec (RFC 9113 section 8, RFC 8441), written and read: what the
// host asks for and what stands in the frames.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

H2Setup WithTunnels(uint8_t position) {
  H2Setup setup;
  setup.position = position;
  setup.params.flags = WEIR_CODEC_ALLOW_CONNECT | WEIR_CODEC_ALLOW_UPGRADE;
  setup.peer_settings = {{SettingId::kEnableConnectProtocol, 1}};
  if (position == WEIR_SERVER) setup.peer_settings.clear();
  return setup;
}

SeenHead Request(const std::string& method = "GET") {
  SeenHead head;
  head.kind = WEIR_HEAD_REQUEST;
  head.method = method;
  head.path = "/";
  head.authority = "weir.test";
  return head;
}

TextFields ExtendedConnect() {
  return {{":method", "CONNECT"},        {":protocol", "websocket"},
          {":scheme", "http"},           {":path", "/chat"},
          {":authority", "weir.test"},   {"sec-websocket-version", "13"},
          {"origin", "http://weir.test"}};
}

TEST(H2Messages, AServerAnnouncesExtendedConnect) {
  Once(WithTunnels(WEIR_SERVER), [](H2Harness& h) {
    // ENABLE_CONNECT_PROTOCOL = 1
    EXPECT_NE(h.frames().at(0).payload.find(std::string("\0\x08\0\0\0\1", 6)), std::string::npos);
  });
  Once({}, [](H2Harness& h) {
    EXPECT_EQ(h.frames().at(0).payload.find(std::string("\0\x08\0\0\0\1", 6)), std::string::npos);
  });
}

TEST(H2Messages, ATunnelOfAServerCarriesBytesBothWays) {
  ForAllCuts(WithTunnels(WEIR_SERVER), [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Block(ExtendedConnect()), false));
    const SeenHead& head = h.stream(1).heads.at(0);
    EXPECT_TRUE(head.Has(WEIR_HEAD_TUNNEL));
    EXPECT_EQ(head.method, "GET");  // as HTTP/1.1's upgrade
    EXPECT_EQ(head.protocol, "websocket");
    EXPECT_EQ(head.path, "/chat");
    EXPECT_EQ(head.Field("sec-websocket-version"), "13");
    SeenHead open;
    open.kind = WEIR_HEAD_RESPONSE;
    open.status = 101;
    open.flags = WEIR_HEAD_TUNNEL;
    open.fields = {{"sec-websocket-accept", "key"}, {"x-a", "b"}};
    EXPECT_EQ(h.SendHead(1, open, false), WEIR_OK);
    const OutFrame* answer = h.LastFrame(FrameType::kHeaders, 1);
    EXPECT_EQ(answer->Field(":status"), "200");
    EXPECT_EQ(answer->Field("sec-websocket-accept"), "(none)");
    EXPECT_EQ(answer->Field("x-a"), "b");
    h.Feed(wire::Data(1, "to the backend"));
    EXPECT_EQ(h.stream(1).body, "to the backend");
    h.Body(1, "to the client", false);
    EXPECT_EQ(h.Sent(1), "to the client");
    // Either end may end its half first; the other goes on.
    h.Feed(wire::Data(1, "", true));
    EXPECT_TRUE(h.stream(1).complete);
    h.Body(1, ", and more", true);
    EXPECT_EQ(h.Sent(1), "to the client, and more");
    EXPECT_TRUE(h.SentEnd(1));
    h.ExpectFine();
  });
  ForAllCuts(WithTunnels(WEIR_SERVER), [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Block(ExtendedConnect()), false));
    SeenHead open;
    open.kind = WEIR_HEAD_RESPONSE;
    open.status = 200;
    open.flags = WEIR_HEAD_TUNNEL;
    h.SendHead(1, open, false);
    h.Body(1, "all", true);
    h.Feed(wire::Data(1, "still ", false) << wire::Data(1, "comes", true));
    EXPECT_EQ(h.stream(1).body, "still comes");
    EXPECT_TRUE(h.stream(1).complete);
    h.ExpectFine();
  });
}

TEST(H2Messages, ATunnelThatIsRefusedIsAnOrdinaryAnswer) {
  ForAllCuts(WithTunnels(WEIR_SERVER), [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Block(ExtendedConnect()), false));
    EXPECT_EQ(h.Answer(1, 403, true), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 1)->Field(":status"), "403");
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), 0u);
    h.ExpectServes();
  });
}

TEST(H2Messages, NobodyGetsATunnelThatWasNotAskedFor) {
  Once(WithTunnels(WEIR_SERVER), [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), false));
    SeenHead open;
    open.kind = WEIR_HEAD_RESPONSE;
    open.status = 101;
    open.flags = WEIR_HEAD_TUNNEL;
    EXPECT_EQ(h.SendHead(1, open, false), WEIR_REFUSED);
    EXPECT_EQ(h.Answer(1, 200, true), WEIR_OK);
  });
}

TEST(H2Messages, AClientAsksForATunnelWhereTheServerKnowsHow) {
  SeenHead ask = Request();
  ask.flags = WEIR_HEAD_TUNNEL;
  ask.protocol = "websocket";
  ask.fields = {{"sec-websocket-key", "key"}};
  ForAllCuts(WithTunnels(WEIR_CLIENT), [&](H2Harness& h) {
    const uint32_t number = h.Open();
    ASSERT_EQ(h.SendHead(number, ask, false), WEIR_OK);
    const OutFrame* head = h.LastFrame(FrameType::kHeaders);
    EXPECT_EQ(head->Field(":method"), "CONNECT");
    EXPECT_EQ(head->Field(":protocol"), "websocket");
    EXPECT_EQ(head->Field(":scheme"), "http");
    EXPECT_EQ(head->Field(":path"), "/");
    EXPECT_EQ(head->Field(":authority"), "weir.test");
    EXPECT_EQ(head->Field("sec-websocket-key"), "(none)");
    EXPECT_EQ(head->Field("sec-websocket-version"), "13");
    h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Data(1, "from the backend"));
    EXPECT_TRUE(h.stream(number).heads.at(0).Has(WEIR_HEAD_TUNNEL));
    EXPECT_EQ(h.stream(number).body, "from the backend");
    h.Body(number, "to the backend", false);
    EXPECT_EQ(h.Sent(1), "to the backend");
    h.ExpectFine();
  });
  Once(H2Setup::Client(), [&](H2Harness& h) {
    const uint32_t number = h.Open();
    EXPECT_EQ(h.SendHead(number, ask, false), WEIR_REFUSED);
    h.ResetStream(number, WEIR_REASON_CANCEL);
    EXPECT_EQ(h.CountFrames(FrameType::kHeaders), 0u);
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    h.ExpectServes();
  });
}

TEST(H2Messages, APlainConnectOfAClient) {
  ForAllCuts(WithTunnels(WEIR_CLIENT), [](H2Harness& h) {
    SeenHead ask = Request("CONNECT");
    ask.flags = WEIR_HEAD_TUNNEL;
    ask.path.clear();
    ask.authority = "weir.test:443";
    const uint32_t number = h.Open();
    ASSERT_EQ(h.SendHead(number, ask, false), WEIR_OK);
    const OutFrame* head = h.LastFrame(FrameType::kHeaders);
    EXPECT_EQ(head->fields, (TextFields{{":method", "CONNECT"}, {":authority", "weir.test:443"}}));
    h.Feed(wire::Headers(1, h.Response("200", {{"content-length", "5"}}), false)
           << wire::Data(1, "many more than five"));
    EXPECT_EQ(h.stream(number).body, "many more than five");
    h.ExpectFine();
  });
}

// ---- Interim and early answers

TEST(H2Messages, InterimAnswersComeBeforeTheFinalOne) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Headers(1, h.Response("100"), false)
           << wire::Headers(1, h.Response("103", {{"link", "</a>"}}), false)
           << wire::Headers(1, h.Response("103", {{"content-length", "7"}}), false)
           << wire::Headers(1, h.Response("200"), false) << wire::Data(1, "body", true));
    const auto& heads = h.stream(1).heads;
    ASSERT_EQ(heads.size(), 4u);
    EXPECT_EQ(heads[0].kind, WEIR_HEAD_INTERIM);
    EXPECT_EQ(heads[1].Field("link"), "</a>");
    EXPECT_FALSE(heads[2].Has(WEIR_HEAD_HAS_LENGTH));
    EXPECT_EQ(heads[3].kind, WEIR_HEAD_RESPONSE);
    EXPECT_EQ(h.stream(1).body, "body");
    h.ExpectFine();
  });
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    EXPECT_EQ(h.Answer(1, 100, false), WEIR_OK);
    EXPECT_EQ(h.Answer(1, 103, false), WEIR_OK);
    EXPECT_EQ(h.Answer(1, 103, true), WEIR_REFUSED);
    EXPECT_EQ(h.Answer(1, 200, false), WEIR_OK);
    EXPECT_EQ(h.Answer(1, 103, false), WEIR_REFUSED);
    EXPECT_EQ(h.Answer(1, 200, false), WEIR_REFUSED);
    EXPECT_EQ(h.CountFrames(FrameType::kHeaders, 1), 3u);
    h.ExpectFine();
  });
}

TEST(H2Messages, InterimAnswersHaveAnEnd) {
  H2Setup setup = H2Setup::Client();
  setup.options.max_interim_responses = 5;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 5; ++i) h.Feed(wire::Headers(1, h.Response("100"), false));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    h.Feed(wire::Headers(1, h.Response("100"), false));
    h.ExpectStreamError(1, ErrorCode::kEnhanceYourCalm);
  });
}

TEST(H2Messages, AnAnswerBeforeTheRequestsEndStopsTheRequest) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Data(1, "some"));
    h.Answer(1, 413, false);
    h.Body(1, "too large", true);
    ASSERT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), 0u);
    // In this order.
    EXPECT_TRUE(h.frames().back().Is(FrameType::kRstStream));
    const size_t before = h.events().size();
    h.Feed(wire::Data(1, "the rest") << wire::Data(1, "", true));
    EXPECT_EQ(h.events().size(), before);
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
    h.ExpectServes();
  });
}

TEST(H2Messages, ABackendThatAnswersEarlyLeavesTheRequestToTheHost) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    const uint32_t number = h.Send("/", false);
    h.Body(number, "first", false);
    h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Data(1, "early", true));
    EXPECT_TRUE(h.stream(number).complete);
    h.Body(number, "last", true);
    EXPECT_EQ(h.Sent(1), "firstlast");
    EXPECT_TRUE(h.SentEnd(1));
    h.ExpectFine();
  });
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    const uint32_t number = h.Send("/", false);
    h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Data(1, "early", true));
    h.ResetStream(number, WEIR_REASON_NO_ERROR);
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(),
              static_cast<uint32_t>(ErrorCode::kCancel));
    h.ExpectServes();
  });
}

// ---- What is written

TEST(H2Messages, ValuesAreWrittenAsFields) {
  Once({}, [](H2Harness& h) {
    OpenTwo(h);
    SeenHead head;
    head.kind = WEIR_HEAD_RESPONSE;
    head.status = 200;
    head.flags = WEIR_HEAD_HAS_LENGTH;
    head.length = 12345;
    EXPECT_EQ(h.SendHead(1, head, false), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 1)->Field("content-length"), "12345");
    head.status = 204;
    EXPECT_EQ(h.SendHead(3, head, true), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 3)->Field("content-length"), "(none)");
  });
  for (const bool secure : {false, true}) {
    H2Setup setup = H2Setup::Client();
    setup.params.secure = secure ? 1 : 0;
    Once(setup, [&](H2Harness& h) {
      SeenHead head = Request("POST");
      head.flags = WEIR_HEAD_TE_TRAILERS | WEIR_HEAD_EXPECT_CONTINUE | WEIR_HEAD_HAS_LENGTH;
      head.length = 7;
      h.SendHead(h.Open(), head, false);
      const OutFrame* frame = h.LastFrame(FrameType::kHeaders);
      EXPECT_EQ(frame->Field("te"), "trailers");
      EXPECT_EQ(frame->Field("expect"), "100-continue");
      EXPECT_EQ(frame->Field("content-length"), "7");
      EXPECT_EQ(frame->Field(":scheme"), secure ? "https" : "http");
      EXPECT_EQ(frame->Field("host"), "(none)");
    });
  }
}

TEST(H2Messages, ExpectIsAValueAndAnotherExpectationIs417) {
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/", {{"expect", "100-Continue"}}), false)
           << wire::Headers(3, h.Request("/", {{"expect", "100-continue"}}), true)
           << wire::Headers(5, h.Request("/", {{"expect", "more"}}), true));
    EXPECT_TRUE(h.stream(1).heads.at(0).Has(WEIR_HEAD_EXPECT_CONTINUE));
    EXPECT_FALSE(h.stream(3).heads.at(0).Has(WEIR_HEAD_EXPECT_CONTINUE));
    EXPECT_EQ(h.stream(5).status, 417);
  });
}

TEST(H2Messages, TrailersGoBothWays) {
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), false)
           << wire::Data(1, "body") << wire::Headers(1, h.Block({{"grpc-status", "0"}}), true));
    EXPECT_EQ(h.stream(1).body, "body");
    EXPECT_EQ(h.stream(1).trailers.Field("grpc-status"), "0");
    EXPECT_TRUE(h.stream(1).complete);
    h.Answer(1, 200, false);
    h.Queue(1, "answer", false);
    h.Trailers(1, {{"grpc-status", "5"}});
    EXPECT_EQ(h.Sent(1), "answer");
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 1)->Field("grpc-status"), "5");
    EXPECT_TRUE(h.LastFrame(FrameType::kHeaders, 1)->header.Has(kFlagEndStream));
    h.ExpectFine();
  });
}

TEST(H2Messages, TrailersThatAreNotWantedAreAnEnd) {
  H2Setup setup;
  setup.params.flags = WEIR_CODEC_DROP_TRAILERS;
  ForAllCuts(setup, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), false)
           << wire::Headers(1, h.Block({{"grpc-status", "0"}}), true));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_TRAILERS), 0u);
    EXPECT_TRUE(h.stream(1).complete);
    h.ExpectFine();
  });
}

TEST(H2Messages, TrailersKeepTheirSize) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.params.max_trailer_bytes = 1000;
    for (const size_t size : {1000u - 35u, 1000u - 34u}) {
      ForAllCuts(setup, [&](H2Harness& h) {
        h.server() ? OpenTwo(h) : static_cast<void>(h.Send("/", false));
        if (!h.server()) h.Feed(wire::Headers(1, h.Response("200"), false));
        h.Feed(wire::Headers(1, h.Block({{"x-a", std::string(size, 'v')}}), true));
        if (size == 1000 - 35) return h.ExpectFine();
        h.ExpectStreamError(1, ErrorCode::kEnhanceYourCalm);
        EXPECT_EQ(h.stream(1).reason, WEIR_REASON_OVERFLOW);
      });
    }
  }
}

// What would change how a message is framed or routed does not come in through its end.
TEST(H2Messages, TrailersCarryNoFraming) {
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(wire::Headers(1, h.Request("/"), false) << wire::Headers(
               1, h.Block({{"content-length", "5"}, {"host", "evil"}, {"x-a", "b"}}), true));
    EXPECT_EQ(h.stream(1).trailers.fields, (TextFields{{"x-a", "b"}}));
  });
}

TEST(H2Messages, ALargeHeadIsWrittenInPieces) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    ForAllCuts(setup, [](H2Harness& h) {
      const std::string large(60000, 'l');
      if (h.server()) {
        h.Feed(wire::Headers(1, h.Request("/"), true));
        EXPECT_EQ(h.Answer(1, 200, true, {{"x-large", large}, {"x-a", "b"}}), WEIR_OK);
      } else {
        h.Send("/", true, {{"x-large", large}, {"x-a", "b"}});
      }
      const OutFrame* last = h.LastFrame(FrameType::kContinuation);
      ASSERT_NE(last, nullptr);
      EXPECT_EQ(last->Field("x-large"), large);
      EXPECT_EQ(last->Field("x-a"), "b");
      EXPECT_TRUE(h.SentEnd(1));
      if (!h.server()) h.Feed(wire::Headers(1, h.Response("204"), true));
      h.ExpectFine();
    });
  }
}

// What is written while a head is still on its way in does not touch what came of it.
TEST(H2Messages, AHeadInPiecesIsNotDisturbedByWhatIsWrittenMeanwhile) {
  H2Setup setup;
  setup.consume = false;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16384, 'x')) << wire::Data(1, std::string(16384, 'x')));
    h.Answer(3, 200, false);
    const std::string block = h.Request("/in/pieces", {{"x-a", std::string(300, 'a')}});
    h.FeedQuietly(wire::Ping() << wire::Settings()
                               << wire::Headers(5, block.substr(0, 7), true, false));
    h.Consume(1, 49152);
    h.Body(3, "an answer", true);
    h.ResetStream(1, WEIR_REASON_CANCEL);
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 1u);
    EXPECT_GE(h.CountFrames(FrameType::kWindowUpdate, 1), 1u);
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
    h.FeedQuietly(wire::Continuation(5, block.substr(7, 100), false));
    h.GoAway(1);
    h.Feed(wire::Continuation(5, block.substr(107), true));
    ASSERT_TRUE(h.knows(5));
    EXPECT_EQ(h.stream(5).heads.at(0).path, "/in/pieces");
    EXPECT_EQ(h.stream(5).heads.at(0).Field("x-a"), std::string(300, 'a'));
    h.ExpectServes();
  });
}

// Nor by another connection's: what is gathered, and both tables, are each connection's own.
TEST(H2Messages, HeadsInPiecesOfTwoConnectionsDoNotTouch) {
  H2Harness one((H2Setup()));
  H2Harness other((H2Setup()));
  for (uint32_t stream = 1; stream < 9; stream += 2) {
    const std::string first = one.Request("/one", {{"x-a", "of one"}});
    const std::string second = other.Request("/other", {{"x-a", "of the other"}});
    one.Feed(wire::Headers(stream, first.substr(0, 2), true, false));
    other.Feed(wire::Headers(stream, second.substr(0, 3), true, false));
    one.Feed(wire::Continuation(stream, first.substr(2), true));
    other.Feed(wire::Continuation(stream, second.substr(3), true));
    EXPECT_EQ(one.stream(stream).heads.at(0).path, "/one");
    EXPECT_EQ(one.stream(stream).heads.at(0).Field("x-a"), "of one");
    EXPECT_EQ(other.stream(stream).heads.at(0).path, "/other");
    EXPECT_EQ(other.stream(stream).heads.at(0).Field("x-a"), "of the other");
    one.Answer(stream, 200, true, {{"x-b", "from one"}});
    other.Answer(stream, 200, true, {{"x-b", "from the other"}});
    EXPECT_EQ(one.LastFrame(FrameType::kHeaders)->Field("x-b"), "from one");
    EXPECT_EQ(other.LastFrame(FrameType::kHeaders)->Field("x-b"), "from the other");
  }
}

TEST(H2Messages, AHeadThatThePeerWouldRefuseIsNotWritten) {
  H2Setup setup;
  setup.peer_settings = {{SettingId::kMaxHeaderListSize, 2000}};
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    EXPECT_EQ(h.Answer(1, 200, false, {{"x-large", std::string(2000, 'l')}}), WEIR_NO_ROOM);
    EXPECT_EQ(h.CountFrames(FrameType::kHeaders), 0u);
    EXPECT_EQ(h.Answer(1, 502, true), WEIR_OK);
    h.ExpectServes();
  });
}

// An end without them would look like the whole of the message.
TEST(H2Messages, TrailersThatThePeerWouldRefuseResetTheStream) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.peer_settings = {{SettingId::kMaxHeaderListSize, 2000}};
    for (const size_t size : {2000u - 35u, 2000u - 34u}) {
      Once(setup, [&](H2Harness& h) {
        if (h.server()) {
          OpenTwo(h);
          h.Answer(1, 200, false);
        } else {
          h.Send("/one", false);
          h.Send("/three");
        }
        const uint64_t before = H2Harness::Counter("h2.trailers_too_large");
        h.Queue(1, "body", false);
        h.Trailers(1, {{"x-a", std::string(size, 'v')}});
        EXPECT_EQ(h.Sent(1), "body");
        if (size == 2000 - 35) {
          EXPECT_TRUE(h.SentEnd(1));
          EXPECT_EQ(H2Harness::Counter("h2.trailers_too_large"), before);
          return;
        }
        EXPECT_FALSE(h.SentEnd(1));
        EXPECT_EQ(H2Harness::Counter("h2.trailers_too_large"), before + 1);
        const auto code = h.server() ? ErrorCode::kInternalError : ErrorCode::kCancel;
        ASSERT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
        EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 1)->Code(), static_cast<uint32_t>(code));
        if (!h.server()) {  // it waits for an answer, and hears that there will be none
          EXPECT_TRUE(h.stream(1).over);
          EXPECT_EQ(h.stream(1).reason, WEIR_REASON_OVERFLOW);
        }
        h.ExpectServes();
      });
    }
  }
}

// The answer was there first: nobody waits for anything.
TEST(H2Messages, TrailersThatAreTooLargeBehindTheAnswerEndTheRequestAlone) {
  H2Setup setup = H2Setup::Client();
  setup.peer_settings = {{SettingId::kMaxHeaderListSize, 2000}};
  Once(setup, [](H2Harness& h) {
    h.Send("/", false);
    h.Feed(wire::Headers(1, h.Response("200"), true));
    EXPECT_TRUE(h.stream(1).complete);
    h.Trailers(1, {{"x-a", std::string(2000, 'v')}});
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream, 1), 1u);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 0u);
    h.ExpectServes();
  });
}

// The peer's table shrinks to nothing and grows again between two heads.
TEST(H2Messages, ChangesOfThePeersTableAreConfirmed) {
  ForAllCuts({}, [](H2Harness& h) {
    h.ExpectServes();
    h.Feed(wire::Settings({{SettingId::kHeaderTableSize, 0}, {SettingId::kHeaderTableSize, 4096}}));
    h.peer().decoder().SetLimit(0);
    h.peer().decoder().SetLimit(4096);
    h.ExpectServes();
    h.Feed(wire::Settings({{SettingId::kHeaderTableSize, 0}}));
    h.peer().decoder().SetLimit(0);
    h.ExpectServes();
    h.Feed(wire::Settings({{SettingId::kHeaderTableSize, UINT32_MAX}}));
    h.peer().decoder().SetLimit(65536);
    h.ExpectServes();
  });
}

// Heads that go out in another order than their streams were opened in.
TEST(H2Messages, IdentifiersRiseInTheOrderOfHeads) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    const uint32_t first = h.Open();
    const uint32_t second = h.Open();
    const uint32_t never = h.Open();
    SeenHead head = Request();
    head.path = "/second";
    EXPECT_EQ(h.SendHead(second, head, true), WEIR_OK);
    head.path = "/first";
    EXPECT_EQ(h.SendHead(first, head, true), WEIR_OK);
    h.ResetStream(never, WEIR_REASON_CANCEL);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 1)->Field(":path"), "/second");
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 3)->Field(":path"), "/first");
    h.Feed(wire::Headers(3, h.Response("203"), true) << wire::Headers(1, h.Response("201"), true));
    EXPECT_EQ(h.stream(first).heads.at(0).status, 203);
    EXPECT_EQ(h.stream(second).heads.at(0).status, 201);
    h.ExpectFine();
  });
}

TEST(H2Messages, ABackendsLimitOfStreamsIsKept) {
  H2Setup setup = H2Setup::Client();
  setup.handshake = false;
  Once(setup, [](H2Harness& h) {
    EXPECT_EQ(h.Capacity(), 0u);  // not known yet
    h.Feed(wire::Settings({{SettingId::kMaxConcurrentStreams, 2}}));
    EXPECT_EQ(h.Capacity(), 2u);
    h.Send("/");
    h.Send("/");
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Open(), 0u);
    h.Feed(wire::Settings({{SettingId::kMaxConcurrentStreams, 1}}));
    h.Feed(wire::Headers(1, h.Response("204"), true));
    EXPECT_EQ(h.Capacity(), 0u);
    h.Feed(wire::Headers(3, h.Response("204"), true));
    EXPECT_EQ(h.Capacity(), 1u);
    h.Feed(wire::Settings({{SettingId::kMaxConcurrentStreams, 0}}));
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Reusable(), 1u);
  });
}

}  // namespace
}  // namespace weir::h2
