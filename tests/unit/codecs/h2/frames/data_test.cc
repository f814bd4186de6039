#include "codecs/h2/frames/data.h"

#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

TEST(H2Data, BelongsToAStream) {
  EXPECT_THAT(Check(kData, 10, 0), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kData, 10, 1), IsFine());
}

TEST(H2Data, LongerThanAllowedCostsItsStream) {
  EXPECT_THAT(Check(kData, 16384, 1), IsFine());
  EXPECT_THAT(Check(kData, 16385, 1), IsStreamFault(ErrorCode::kFrameSizeError));
  EXPECT_THAT(Check(kData, kMaxMaxFrameSize, 1), IsStreamFault(ErrorCode::kFrameSizeError));
}

TEST(H2Data, PaddedHasAPaddingLength) {
  EXPECT_THAT(Check(kData, 0, 1, kFlagPadded), IsStreamFault(ErrorCode::kFrameSizeError));
  EXPECT_THAT(Check(kData, 1, 1, kFlagPadded), IsFine());
  EXPECT_THAT(Check(kData, 0, 1), IsFine());
}

TEST(H2Data, UnpaddedIsAllContent) {
  const FrameHeader header = Header(kData, 7, 1, kFlagEndStream);
  DataPrefix prefix;
  EXPECT_EQ(DataPrefixSize(header), 0u);
  EXPECT_THAT(ParseDataPrefix(header, nullptr, &prefix), IsFine());
  EXPECT_EQ(prefix.size, 0);
  EXPECT_EQ(prefix.content, 7u);
  EXPECT_EQ(prefix.padding, 0);
}

TEST(H2Data, PaddingIsShorterThanThePayload) {
  const FrameHeader header = Header(kData, 5, 1, kFlagPadded);
  ASSERT_EQ(DataPrefixSize(header), 1u);
  for (int padding = 0; padding < 256; ++padding) {
    const auto first = static_cast<uint8_t>(padding);
    DataPrefix prefix;
    const Fault fault = ParseDataPrefix(header, &first, &prefix);
    if (padding >= 5) {
      EXPECT_THAT(fault, IsConnectionFault(ErrorCode::kProtocolError)) << padding;
      continue;
    }
    EXPECT_THAT(fault, IsFine()) << padding;
    EXPECT_EQ(prefix.size, 1);
    EXPECT_EQ(prefix.padding, padding);
    EXPECT_EQ(prefix.content, 4u - static_cast<uint32_t>(padding));
  }
}

TEST(H2Data, PaddingAloneIsAnEmptyFrame) {
  const uint8_t first = 255;
  DataPrefix prefix;
  EXPECT_THAT(ParseDataPrefix(Header(kData, 256, 1, kFlagPadded), &first, &prefix), IsFine());
  EXPECT_EQ(prefix.content, 0u);
}

TEST(H2Data, IsWrittenWithItsEnd) {
  uint8_t bytes[kFrameHeaderSize];
  ASSERT_EQ(WriteDataHeader(bytes, 5, 16384, true), bytes + kFrameHeaderSize);
  FrameHeader header = ReadFrameHeader(bytes);
  EXPECT_THAT(CheckFrameHeader(header, Running()), IsFine());
  EXPECT_EQ(header.type, kData);
  EXPECT_EQ(header.length, 16384u);
  EXPECT_EQ(header.stream, 5u);
  EXPECT_EQ(header.flags, kFlagEndStream);
  WriteDataHeader(bytes, 5, 1, false);
  EXPECT_EQ(ReadFrameHeader(bytes).flags, 0);
}

}  // namespace
}  // namespace weir::h2
