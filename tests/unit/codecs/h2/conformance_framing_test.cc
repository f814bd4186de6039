// RFC 9113 sections 3.4, 4 and 5.5: the preface, frames and their sizes.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kProtocol = ErrorCode::kProtocolError;
constexpr auto kFrameSize = ErrorCode::kFrameSizeError;

H2Setup Fresh(uint8_t position = WEIR_SERVER) {
  H2Setup setup;
  setup.position = position;
  setup.handshake = false;
  setup.preface = false;
  return setup;
}

TEST(H2Conformance, PrefaceIsExact) {
  for (size_t at = 0; at < wire::Preface().size(); ++at) {
    std::string wrong = wire::Preface();
    wrong[at] ^= 0x20;
    CostsTheConnection(Fresh(), kProtocol, wrong << wire::Settings());
  }
  CostsTheConnection(Fresh(), kProtocol, "GET / HTTP/1.1\r\nhost: weir.test\r\n\r\n");
}

TEST(H2Conformance, PrefaceMayComeInPieces) {
  ForAllCuts(Fresh(), [](H2Harness& h) {
    h.Feed(wire::Preface());
    h.Feed(wire::Settings());
    h.ExpectFine();
  });
}

TEST(H2Conformance, FirstFrameOfAClientIsSettings) {
  CostsTheConnection(Fresh(), kProtocol, wire::Preface() << wire::Ping());
  CostsTheConnection(Fresh(), kProtocol, wire::Preface() << wire::WindowUpdate(0, 1));
  CostsTheConnection(Fresh(), kProtocol, [](H2Harness& h) {
    return wire::Preface() << wire::Headers(1, h.Request("/"), true);
  });
  CostsTheConnection(Fresh(), kProtocol, wire::Preface() << wire::Unknown(0x33, 0, 0, "x"));
}

TEST(H2Conformance, FirstFrameOfAServerIsSettings) {
  CostsTheConnection(Fresh(WEIR_CLIENT), kProtocol, wire::Ping());
  CostsTheConnection(Fresh(WEIR_CLIENT), kProtocol, wire::Goaway(0));
}

TEST(H2Conformance, FirstFrameIsNoAcknowledgement) {
  CostsTheConnection(Fresh(), kProtocol, wire::Preface() << wire::SettingsAck());
  CostsTheConnection(Fresh(WEIR_CLIENT), kProtocol, wire::SettingsAck());
}

TEST(H2Conformance, UnknownFramesAreDropped) {
  IsFine(wire::Unknown(0x0b, 0xff, 0, "")
         << wire::Unknown(0x20, 0, 1, "hello")
         << wire::Unknown(0xff, 0x55, 77, std::string(16384, 'x')));
  IsFine(H2Setup::Client(), [](H2Harness&) { return wire::Unknown(0x0c, 0, 1, "origin"); });
}

TEST(H2Conformance, UndefinedFlagsMeanNothing) {
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(
        wire::Frame(FrameType::kHeaders, 0xff & ~(kFlagPadded | kFlagPriority), 1, h.Request("/")));
    EXPECT_TRUE(h.stream(1).complete);
    h.Feed(wire::Headers(3, h.Request("/"), false)
           << wire::Frame(FrameType::kData, 0xff & ~kFlagPadded, 3, "body"));
    EXPECT_EQ(h.stream(3).body, "body");
    EXPECT_TRUE(h.stream(3).complete);
    h.Feed(wire::Frame(FrameType::kPing, 0xfe, 0, "12345678")
           << wire::Frame(FrameType::kSettings, 0xfe, 0, "")
           << wire::Frame(FrameType::kWindowUpdate, 0xff, 0, wire::Number(5, 4))
           << wire::Frame(FrameType::kPriority, 0xff, 3, wire::Number(0, 4) + "\x0f"));
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 1u);
    EXPECT_EQ(h.LastFrame(FrameType::kPing)->payload, "12345678");
    h.ExpectFine();
  });
}

TEST(H2Conformance, ReservedBitMeansNothing) {
  constexpr uint32_t kReserved = 0x80000000;
  ForAllCuts({}, [](H2Harness& h) {
    h.Feed(wire::Headers(1 | kReserved, h.Request("/"), false)
           << wire::Data(1 | kReserved, "body", true) << wire::Priority(1 | kReserved, kReserved)
           << wire::WindowUpdate(1 | kReserved, 5 | kReserved) << wire::WindowUpdate(kReserved, 5)
           << wire::Frame(FrameType::kPing, 0, kReserved, "12345678")
           << wire::Frame(FrameType::kSettings, 0, kReserved, "")
           << wire::Unknown(0x44, 0, kReserved, ""));
    ASSERT_TRUE(h.knows(1));
    EXPECT_TRUE(h.stream(1).complete);
    EXPECT_EQ(h.CountFrames(FrameType::kPing), 1u);
    h.ExpectFine();
    h.Feed(wire::Reset(1 | kReserved, ErrorCode::kCancel));
    EXPECT_EQ(h.CountEvents(WEIR_EVENT_RESET), 1u);
  });
}

// ---- 4.2

TEST(H2Conformance, DataKeepsTheFrameSize) {
  CostsTheStream(1, kFrameSize, wire::Data(1, std::string(16385, 'x')));
  IsFine(wire::Data(1, std::string(16384, 'x')));
  // Of an idle stream there is nothing to reset.
  CostsTheConnection(kFrameSize, wire::Data(5, std::string(16385, 'x')));
}

TEST(H2Conformance, HeadersKeepsTheFrameSize) {
  CostsTheConnection(kFrameSize, wire::HeaderOf(16385, FrameType::kHeaders, 4, 5));
}

TEST(H2Conformance, ContinuationKeepsTheFrameSize) {
  CostsTheConnection(kFrameSize, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true, false)
           << wire::HeaderOf(16385, FrameType::kContinuation, 4, 5);
  });
}

TEST(H2Conformance, SettingsKeepsTheFrameSize) {
  CostsTheConnection(kFrameSize, wire::HeaderOf(16386, FrameType::kSettings, 0, 0));
}

TEST(H2Conformance, PushPromiseKeepsTheFrameSize) {
  // Whether it is too long or not allowed at all, it is the end.
  H2Setup client = H2Setup::Client();
  for (const H2Setup& setup : {H2Setup{}, client}) {
    ForAllCuts(setup, [](H2Harness& h) {
      OpenTwo(h);
      h.Feed(wire::HeaderOf(16385, FrameType::kPushPromise, 4, 1));
      h.ExpectConnectionError(kFrameSize);
    });
  }
}

TEST(H2Conformance, GoawayKeepsTheFrameSize) {
  CostsTheConnection(kFrameSize, wire::HeaderOf(16385, FrameType::kGoaway, 0, 0));
}

TEST(H2Conformance, UnknownFramesKeepTheFrameSize) {
  CostsTheConnection(kFrameSize, wire::HeaderOf(16385, static_cast<FrameType>(0x44), 0, 0));
}

TEST(H2Conformance, PaddedDataHasAPaddingLength) {
  CostsTheStream(1, kFrameSize, wire::Frame(FrameType::kData, kFlagPadded, 1, ""));
}

TEST(H2Conformance, HeadersHasRoomForWhatItsFlagsSay) {
  const auto too_short = [](int flags, size_t size) {
    CostsTheConnection(kFrameSize,
                       wire::Frame(FrameType::kHeaders, flags | 4, 5, std::string(size, '\0')));
  };
  too_short(kFlagPadded, 0);
  too_short(kFlagPriority, 4);
  too_short(kFlagPadded | kFlagPriority, 5);
}

// ---- 5.5

TEST(H2Conformance, NoUnknownFrameInsideAHeaderBlock) {
  CostsTheConnection(kProtocol, [](H2Harness& h) {
    return wire::Headers(5, h.Request("/"), true, false) << wire::Unknown(0x44, 0, 5, "");
  });
}

}  // namespace
}  // namespace weir::h2
