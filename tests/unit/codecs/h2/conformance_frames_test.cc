// RFC 9113 section 6: what each type of frame may be.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kProtocol = ErrorCode::kProtocolError;
constexpr auto kFrameSize = ErrorCode::kFrameSizeError;

void ForBoth(const std::function<void(const H2Setup&)>& test) {
  test(H2Setup{});
  test(H2Setup::Client());
}

// ---- DATA, HEADERS, PRIORITY, RST_STREAM

TEST(H2Conformance, DataBelongsToAStream) {
  ForBoth([](const H2Setup& setup) { CostsTheConnection(setup, kProtocol, wire::Data(0, "x")); });
}

TEST(H2Conformance, DataPaddingIsShorterThanThePayload) {
  const auto padded = [](const std::string& payload) {
    return wire::Frame(FrameType::kData, kFlagPadded, 1, payload);
  };
  CostsTheConnection(kProtocol, padded("\x01"));
  CostsTheConnection(kProtocol, padded("\x05four"));
  ForAllCuts({}, [&](H2Harness& h) {
    OpenTwo(h);
    h.Feed(padded(std::string("\x04\0\0\0\0", 5)) + padded(std::string("\x02xy\0\0", 5)) +
           padded(std::string("\0z", 2)));
    EXPECT_EQ(h.stream(1).body, "xyz");
    h.ExpectFine();
  });
}

TEST(H2Conformance, HeadersBelongsToAStream) {
  CostsTheConnection(kProtocol,
                     [](H2Harness& h) { return wire::Headers(0, h.Request("/"), true); });
  CostsTheConnection(H2Setup::Client(), kProtocol,
                     [](H2Harness& h) { return wire::Headers(0, h.Response("200"), true); });
}

TEST(H2Conformance, HeadersPaddingLeavesRoom) {
  CostsTheConnection(kProtocol,
                     wire::Frame(FrameType::kHeaders, kFlagPadded | 5, 5, "\x04\x82\x86\x84"));
  CostsTheConnection(kProtocol, wire::Frame(FrameType::kHeaders, kFlagPadded | kFlagPriority | 5, 5,
                                            std::string("\x01\0\0\0\0\x0f", 6)));
  ForAllCuts({}, [](H2Harness& h) {
    const std::string block = h.Request("/padded");
    h.Feed(wire::Frame(FrameType::kHeaders, kFlagPadded | kFlagPriority | 5, 1,
                       "\xff" + wire::Number(0, 4) + "\x0f" + block + std::string(255, '\0')));
    EXPECT_EQ(h.stream(1).heads.at(0).path, "/padded");
    h.ExpectFine();
  });
}

TEST(H2Conformance, AnOpenHeaderBlockGoesOnWithContinuation) {
  for (const std::string& other :
       {wire::Data(1, "x"), wire::Ping(), wire::Settings(), wire::SettingsAck(),
        wire::WindowUpdate(0, 1), wire::Reset(1, ErrorCode::kCancel), wire::Priority(1, 0),
        wire::PriorityUpdate(1, "u=1"), wire::Goaway(0), wire::Headers(7, "", true)}) {
    CostsTheConnection(kProtocol, [&](H2Harness& h) {
      return wire::Headers(5, h.Request("/"), true, false) + other;
    });
  }
  ForAllCuts({}, [](H2Harness& h) {
    const std::string block = h.Request("/in-pieces", {{"x-a", std::string(300, 'a')}});
    h.Feed(wire::Headers(1, "", false, false)
           << wire::Continuation(1, block.substr(0, 20), false)
           << wire::Continuation(1, block.substr(20, 100), false)
           << wire::Continuation(1, block.substr(120), true) << wire::Data(1, "body", true));
    ASSERT_TRUE(h.knows(1));
    EXPECT_EQ(h.stream(1).heads.at(0).path, "/in-pieces");
    EXPECT_EQ(h.stream(1).heads.at(0).Field("x-a"), std::string(300, 'a'));
    EXPECT_EQ(h.stream(1).body, "body");
    h.ExpectFine();
  });
}

TEST(H2Conformance, PriorityBelongsToAStream) {
  CostsTheConnection(kProtocol, wire::Priority(0, 1));
}

TEST(H2Conformance, PriorityIsFiveOctetsLong) {
  for (const size_t size : {0u, 4u, 6u}) {
    CostsTheStream(1, kFrameSize, wire::Frame(FrameType::kPriority, 0, 1, std::string(size, '\0')));
  }
}

TEST(H2Conformance, PriorityNamesAnotherStream) {
  CostsTheStream(1, kProtocol, wire::Priority(1, 1));
}

TEST(H2Conformance, HeadersPriorityNamesAnotherStream) {
  const auto headers = [](uint32_t stream, const std::string& block) {
    return wire::Frame(FrameType::kHeaders, kFlagPriority | 5, stream,
                       wire::Number(stream, 4) + "\x0f" + block);
  };
  ForAllCuts({}, [&](H2Harness& h) {
    OpenTwo(h);
    h.Feed(headers(5, h.Request("/", {{"x-entered", "the table"}})));
    EXPECT_FALSE(h.knows(5));
    h.Feed(wire::Headers(7, h.Request("/", {{"x-entered", "the table"}}), true));
    EXPECT_EQ(h.stream(7).heads.at(0).Field("x-entered"), "the table");
    h.ExpectStreamError(5, kProtocol);
  });
}

TEST(H2Conformance, ResetBelongsToAStream) {
  ForBoth([](const H2Setup& setup) {
    CostsTheConnection(setup, kProtocol, wire::Reset(0, ErrorCode::kCancel));
  });
}

TEST(H2Conformance, ResetIsFourOctetsLong) {
  for (const size_t size : {0u, 3u, 5u}) {
    CostsTheConnection(kFrameSize,
                       wire::Frame(FrameType::kRstStream, 0, 1, std::string(size, '\0')));
  }
}

// ---- SETTINGS

TEST(H2Conformance, SettingsBelongsToTheConnection) {
  CostsTheConnection(kProtocol, wire::Frame(FrameType::kSettings, 0, 1, ""));
}

TEST(H2Conformance, SettingsAcknowledgementIsEmpty) {
  CostsTheConnection(kFrameSize, wire::Frame(FrameType::kSettings, kFlagAck, 0, "x"));
  CostsTheConnection(kFrameSize,
                     wire::Frame(FrameType::kSettings, kFlagAck, 0, std::string(6, '\0')));
}

TEST(H2Conformance, SettingsLengthIsAMultipleOfSix) {
  for (const size_t size : {1u, 5u, 7u})
    CostsTheConnection(kFrameSize, wire::Frame(FrameType::kSettings, 0, 0, std::string(size, 0)));
}

void SettingCosts(const H2Setup& setup, SettingId id, uint32_t value, ErrorCode code) {
  CostsTheConnection(setup, code, wire::Settings({{id, value}}));
}
void SettingIsFine(const H2Setup& setup, SettingId id, uint32_t value) {
  IsFine(setup, [&](H2Harness&) { return wire::Settings({{id, value}}); });
}

TEST(H2Conformance, EnablePushIsZeroOrOne) {
  SettingCosts({}, SettingId::kEnablePush, 2, kProtocol);
  SettingCosts({}, SettingId::kEnablePush, UINT32_MAX, kProtocol);
  SettingIsFine({}, SettingId::kEnablePush, 0);
  SettingIsFine({}, SettingId::kEnablePush, 1);
}

TEST(H2Conformance, AServerDoesNotEnablePush) {
  SettingCosts(H2Setup::Client(), SettingId::kEnablePush, 1, kProtocol);
  SettingIsFine(H2Setup::Client(), SettingId::kEnablePush, 0);
}

TEST(H2Conformance, InitialWindowSizeIsAtMost31Bits) {
  ForBoth([](const H2Setup& setup) {
    SettingCosts(setup, SettingId::kInitialWindowSize, 0x80000000, ErrorCode::kFlowControlError);
    SettingCosts(setup, SettingId::kInitialWindowSize, UINT32_MAX, ErrorCode::kFlowControlError);
    SettingIsFine(setup, SettingId::kInitialWindowSize, 0x7fffffff);
  });
}

TEST(H2Conformance, MaxFrameSizeIsWithinItsBounds) {
  SettingCosts({}, SettingId::kMaxFrameSize, 16383, kProtocol);
  SettingCosts({}, SettingId::kMaxFrameSize, 1 << 24, kProtocol);
  SettingIsFine({}, SettingId::kMaxFrameSize, 16384);
  SettingIsFine({}, SettingId::kMaxFrameSize, (1 << 24) - 1);
}

TEST(H2Conformance, UnknownSettingsAreDropped) {
  SettingIsFine({}, static_cast<SettingId>(0), 1);
  SettingIsFine({}, static_cast<SettingId>(7), UINT32_MAX);
  SettingIsFine(H2Setup::Client(), static_cast<SettingId>(0xf000), 77);
}

TEST(H2Conformance, SettingsAreAcknowledgedInTime) {
  for (const uint8_t position : {WEIR_SERVER, WEIR_CLIENT}) {
    H2Setup setup;
    setup.position = position;
    setup.handshake = false;
    Once(setup, [](H2Harness& h) {
      h.Feed(wire::Settings());
      h.Advance(9999);
      EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
      h.Advance(1);
      h.ExpectEnd(ErrorCode::kSettingsTimeout);
      h.Advance(3600000);  // said once
      h.ExpectEnd(ErrorCode::kSettingsTimeout);
    });
    Once(setup, [](H2Harness& h) {
      h.Feed(wire::Settings());
      h.Advance(9999);
      h.Feed(wire::SettingsAck());
      h.Advance(3600000);
      h.ExpectFine();
    });
  }
}

TEST(H2Conformance, SettingsApplyInTheirOrder) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 0},
                           {SettingId::kInitialWindowSize, 7},
                           {SettingId::kInitialWindowSize, 3}}));
    h.Answer(3, 200, false);
    h.Body(3, "0123456789", true);
    EXPECT_EQ(h.Sent(3), "012");
    EXPECT_EQ(h.CountFrames(FrameType::kSettings), 3u);  // ours and two acknowledgements
    h.Feed(wire::WindowUpdate(3, 7) << wire::Settings({{SettingId::kInitialWindowSize, 65535}}));
    h.ExpectFine();
  });
}

// ---- PUSH_PROMISE, PING, GOAWAY

TEST(H2Conformance, AClientDoesNotPush) {
  CostsTheConnection(kProtocol, wire::PushPromise(1, 2));
}

TEST(H2Conformance, AServerDoesNotPush) {
  CostsTheConnection(H2Setup::Client(), kProtocol, wire::PushPromise(1, 2));
}

TEST(H2Conformance, PingBelongsToTheConnection) {
  CostsTheConnection(kProtocol, wire::Frame(FrameType::kPing, 0, 1, "12345678"));
}

TEST(H2Conformance, PingIsEightOctetsLong) {
  for (const size_t size : {0u, 7u, 9u}) {
    CostsTheConnection(kFrameSize, wire::Frame(FrameType::kPing, 0, 0, std::string(size, 'x')));
  }
}

TEST(H2Conformance, APingAcknowledgementIsNotAnswered) {
  ForBoth([](const H2Setup& setup) {
    ForAllCuts(setup, [](H2Harness& h) {
      h.Feed(wire::Ping("12345678", true));
      EXPECT_EQ(h.CountFrames(FrameType::kPing), 0u);
      h.Feed(wire::Ping("abcdefgh"));
      ASSERT_EQ(h.CountFrames(FrameType::kPing), 1u);
      EXPECT_TRUE(h.LastFrame(FrameType::kPing)->header.Has(kFlagAck));
      EXPECT_EQ(h.LastFrame(FrameType::kPing)->payload, "abcdefgh");
      h.ExpectFine();
    });
  });
}

TEST(H2Conformance, GoawayBelongsToTheConnection) {
  ForBoth([](const H2Setup& setup) {
    CostsTheConnection(setup, kProtocol,
                       wire::Frame(FrameType::kGoaway, 0, 1, std::string(8, '\0')));
  });
}

TEST(H2Conformance, GoawayHasItsFixedPart) {
  for (const size_t size : {0u, 7u}) {
    CostsTheConnection(kFrameSize, wire::Frame(FrameType::kGoaway, 0, 0, std::string(size, '\0')));
  }
}

TEST(H2Conformance, ALaterGoawayBringsNoStreamBack) {
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Goaway(1));
    EXPECT_TRUE(h.stream(3).over);
    EXPECT_EQ(h.stream(3).reason, WEIR_REASON_REFUSED);
    h.Feed(wire::Goaway(0x7fffffff));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_GOAWAY), 2u);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 1u);
    EXPECT_EQ(h.Capacity(), 0u);
    EXPECT_EQ(h.Reusable(), 0u);
    EXPECT_EQ(h.Open(), 0u);
    h.Feed(wire::Headers(1, h.Response("204"), true));
    EXPECT_TRUE(h.stream(1).complete);
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
  });
}

TEST(H2Conformance, StreamsAfterGoawayAreDecompressedAndDropped) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.GoAway(2);
    const size_t before = h.events().size();
    h.Feed(wire::Headers(5, h.Request("/", {{"x-late", "name"}}), false)
           << wire::Data(5, "x") << wire::WindowUpdate(5, 9)
           << wire::Headers(5, h.Block({{"x-late", "name"}}), true));
    EXPECT_EQ(h.events().size(), before);
    EXPECT_EQ(h.CountFrames(FrameType::kRstStream), 0u);
    // Trailers of an older stream, from the same table.
    h.Feed(wire::Headers(1, h.Block({{"x-late", "name"}}), true));
    EXPECT_EQ(h.stream(1).trailers.Field("x-late"), "name");
    h.Answer(1, 204, true);
    EXPECT_FALSE(h.closed());
    h.Answer(3, 204, true);
    EXPECT_TRUE(h.closed());
    EXPECT_EQ(h.LastFrame(FrameType::kGoaway)->LastStream(), 3u);
  });
}

// ---- WINDOW_UPDATE and windows

TEST(H2Conformance, WindowUpdateIsFourOctetsLong) {
  for (const size_t size : {0u, 3u, 5u}) {
    CostsTheConnection(kFrameSize,
                       wire::Frame(FrameType::kWindowUpdate, 0, 1, std::string(size, '\1')));
  }
}

TEST(H2Conformance, AStreamsWindowIsRaisedBySomething) {
  CostsTheStream(1, kProtocol, wire::WindowUpdate(1, 0));
  CostsTheStream(1, kProtocol, wire::WindowUpdate(1, 0x80000000));
}

TEST(H2Conformance, TheConnectionsWindowIsRaisedBySomething) {
  ForBoth(
      [](const H2Setup& setup) { CostsTheConnection(setup, kProtocol, wire::WindowUpdate(0, 0)); });
}

TEST(H2Conformance, DataStaysWithinTheStreamsWindow) {
  H2Setup setup;
  setup.consume = false;
  setup.params.stream_window = 65535;
  CostsTheStream(setup, 1, ErrorCode::kFlowControlError, [](H2Harness&) {
    return wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16384, 'x')) << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16383, 'x')) << wire::Data(1, "y");
  });
  // To the last octet it is fine.
  IsFine(setup, [](H2Harness&) {
    return wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16384, 'x')) << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16383, 'x'));
  });
}

TEST(H2Conformance, DataStaysWithinTheConnectionsWindow) {
  H2Setup setup;
  setup.options.initial_connection_window_size = 65535;
  // Credit is given on receipt, at half of the window: only a frame that is too long can go beyond.
  CostsTheConnection(setup, ErrorCode::kFlowControlError,
                     wire::HeaderOf(65536, FrameType::kData, 0, 1));
  CostsTheConnection(setup, ErrorCode::kFlowControlError,
                     wire::Data(1, std::string(16384, 'x'))
                         << wire::HeaderOf(65535 - 16383, FrameType::kData, 0, 1));
}

TEST(H2Conformance, PaddingCountsAgainstTheWindow) {
  H2Setup setup;
  setup.consume = false;
  setup.params.stream_window = 65535;
  // What padding takes is credited at once, in halves of the window: a frame before that half is
  // told fills the window to the last octet.
  CostsTheStream(setup, 1, ErrorCode::kFlowControlError, [](H2Harness&) {
    return wire::PaddedData(1, "", 255)
           << wire::Data(1, std::string(16384, 'x')) << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(65535 - 3 * 16384 - 256 + 1, 'x'));
  });
  IsFine(setup, [](H2Harness&) {
    return wire::PaddedData(1, "", 255)
           << wire::Data(1, std::string(16384, 'x')) << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(16384, 'x'))
           << wire::Data(1, std::string(65535 - 3 * 16384 - 256, 'x'));
  });
}

TEST(H2Conformance, AStreamsWindowIsAtMost31Bits) {
  CostsTheStream(1, ErrorCode::kFlowControlError, wire::WindowUpdate(1, 0x7fffffff));
  IsFine(wire::WindowUpdate(1, 0x7fffffff - 65535));
  CostsTheStream(1, ErrorCode::kFlowControlError,
                 wire::WindowUpdate(1, 0x7fffffff - 65535) << wire::WindowUpdate(1, 1));
}

TEST(H2Conformance, TheConnectionsWindowIsAtMost31Bits) {
  CostsTheConnection(ErrorCode::kFlowControlError, wire::WindowUpdate(0, 0x7fffffff));
  IsFine(wire::WindowUpdate(0, 0x7fffffff - 65535));
}

TEST(H2Conformance, ANegativeWindowIsWaitedOut) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Answer(3, 200, false);
    h.Body(3, std::string(40000, 'x'), false);
    EXPECT_EQ(h.Sent(3).size(), 40000u);
    // 25535 are left; the window shrinks by 55535, to -30000.
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 10000}}));
    h.Body(3, std::string(1000, 'y'), true);
    EXPECT_EQ(h.Sent(3).size(), 40000u);
    h.Feed(wire::WindowUpdate(3, 30000));  // to nothing
    EXPECT_EQ(h.Sent(3).size(), 40000u);
    h.Feed(wire::WindowUpdate(3, 1));
    EXPECT_EQ(h.Sent(3).size(), 40001u);
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 65535}}));
    EXPECT_EQ(h.Sent(3).size(), 41000u);
    EXPECT_TRUE(h.SentEnd(3));
    h.ExpectFine();
  });
}

TEST(H2Conformance, AnInitialWindowOverflowsNoStreams) {
  CostsTheConnection(ErrorCode::kFlowControlError,
                     wire::WindowUpdate(1, 1)
                         << wire::Settings({{SettingId::kInitialWindowSize, 0x7fffffff}}));
}

TEST(H2Conformance, AnInitialWindowLeavesTheConnectionsAlone) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 1000000}}));
    h.Answer(3, 200, false);
    h.Body(3, std::string(100000, 'x'), true);
    EXPECT_EQ(h.Sent(3).size(), 65535u);
    h.Feed(wire::Settings({{SettingId::kInitialWindowSize, 2000000}}));
    EXPECT_EQ(h.Sent(3).size(), 65535u);
    h.Feed(wire::WindowUpdate(0, 100000));
    EXPECT_EQ(h.Sent(3).size(), 100000u);
    h.ExpectFine();
  });
}

// ---- CONTINUATION, and 7

TEST(H2Conformance, ContinuationBelongsToAStream) {
  CostsTheConnection(kProtocol, wire::Continuation(0, "", true));
  CostsTheConnection(kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true, false) << wire::Continuation(0, "", true);
  });
}

TEST(H2Conformance, ContinuationFollowsAnOpenBlock) {
  CostsTheConnection(kProtocol, wire::Continuation(1, "", true));
  CostsTheConnection(kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true) << wire::Continuation(5, "", true);
  });
}

TEST(H2Conformance, ContinuationIsOfTheSameStream) {
  CostsTheConnection(kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true, false) << wire::Continuation(3, "", true);
  });
}

TEST(H2Conformance, NothingComesBetweenTheFramesOfABlock) {
  CostsTheConnection(kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true, false)
           << wire::Continuation(5, "", false) << wire::Headers(7, h.Request("/"), true);
  });
  CostsTheConnection(H2Setup::Client(), kProtocol, [](H2Harness& h) {
    return wire::Headers(1, h.Response("200"), true, false) << wire::Data(3, "x");
  });
}

TEST(H2Conformance, UnknownErrorCodesAreTaken) {
  ForAllCuts({}, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(wire::Reset(1, 0xdeadbeef)
           << wire::Goaway(0x7fffffff, static_cast<ErrorCode>(0xdeadbeef)));
    EXPECT_EQ(h.stream(1).reason, WEIR_REASON_REMOTE_RESET);
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_GOAWAY), 1u);
    h.ExpectFine();
  });
}

}  // namespace
}  // namespace weir::h2
