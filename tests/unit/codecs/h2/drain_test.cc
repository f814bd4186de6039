// How connections end (RFC 9113 section 6.8): drains in two steps, the peer's GOAWAY, identifiers
// that are used up, peers that are silent.

#include "codecs/h2/h2_codec.h"
#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

std::vector<OutFrame> Goaways(const H2Harness& h) {
  std::vector<OutFrame> goaways;
  for (const OutFrame& frame : h.frames()) {
    if (frame.Is(FrameType::kGoaway)) goaways.push_back(frame);
  }
  return goaways;
}

// ---- Ours, in server position

TEST(H2Drain, TheFirstStepNamesNoStreamAndAsksWithAPing) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.GoAway(1);
    ASSERT_EQ(Goaways(h).size(), 1u);
    EXPECT_EQ(Goaways(h)[0].LastStream(), 0x7fffffffu);
    EXPECT_EQ(Goaways(h)[0].Code(), 0u);
    ASSERT_EQ(h.CountFrames(FrameType::kPing), 1u);
    const std::string opaque = h.LastFrame(FrameType::kPing)->payload;
    // Requests that were on their way are served.
    h.Feed(wire::Headers(5, h.Request("/"), true));
    EXPECT_TRUE(h.knows(5));
    h.Feed(wire::Ping(opaque, true));
    ASSERT_EQ(Goaways(h).size(), 2u);
    EXPECT_EQ(Goaways(h)[1].LastStream(), 5u);
    EXPECT_EQ(Goaways(h)[1].Code(), 0u);
    // Later ones are not.
    h.Feed(wire::Headers(7, h.Request("/"), true));
    EXPECT_FALSE(h.knows(7));
    EXPECT_EQ(h.Reusable(), 0u);
    for (const uint32_t stream : {1u, 3u, 5u}) {
      EXPECT_FALSE(h.closed());
      EXPECT_EQ(h.Answer(stream, 204, true), WEIR_OK);
    }
    EXPECT_TRUE(h.closed());
    EXPECT_EQ(Goaways(h).size(), 2u);
  });
}

TEST(H2Drain, AnotherPingIsNotTheAnswer) {
  Once({}, [](H2Harness& h) {
    h.GoAway(1);
    h.Feed(wire::Ping("12345678", true));
    EXPECT_EQ(Goaways(h).size(), 1u);
    EXPECT_FALSE(h.closed());
  });
  // Nor is one that nobody has asked for yet.
  std::string opaque;
  Once({}, [&](H2Harness& h) {
    h.GoAway(1);
    opaque = h.LastFrame(FrameType::kPing)->payload;
  });
  Once({}, [&](H2Harness& h) {
    h.Feed(wire::Ping(opaque, true));
    EXPECT_EQ(Goaways(h).size(), 0u);
    h.ExpectServes();
  });
}

TEST(H2Drain, TheHostMayTakeTheSecondStepItself) {
  Once({}, [](H2Harness& h) {
    OpenTwo(h);
    h.GoAway(1);
    h.GoAway(1);  // says nothing new
    h.GoAway(2);
    h.GoAway(2);
    h.GoAway(1);
    ASSERT_EQ(Goaways(h).size(), 2u);
    EXPECT_EQ(Goaways(h)[1].LastStream(), 3u);
    h.Feed(wire::Ping(h.LastFrame(FrameType::kPing)->payload, true));
    EXPECT_EQ(Goaways(h).size(), 2u);
  });
}

TEST(H2Drain, WithoutStreamsTheSecondStepIsTheEnd) {
  Once({}, [](H2Harness& h) {
    h.GoAway(2);
    EXPECT_TRUE(h.closed());
    ASSERT_EQ(Goaways(h).size(), 1u);
    EXPECT_EQ(Goaways(h)[0].LastStream(), 0u);
  });
}

// What is gathered is not disturbed by a drain in its middle.
TEST(H2Drain, AHeaderBlockThatHasBegunIsReadToItsEnd) {
  Once({}, [](H2Harness& h) {
    const std::string block = h.Request("/in-two-pieces");
    h.Feed(wire::Headers(1, block.substr(0, 5), true, false));
    h.GoAway(1);
    h.Feed(wire::Continuation(1, block.substr(5), true));
    ASSERT_TRUE(h.knows(1));
    EXPECT_EQ(h.stream(1).heads.at(0).path, "/in-two-pieces");
  });
}

TEST(H2Drain, AnErrorAfterADrainNamesNoLaterStream) {
  Once({}, [](H2Harness& h) {
    OpenTwo(h);
    h.GoAway(2);
    h.Feed(wire::Headers(5, h.Request("/"), true) << wire::Data(0, "x"));
    ASSERT_EQ(Goaways(h).size(), 2u);
    EXPECT_EQ(Goaways(h)[1].LastStream(), 3u);
    EXPECT_EQ(Goaways(h)[1].Code(), static_cast<uint32_t>(ErrorCode::kProtocolError));
    EXPECT_TRUE(h.closed());
  });
}

TEST(H2Drain, AClientDrainsToo) {
  Once(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.GoAway(2);
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Reusable(), 0u);
    EXPECT_EQ(h.Open(), 0u);
    EXPECT_FALSE(h.closed());
    h.Feed(wire::Headers(1, h.Response("204"), true) << wire::Headers(3, h.Response("204"), true));
    EXPECT_TRUE(h.stream(3).complete);
    EXPECT_TRUE(h.closed());
  });
}

// ---- The peer's

TEST(H2Drain, ABackendThatGoesAwayHasNotSeenWhatIsAboveItsLastStream) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    for (int i = 0; i < 5; ++i) h.Send("/");
    const uint32_t waiting = h.Open();  // its head is not sent
    h.Feed(wire::Goaway(5));
    // Each is told by itself, and GOAWAY behind the last.
    std::vector<uint32_t> refused;
    for (const SeenEvent& event : h.events()) {
      if (event.type == WEIR_EVENT_GOAWAY) {
        EXPECT_EQ(refused.size(), 3u);
        EXPECT_EQ(event.last_stream, 5u);
      } else {
        ASSERT_EQ(event.type, WEIR_EVENT_RESET);
        EXPECT_EQ(event.reason, WEIR_REASON_REFUSED);
        refused.push_back(event.stream);
      }
    }
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_GOAWAY), 1u);
    EXPECT_EQ(refused, (std::vector<uint32_t>{7, 9, waiting}));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Reusable(), 0u);
    h.Feed(wire::Headers(5, h.Response("200"), true));
    EXPECT_TRUE(h.stream(5).complete);
    // A smaller one later works the same.
    h.Feed(wire::Goaway(1));
    EXPECT_TRUE(h.stream(3).over);
    EXPECT_FALSE(h.stream(1).over);
    h.Feed(wire::Headers(1, h.Response("200"), true));
    EXPECT_TRUE(h.stream(1).complete);
  });
}

TEST(H2Drain, AClientThatGoesAwayIsServedToTheEnd) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Goaway(0));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_GOAWAY), 1u);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 0u);
    EXPECT_EQ(h.Answer(3, 204, true), WEIR_OK);
    EXPECT_FALSE(h.closed());
  });
}

// An error of the client's that it thinks is ours does not cost its streams.
TEST(H2Drain, WhatRunsBehindAGoawayOfAnErrorEndsAsItWould) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Goaway(0, ErrorCode::kProtocolError));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 0u);
    EXPECT_EQ(h.Answer(3, 204, true), WEIR_OK);
    h.Feed(wire::Reset(1, ErrorCode::kCancel));
    EXPECT_TRUE(h.stream(1).over);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
  });
  // A backend finishes what it has seen.
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Headers(1, h.Response("200"), false)
           << wire::Data(1, "half, ") << wire::Goaway(1, ErrorCode::kInternalError)
           << wire::Data(1, "whole", true));
    EXPECT_EQ(h.stream(1).body, "half, whole");
    EXPECT_TRUE(h.stream(1).complete);
    EXPECT_EQ(h.stream(3).reason, WEIR_REASON_REFUSED);
  });
}

TEST(H2Drain, ARefusedStreamMayBeReplayed) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Reset(1, ErrorCode::kRefusedStream));
    EXPECT_EQ(h.stream(1).reason, WEIR_REASON_REFUSED);
    h.ExpectFine();
  });
}

TEST(H2Drain, WhatWasOnItsWayAtTheEndOfTheInputIsLost) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Data(1, "half"));
    h.FeedEof();
    EXPECT_TRUE(h.stream(1).over);
    EXPECT_EQ(h.stream(1).reason, WEIR_REASON_TRUNCATED);
    // Whose request is complete gets its answer.
    EXPECT_FALSE(h.stream(3).over);
    EXPECT_EQ(h.Answer(3, 204, true), WEIR_OK);
  });
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Headers(1, h.Response("200"), false) << wire::Data(1, "half"));
    h.FeedEof();
    EXPECT_EQ(h.stream(1).reason, WEIR_REASON_TRUNCATED);
    EXPECT_EQ(h.stream(3).reason, WEIR_REASON_CLOSED);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 2u);
  });
}

// ---- Identifiers

TEST(H2Drain, TheLastIdentifierOfAClientIsServed) {
  Once({}, [](H2Harness& h) {
    h.Feed(wire::Headers(0x7fffffff, h.Request("/"), true));
    ASSERT_TRUE(h.knows(0x7fffffff));
    EXPECT_EQ(h.Answer(0x7fffffff, 204, true), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders)->Field(":status"), "204");
    // There is no later one; an earlier one is none of a new stream.
    h.Feed(wire::Headers(5, h.Request("/"), true));
    EXPECT_FALSE(h.knows(5));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_HEAD), 1u);
  });
}

}  // namespace

// Winds the identifiers of a client's connection forward.
class H2CodecTest {
 public:
  static void SkipTo(weir_codec* handle, uint32_t number) {
    auto* codec = reinterpret_cast<H2Codec*>(handle);
    codec->next_number_ = codec->next_wire_ = number;
    codec->closed_.Advance(number - 2);
  }
};

namespace {

TEST(H2Drain, AClientWhoseIdentifiersAreUsedUpOpensNoMore) {
  Once(H2Setup::Client(), [](H2Harness& h) {
    H2CodecTest::SkipTo(h.codec(), 0x7ffffffb);
    EXPECT_EQ(h.Capacity(), 3u);
    EXPECT_EQ(h.Reusable(), 1u);
    for (const uint32_t wire : {0x7ffffffbu, 0x7ffffffdu, 0x7fffffffu}) {
      EXPECT_EQ(h.Send("/"), wire);
      EXPECT_EQ(h.LastFrame(FrameType::kHeaders)->header.stream, wire);
    }
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Reusable(), 0u);
    EXPECT_EQ(h.Open(), 0u);
    for (const uint32_t wire : {0x7fffffffu, 0x7ffffffbu, 0x7ffffffdu}) {
      h.Feed(wire::Headers(wire, h.Response("204"), true));
      EXPECT_TRUE(h.stream(wire).complete);
    }
    EXPECT_EQ(h.Open(), 0u);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
  });
}

// ---- A block of fields that does not end

TEST(H2Drain, AHeaderBlockEndsInTime) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    Once(setup, [](H2Harness& h) {
      OpenTwo(h);
      const uint32_t wire = h.server() ? 5 : 1;
      h.Feed(wire::Headers(wire, "", true, false));
      // More of it does not prolong it.
      for (int i = 0; i < 5; ++i) {
        h.Advance(1999);
        h.Feed(wire::Continuation(wire, "", false));
      }
      EXPECT_FALSE(h.closed());
      h.Advance(5);
      h.ExpectEnd(ErrorCode::kEnhanceYourCalm);
    });
    Once(setup, [](H2Harness& h) {
      OpenTwo(h);
      const uint32_t wire = h.server() ? 5 : 1;
      const std::string block = h.server() ? h.Request("/") : h.Response("200");
      h.Feed(wire::Headers(wire, block.substr(0, 1), true, false));
      h.Advance(9999);
      h.Feed(wire::Continuation(wire, block.substr(1), true));
      EXPECT_TRUE(h.stream(wire).complete);
      h.Advance(100000);
      h.ExpectFine();
    });
  }
}

// ---- Keep-alive

H2Setup KeptAlive(uint8_t position) {
  H2Setup setup;
  setup.position = position;
  setup.options.keepalive_interval_ms = 30000;
  setup.options.keepalive_timeout_ms = 5000;
  return setup;
}

TEST(H2Drain, AnIdleConnectionIsAskedAndLivesWhenItAnswers) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    Once(KeptAlive(position), [](H2Harness& h) {
      for (int i = 0; i < 5; ++i) {
        h.Advance(29999);
        EXPECT_EQ(h.CountFrames(FrameType::kPing), static_cast<size_t>(i));
        h.Advance(1);
        ASSERT_EQ(h.CountFrames(FrameType::kPing), static_cast<size_t>(i) + 1);
        EXPECT_FALSE(h.LastFrame(FrameType::kPing)->header.Has(kFlagAck));
        h.Feed(wire::Ping(h.LastFrame(FrameType::kPing)->payload, true));
      }
      h.ExpectFine();
    });
  }
}

TEST(H2Drain, AConnectionThatDoesNotAnswerIsOver) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    Once(KeptAlive(position), [](H2Harness& h) {
      h.Advance(34999);
      EXPECT_FALSE(h.closed());
      h.Advance(1);
      EXPECT_TRUE(h.closed());
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 1u);
      EXPECT_EQ(h.CountFrames(FrameType::kPing), 1u);
    });
  }
}

TEST(H2Drain, WhoSendsAnythingIsNotAsked) {
  Once(KeptAlive(WEIR_SERVER), [](H2Harness& h) {
    for (int i = 0; i < 20; ++i) {
      h.Advance(20000);
      h.Feed(wire::Settings());
    }
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 0u);
  });
}

}  // namespace
}  // namespace weir::h2
