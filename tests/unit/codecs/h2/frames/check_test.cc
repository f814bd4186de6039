#include "codecs/h2/frames/check.h"

#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

TEST(H2Check, FirstFrameIsSettings) {
  FrameContext context;
  for (int type = 0; type < 256; ++type) {
    if (static_cast<FrameType>(type) == kSettings) continue;
    EXPECT_THAT(CheckFrameHeader(Header(static_cast<FrameType>(type), 8, 0), context),
                IsConnectionFault(ErrorCode::kProtocolError))
        << type;
  }
  EXPECT_THAT(CheckFrameHeader(Header(kSettings, 0, 0), context), IsFine());
  EXPECT_THAT(CheckFrameHeader(Header(kSettings, 6, 0), context), IsFine());
}

TEST(H2Check, FirstFrameIsNotAnAcknowledgement) {
  EXPECT_THAT(CheckFrameHeader(Header(kSettings, 0, 0, kFlagAck), FrameContext{}),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Check, NothingComesBetweenTheFramesOfAHeaderBlock) {
  for (int type = 0; type < 256; ++type) {
    if (static_cast<FrameType>(type) == kContinuation) continue;
    for (const uint32_t stream : {0u, 1u, 3u}) {
      EXPECT_THAT(CheckFrameHeader(Header(static_cast<FrameType>(type), 8, stream), InsideBlock(1)),
                  IsConnectionFault(ErrorCode::kProtocolError))
          << type << " on " << stream;
    }
  }
}

TEST(H2Check, UnknownTypesAreFineAnywhere) {
  for (int type = 0xa; type < 256; ++type) {
    if (static_cast<FrameType>(type) == kPriorityUpdate) continue;
    for (const uint32_t stream : {0u, 1u, 2u, kMaxStream}) {
      EXPECT_THAT(Check(static_cast<FrameType>(type), 16384, stream, 0xff), IsFine()) << type;
    }
  }
}

TEST(H2Check, UnknownTypesKeepTheFrameSize) {
  EXPECT_THAT(Check(static_cast<FrameType>(0xb), 16385, 1),
              IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Check, FlagsThatATypeDoesNotDefineAreIgnored) {
  EXPECT_THAT(Check(kData, 10, 1, 0xff & ~kFlagPadded), IsFine());
  EXPECT_THAT(Check(kPriority, 5, 1, 0xff), IsFine());
  EXPECT_THAT(Check(kRstStream, 4, 1, 0xff), IsFine());
  EXPECT_THAT(Check(kSettings, 6, 0, 0xff & ~kFlagAck), IsFine());
  EXPECT_THAT(Check(kPing, 8, 0, 0xff), IsFine());
  EXPECT_THAT(Check(kGoaway, 8, 0, 0xff), IsFine());
  EXPECT_THAT(Check(kWindowUpdate, 4, 1, 0xff), IsFine());
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 0, 1, 0xff), InsideBlock(1)), IsFine());
}

TEST(H2Check, AFrameSizeThatWeAnnouncedCounts) {
  FrameContext context = Running();
  context.max_frame_size = 20000;
  EXPECT_THAT(CheckFrameHeader(Header(kHeaders, 20000, 1), context), IsFine());
  EXPECT_THAT(CheckFrameHeader(Header(kHeaders, 20001, 1), context),
              IsConnectionFault(ErrorCode::kFrameSizeError));
}

// A length that a type cannot have is found though the payload would be within the frame size, and
// the other way round: no length whatever is passed on that a parser could read past.
TEST(H2Check, APayloadThatParsersReadIsThereWhenTheHeaderIsFine) {
  for (int type = 0; type < 256; ++type) {
    for (const int flags : {0x0, 0x1, 0x8, 0x20, 0x28, 0xff}) {
      for (uint32_t length = 0; length < 20; ++length) {
        for (const uint32_t stream : {0u, 1u}) {
          const FrameHeader header = Header(static_cast<FrameType>(type), length, stream, flags);
          if (CheckFrameHeader(header, Running())) continue;
          switch (header.type) {
            case kPriority:
              EXPECT_EQ(length, 5u);
              break;
            case kRstStream:
            case kWindowUpdate:
              EXPECT_EQ(length, 4u);
              break;
            case kPing:
              EXPECT_EQ(length, 8u);
              break;
            case kGoaway:
              EXPECT_GE(length, 8u);
              break;
            case kSettings:
              EXPECT_EQ(length % 6, 0u);
              break;
            case kPriorityUpdate:
              EXPECT_GE(length, 4u);
              break;
            case kData:
              EXPECT_GE(length, (flags & 8) != 0 ? 1u : 0u);
              break;
            case kHeaders:
              EXPECT_GE(length, ((flags & 8) != 0 ? 1u : 0u) + ((flags & 32) != 0 ? 5u : 0u));
              break;
            case kPushPromise:
            case kContinuation:
              ADD_FAILURE() << "never fine here";
              break;
            default:
              break;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace weir::h2
