// RFC 9113 section 5: the life of streams, and errors.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kProtocol = ErrorCode::kProtocolError;
constexpr auto kClosed = ErrorCode::kStreamClosed;

// Stream 1 is over, both ways.
void CloseOne(H2Harness& h) {
  if (h.server()) {
    h.Feed(wire::Headers(1, h.Request("/one"), true));
    h.Answer(1, 204, true);
  } else {
    h.Send("/one");
    h.Feed(wire::Headers(1, h.Response("204"), true));
  }
}

void ForBoth(const std::function<void(H2Harness&)>& test) {
  ForAllCuts({}, test);
  ForAllCuts(H2Setup::Client(), test);
}

TEST(H2Conformance, NoDataOnAnIdleStream) {
  CostsTheConnection(kProtocol, wire::Data(5, "x"));
  CostsTheConnection(kProtocol, wire::Data(2, "x"));
  CostsTheConnection(H2Setup::Client(), kProtocol, wire::Data(5, "x"));
}

TEST(H2Conformance, NoResetOfAnIdleStream) {
  CostsTheConnection(kProtocol, wire::Reset(5, ErrorCode::kCancel));
  CostsTheConnection(kProtocol, wire::Reset(2, ErrorCode::kCancel));
  CostsTheConnection(H2Setup::Client(), kProtocol, wire::Reset(5, ErrorCode::kCancel));
}

TEST(H2Conformance, NoWindowUpdateOnAnIdleStream) {
  CostsTheConnection(kProtocol, wire::WindowUpdate(5, 1));
  CostsTheConnection(H2Setup::Client(), kProtocol, wire::WindowUpdate(5, 1));
}

TEST(H2Conformance, NoResponseOnAnIdleStream) {
  CostsTheConnection(H2Setup::Client(), kProtocol,
                     [](H2Harness& h) { return wire::Headers(5, h.Response("200"), true); });
}

TEST(H2Conformance, PriorityMayNameAnIdleStream) {
  IsFine(wire::Priority(5, 0) << wire::Priority(999, 5));
}

TEST(H2Conformance, NoDataOnAHalfClosedStream) {
  CostsTheStream(3, kClosed, wire::Data(3, "x"));
  CostsTheStream(3, kClosed, wire::Data(3, "", true));
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    const uint32_t number = h.Send("/", false);
    h.Feed(wire::Headers(1, h.Response("200"), true));
    EXPECT_TRUE(h.stream(number).complete);
    h.Feed(wire::Data(1, "x"));
    h.ExpectStreamError(1, kClosed);
  });
}

TEST(H2Conformance, NoHeadersOnAHalfClosedStream) {
  CostsTheStream(3, kClosed, [](H2Harness& h) {
    return wire::Headers(3, h.Block({{"x-a", "b"}}), true);
  });
}

TEST(H2Conformance, AHalfClosedStreamTakesWindowUpdatePriorityAndReset) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::WindowUpdate(3, 10) << wire::Priority(3, 1));
    h.ExpectFine();
    h.Feed(wire::Reset(3, ErrorCode::kCancel));
    EXPECT_TRUE(h.stream(3).over);
    EXPECT_EQ(h.stream(3).reason, WEIR_REASON_CANCEL);
    h.ExpectFine();
  });
}

TEST(H2Conformance, NoDataOnAClosedStream) {
  ForBoth([](H2Harness& h) {
    CloseOne(h);
    h.Feed(wire::Data(1, "x"));
    h.ExpectStreamError(1, kClosed);
    // Once said, it is not said again.
    h.Feed(wire::Data(1, "x"));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
  });
}

TEST(H2Conformance, NoHeadersOnAClosedStream) {
  ForBoth([](H2Harness& h) {
    CloseOne(h);
    h.Feed(wire::Headers(1, h.Block({{"x-a", "b"}}), true));
    h.ExpectConnectionError(kClosed);
  });
}

TEST(H2Conformance, NoDataAfterAReset) {
  CostsTheStream(1, kClosed, wire::Reset(1, ErrorCode::kCancel) << wire::Data(1, "x"));
}

TEST(H2Conformance, NoHeadersAfterAReset) {
  CostsTheConnection(kClosed, [](H2Harness& h) {
    return wire::Reset(1, ErrorCode::kCancel) << wire::Headers(1, h.Block({{"x-a", "b"}}), true);
  });
}

TEST(H2Conformance, AClosedStreamTakesWindowUpdateAndReset) {
  ForBoth([](H2Harness& h) {
    CloseOne(h);
    h.Feed(wire::WindowUpdate(1, 10)
           << wire::Reset(1, ErrorCode::kCancel) << wire::WindowUpdate(1, 10));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 0u);
    h.ExpectFine();
  });
}

TEST(H2Conformance, PriorityMayNameAClosedStream) {
  ForBoth([](H2Harness& h) {
    CloseOne(h);
    h.Feed(wire::Priority(1, 0));
    h.ExpectFine();
  });
}

TEST(H2Conformance, FramesForAStreamThatWeResetAreDropped) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.ResetStream(1, WEIR_REASON_CANCEL);
    const size_t before = h.events().size();
    h.Feed(wire::Data(1, "late") << wire::WindowUpdate(1, 5)
                                 << wire::Headers(1, h.Block({{"x-late", "trailer"}}), true)
                                 << wire::Reset(1, ErrorCode::kCancel));
    EXPECT_EQ(h.events().size(), before);
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
    // What the dropped block has put into the table is there.
    h.Feed(wire::Headers(5, h.Request("/", {{"x-late", "trailer"}}), true));
    EXPECT_EQ(h.stream(5).heads.at(0).Field("x-late"), "trailer");
    h.ExpectServes();
  });
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.ResetStream(1, WEIR_REASON_CANCEL);
    h.Feed(wire::Headers(1, h.Response("200", {{"x-late", "answer"}}), false)
           << wire::Data(1, "late") << wire::WindowUpdate(1, 5) << wire::Data(1, "", true));
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
    h.Feed(wire::Headers(3, h.Response("200", {{"x-late", "answer"}}), true));
    EXPECT_EQ(h.stream(3).heads.at(0).Field("x-late"), "answer");
    h.ExpectServes();
  });
}

TEST(H2Conformance, DroppedDataCountsAgainstTheConnection) {
  H2Setup setup;
  setup.options.initial_connection_window_size = 65535;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    h.ResetStream(1, WEIR_REASON_CANCEL);
    // Without looking at what it is told, the peer fills the window in one go.
    std::string flood;
    for (int i = 0; i < 10; ++i) flood += wire::Data(1, std::string(16000, 'x'));
    h.Feed(flood);
    // What was dropped was credited, in halves of the window.
    EXPECT_GT(h.CountFrames(FrameType::kWindowUpdate, 0), 2u);
    h.ExpectServes();
  });
  // Frames that are as long as is allowed can not get ahead of the credit; longer ones can.
  CostsTheConnection(setup, ErrorCode::kFlowControlError, [](H2Harness& h) {
    h.ResetStream(1, WEIR_REASON_CANCEL);
    return wire::HeaderOf(65536, FrameType::kData, 0, 1);
  });
}

// ---- 5.1.1, 5.1.2

TEST(H2Conformance, AClientOpensOddStreams) {
  CostsTheConnection(kProtocol,
                     [](H2Harness& h) { return wire::Headers(6, h.Request("/"), true); });
}

TEST(H2Conformance, AServerOpensNoStream) {
  CostsTheConnection(H2Setup::Client(), kProtocol,
                     [](H2Harness& h) { return wire::Headers(2, h.Response("200"), true); });
}

TEST(H2Conformance, StreamNumbersRise) {
  for (const uint32_t left_out : {1u, 5u, 11u}) {
    SCOPED_TRACE(left_out);
    ForAllCuts({}, [&](H2Harness& h) {
      h.Feed(wire::Headers(3, h.Request("/"), true) << wire::Headers(13, h.Request("/"), true));
      h.Feed(wire::Headers(left_out, h.Request("/"), true));
      h.ExpectConnectionError(kProtocol);
    });
  }
}

TEST(H2Conformance, NoMoreStreamsThanAnnounced) {
  H2Setup setup;
  setup.params.max_streams = 2;
  ForAllCuts(setup, [](H2Harness& h) {
    OpenTwo(h);
    // It has entered the table, though nobody serves it.
    h.Feed(wire::Headers(5, h.Request("/five", {{"x-refused", "kept"}}), true));
    EXPECT_FALSE(h.knows(5));
    ASSERT_EQ(h.CountFrames(FrameType::kRstStream), 1u);
    EXPECT_EQ(h.LastFrame(FrameType::kRstStream, 5)->Code(),
              static_cast<uint32_t>(ErrorCode::kRefusedStream));
    EXPECT_EQ(h.Capacity(), 0u);
    h.Answer(3, 204, true);
    EXPECT_EQ(h.Capacity(), 1u);
    h.Feed(wire::Headers(7, h.Request("/", {{"x-refused", "kept"}}), true));
    EXPECT_EQ(h.stream(7).heads.at(0).Field("x-refused"), "kept");
    h.Answer(7, 204, true);
    h.ExpectServes();
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
  });
}

// ---- 5.4

TEST(H2Conformance, AConnectionErrorIsOneGoawayAndTheEnd) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Data(0, "x") << wire::Data(0, "x") << wire::Ping());
    h.ExpectConnectionError(kProtocol);
    EXPECT_EQ(h.LastFrame(FrameType::kGoaway)->LastStream(), 3u);
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 0u);
  });
}

// What the host asks for before it knows.
TEST(H2ConformanceErrors, NothingIsSaidBehindTheGoawayOfAnError) {
  H2Setup setup;
  setup.consume = false;
  Once(setup, [](H2Harness& h) {
    OpenTwo(h);
    for (int i = 0; i < 4; ++i) h.Feed(wire::Data(1, std::string(16000, 'x')));
    h.Answer(3, 200, false);
    h.Queue(3, "waits", false);
    h.FeedQuietly(wire::Data(0, "x"));
    h.Consume(1, 64000);
    EXPECT_EQ(h.Answer(1, 200, true), WEIR_REFUSED);
    h.ResetStream(3, WEIR_REASON_CANCEL);
    h.GoAway(2);
    h.ExpectConnectionError(kProtocol);
    EXPECT_TRUE(h.frames().back().Is(FrameType::kGoaway));
  });
}

TEST(H2Conformance, AStreamErrorIsOneResetAndTheConnectionGoesOn) {
  ForBoth([](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::WindowUpdate(1, 0) << wire::WindowUpdate(1, 0) << wire::Data(1, "late"));
    h.ExpectStreamError(1, kProtocol);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_ERROR), 1u);
  });
}

TEST(H2Conformance, AResetIsNotAnsweredWithAnother) {
  ForBoth([](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Reset(1, ErrorCode::kCancel) << wire::Reset(1, ErrorCode::kCancel));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 1u);
    h.ResetStream(1, WEIR_REASON_CANCEL);  // the host may say so late
    h.ExpectFine();
  });
}

}  // namespace
}  // namespace weir::h2
