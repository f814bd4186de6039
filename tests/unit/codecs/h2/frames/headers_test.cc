#include "codecs/h2/frames/headers.h"

#include "codecs/h2/frames/continuation.h"
#include "codecs/h2/frames/push_promise.h"
#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

constexpr int kBoth = kFlagPadded | kFlagPriority;

TEST(H2Headers, BelongsToAStream) {
  EXPECT_THAT(Check(kHeaders, 10, 0), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kHeaders, 10, 1), IsFine());
}

TEST(H2Headers, LongerThanAllowedCostsTheConnection) {
  EXPECT_THAT(Check(kHeaders, 16384, 1), IsFine());
  EXPECT_THAT(Check(kHeaders, 16385, 1), IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Headers, HasRoomForWhatItsFlagsSay) {
  const struct {
    int flags;
    uint32_t least;
  } cases[] = {{0, 0}, {kFlagPadded, 1}, {kFlagPriority, 5}, {kBoth, 6}};
  for (const auto& test : cases) {
    EXPECT_EQ(HeadersPrefixSize(Header(kHeaders, 10, 1, test.flags)), test.least);
    for (uint32_t length = 0; length < test.least; ++length) {
      EXPECT_THAT(Check(kHeaders, length, 1, test.flags),
                  IsConnectionFault(ErrorCode::kFrameSizeError));
    }
    EXPECT_THAT(Check(kHeaders, test.least, 1, test.flags), IsFine());
    EXPECT_THAT(Check(kHeaders, test.least + 1, 1, test.flags), IsFine());
  }
}

TEST(H2Headers, PrefixSaysWhereTheFragmentIs) {
  HeadersPrefix prefix;
  EXPECT_THAT(ParseHeadersPrefix(Header(kHeaders, 20, 1), nullptr, &prefix), IsFine());
  EXPECT_EQ(prefix.size, 0);
  EXPECT_EQ(prefix.fragment, 20u);
  EXPECT_THAT(ParseHeadersPrefix(Header(kHeaders, 20, 1, kFlagPriority),
                                 Bytes(std::string_view("\0\0\0\x03\xff", 5)), &prefix),
              IsFine());
  EXPECT_EQ(prefix.size, 5);
  EXPECT_EQ(prefix.fragment, 15u);
  EXPECT_EQ(prefix.padding, 0);
  EXPECT_THAT(ParseHeadersPrefix(Header(kHeaders, 20, 1, kBoth),
                                 Bytes(std::string_view("\x04\0\0\0\0\0", 6)), &prefix),
              IsFine());
  EXPECT_EQ(prefix.size, 6);
  EXPECT_EQ(prefix.fragment, 10u);
  EXPECT_EQ(prefix.padding, 4);
}

TEST(H2Headers, PaddingLeavesRoomForTheFragment) {
  for (const int flags : {+kFlagPadded, kBoth}) {
    const FrameHeader header = Header(kHeaders, 10, 1, flags);
    const uint32_t most = 10 - HeadersPrefixSize(header);
    for (uint32_t padding = 0; padding < 256; ++padding) {
      const uint8_t payload[6] = {static_cast<uint8_t>(padding), 0, 0, 0, 3, 0};
      HeadersPrefix prefix;
      const Fault fault = ParseHeadersPrefix(header, payload, &prefix);
      if (padding > most) {
        EXPECT_THAT(fault, IsConnectionFault(ErrorCode::kProtocolError)) << padding;
      } else {
        EXPECT_THAT(fault, IsFine()) << padding;
        EXPECT_EQ(prefix.fragment, most - padding);
      }
    }
  }
}

TEST(H2Headers, AStreamThatDependsOnItselfIsResetAndItsBlockStillDecoded) {
  for (const std::string_view payload :
       {std::string_view("\0\0\0\x07\x10", 5), std::string_view("\x80\0\0\x07\x10", 5)}) {
    HeadersPrefix prefix;
    EXPECT_THAT(ParseHeadersPrefix(Header(kHeaders, 9, 7, kFlagPriority), Bytes(payload), &prefix),
                IsStreamFault(ErrorCode::kProtocolError));
    EXPECT_EQ(prefix.size, 5);
    EXPECT_EQ(prefix.fragment, 4u);
  }
}

TEST(H2Headers, IsWrittenWithItsEnds) {
  for (const bool end_headers : {false, true}) {
    for (const bool end_stream : {false, true}) {
      uint8_t bytes[kFrameHeaderSize];
      ASSERT_EQ(WriteHeadersHeader(bytes, 9, 300, end_headers, end_stream),
                bytes + kFrameHeaderSize);
      const FrameHeader header = ReadFrameHeader(bytes);
      EXPECT_THAT(CheckFrameHeader(header, Running()), IsFine());
      EXPECT_EQ(header.type, kHeaders);
      EXPECT_EQ(header.length, 300u);
      EXPECT_EQ(header.stream, 9u);
      EXPECT_EQ(header.Has(kFlagEndHeaders), end_headers);
      EXPECT_EQ(header.Has(kFlagEndStream), end_stream);
      EXPECT_EQ(HeadersPrefixSize(header), 0u);
    }
  }
}

TEST(H2Continuation, BelongsToAStream) {
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 1, 0), InsideBlock(1)),
              IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kContinuation, 1, 0), IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Continuation, FollowsABlockThatIsOpen) {
  EXPECT_THAT(Check(kContinuation, 1, 1), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 1, 1), InsideBlock(1)), IsFine());
}

TEST(H2Continuation, IsOfTheStreamWhoseBlockIsOpen) {
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 1, 3), InsideBlock(1)),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Continuation, LongerThanAllowedCostsTheConnection) {
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 16384, 1), InsideBlock(1)), IsFine());
  EXPECT_THAT(CheckFrameHeader(Header(kContinuation, 16385, 1), InsideBlock(1)),
              IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Continuation, IsWrittenWithItsEnd) {
  uint8_t bytes[kFrameHeaderSize];
  ASSERT_EQ(WriteContinuationHeader(bytes, 9, 44, false), bytes + kFrameHeaderSize);
  EXPECT_THAT(CheckFrameHeader(ReadFrameHeader(bytes), InsideBlock(9)), IsFine());
  EXPECT_EQ(ReadFrameHeader(bytes).flags, 0);
  WriteContinuationHeader(bytes, 9, 44, true);
  EXPECT_EQ(ReadFrameHeader(bytes).flags, kFlagEndHeaders);
  EXPECT_EQ(ReadFrameHeader(bytes).length, 44u);
}

TEST(H2PushPromise, AClientMayNotPush) {
  for (const uint32_t stream : {0u, 1u, 2u}) {
    EXPECT_THAT(Check(kPushPromise, 10, stream), IsConnectionFault(ErrorCode::kProtocolError));
  }
}

TEST(H2PushPromise, AServerMayNotPushWhereWeForbadeIt) {
  for (const uint32_t stream : {0u, 1u, 2u}) {
    EXPECT_THAT(CheckFrameHeader(Header(kPushPromise, 10, stream), RunningClient()),
                IsConnectionFault(ErrorCode::kProtocolError));
  }
}

TEST(H2PushPromise, LongerThanAllowedIsAFrameSizeError) {
  EXPECT_THAT(CheckFrameHeader(Header(kPushPromise, 16385, 1), RunningClient()),
              IsConnectionFault(ErrorCode::kFrameSizeError));
}

}  // namespace
}  // namespace weir::h2
