#include <string>

#include "codecs/h2/frames/goaway.h"
#include "codecs/h2/frames/ping.h"
#include "codecs/h2/frames/rst_stream.h"
#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

TEST(H2RstStream, BelongsToAStream) {
  EXPECT_THAT(Check(kRstStream, 4, 0), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kRstStream, 4, 1), IsFine());
}

TEST(H2RstStream, IsFourOctetsLong) {
  for (uint32_t length = 0; length < 20; ++length) {
    if (length == 4) continue;
    EXPECT_THAT(Check(kRstStream, length, 1), IsConnectionFault(ErrorCode::kFrameSizeError));
  }
}

TEST(H2RstStream, IsReadAsItWasWritten) {
  for (const uint32_t code : {0u, 8u, 0xdu, 0xeu, 0xffffffffu}) {
    uint8_t bytes[kRstStreamFrameSize];
    ASSERT_EQ(WriteRstStream(bytes, 3, static_cast<ErrorCode>(code)), bytes + sizeof(bytes));
    EXPECT_THAT(CheckFrameHeader(ReadFrameHeader(bytes), Running()), IsFine());
    EXPECT_EQ(ReadFrameHeader(bytes).stream, 3u);
    EXPECT_EQ(static_cast<uint32_t>(ParseRstStream(bytes + kFrameHeaderSize)), code);
  }
}

TEST(H2Ping, BelongsToTheConnection) {
  EXPECT_THAT(Check(kPing, 8, 1), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kPing, 8, 0), IsFine());
  EXPECT_THAT(Check(kPing, 8, 0, kFlagAck), IsFine());
}

TEST(H2Ping, IsEightOctetsLong) {
  for (uint32_t length = 0; length < 20; ++length) {
    if (length == 8) continue;
    for (const int flags : {0, +kFlagAck}) {
      EXPECT_THAT(Check(kPing, length, 0, flags), IsConnectionFault(ErrorCode::kFrameSizeError));
    }
  }
}

TEST(H2Ping, ComesBackAsItWent) {
  uint8_t bytes[kPingFrameSize];
  ASSERT_EQ(WritePing(bytes, 0x0102030405060708, false), bytes + sizeof(bytes));
  EXPECT_EQ(bytes[9], 1);
  EXPECT_EQ(bytes[16], 8);
  EXPECT_EQ(ReadFrameHeader(bytes).flags, 0);
  const uint64_t opaque = ParsePing(bytes + kFrameHeaderSize);
  EXPECT_EQ(opaque, 0x0102030405060708u);
  uint8_t answer[kPingFrameSize];
  WritePing(answer, opaque, true);
  EXPECT_THAT(CheckFrameHeader(ReadFrameHeader(answer), Running()), IsFine());
  EXPECT_EQ(ReadFrameHeader(answer).flags, kFlagAck);
  EXPECT_EQ(std::string(bytes + 9, bytes + 17), std::string(answer + 9, answer + 17));
}

TEST(H2Goaway, BelongsToTheConnection) {
  EXPECT_THAT(Check(kGoaway, 8, 1), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kGoaway, 8, 0), IsFine());
}

TEST(H2Goaway, HasItsFixedPart) {
  for (uint32_t length = 0; length < 8; ++length) {
    EXPECT_THAT(Check(kGoaway, length, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
  }
  EXPECT_THAT(Check(kGoaway, 9, 0), IsFine());
  EXPECT_THAT(Check(kGoaway, 16384, 0), IsFine());
  EXPECT_THAT(Check(kGoaway, 16385, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Goaway, TheReservedBitIsMasked) {
  const Goaway goaway = ParseGoaway(Bytes(std::string_view("\xff\xff\xff\xff\0\0\0\x0b", 8)));
  EXPECT_EQ(goaway.last_stream, 0x7fffffffu);
  EXPECT_EQ(goaway.code, ErrorCode::kEnhanceYourCalm);
}

TEST(H2Goaway, IsReadAsItWasWritten) {
  uint8_t bytes[kGoawayFrameSize];
  uint8_t* const end = WriteGoaway(bytes, 7, ErrorCode::kProtocolError, "http2.test");
  const FrameHeader header = ReadFrameHeader(bytes);
  ASSERT_THAT(CheckFrameHeader(header, Running()), IsFine());
  ASSERT_EQ(bytes + kFrameHeaderSize + header.length, end);
  const Goaway goaway = ParseGoaway(bytes + kFrameHeaderSize);
  EXPECT_EQ(goaway.last_stream, 7u);
  EXPECT_EQ(goaway.code, ErrorCode::kProtocolError);
  EXPECT_EQ(std::string(bytes + 17, end), "http2.test");
  EXPECT_EQ(WriteGoaway(bytes, 7, ErrorCode::kNoError), bytes + 17);
}

TEST(H2Goaway, DebugDataIsCut) {
  uint8_t bytes[kGoawayFrameSize];
  uint8_t* const end = WriteGoaway(bytes, 7, ErrorCode::kNoError, std::string(1000, 'x'));
  EXPECT_EQ(end, bytes + sizeof(bytes));
  EXPECT_EQ(ReadFrameHeader(bytes).length, kGoawayFixedSize + kGoawayMaxDebug);
}

}  // namespace
}  // namespace weir::h2
