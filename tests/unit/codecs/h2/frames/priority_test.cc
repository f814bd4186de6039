#include "codecs/h2/frames/priority.h"

#include "codecs/h2/frames/priority_update.h"
#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

TEST(H2Priority, BelongsToAStream) {
  EXPECT_THAT(Check(kPriority, 5, 0), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kPriority, 5, 1), IsFine());
}

TEST(H2Priority, IsFiveOctetsLong) {
  for (uint32_t length = 0; length < 20; ++length) {
    if (length == 5) continue;
    EXPECT_THAT(Check(kPriority, length, 1), IsStreamFault(ErrorCode::kFrameSizeError)) << length;
  }
}

TEST(H2Priority, AStreamDoesNotDependOnItself) {
  const FrameHeader header = Header(kPriority, 5, 3);
  EXPECT_THAT(ParsePriority(header, Bytes(std::string_view("\0\0\0\x03\x10", 5))),
              IsStreamFault(ErrorCode::kProtocolError));
  EXPECT_THAT(ParsePriority(header, Bytes(std::string_view("\x80\0\0\x03\x10", 5))),
              IsStreamFault(ErrorCode::kProtocolError));
  EXPECT_THAT(ParsePriority(header, Bytes(std::string_view("\0\0\0\x00\x10", 5))), IsFine());
  EXPECT_THAT(ParsePriority(header, Bytes(std::string_view("\xff\xff\xff\xff\xff", 5))), IsFine());
}

TEST(H2Priority, IsReadAsItWasWritten) {
  uint8_t bytes[kPriorityFrameSize];
  ASSERT_EQ(WritePriority(bytes, 3, 3, 200), bytes + sizeof(bytes));
  const FrameHeader header = ReadFrameHeader(bytes);
  EXPECT_THAT(CheckFrameHeader(header, Running()), IsFine());
  EXPECT_THAT(ParsePriority(header, bytes + kFrameHeaderSize),
              IsStreamFault(ErrorCode::kProtocolError));
  EXPECT_EQ(bytes[13], 200);
}

TEST(H2PriorityUpdate, BelongsToTheConnection) {
  EXPECT_THAT(Check(kPriorityUpdate, 7, 1), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kPriorityUpdate, 7, 0), IsFine());
}

TEST(H2PriorityUpdate, ComesFromClientsOnly) {
  EXPECT_THAT(CheckFrameHeader(Header(kPriorityUpdate, 7, 0), RunningClient()),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2PriorityUpdate, HasAStreamNumber) {
  for (uint32_t length = 0; length < 4; ++length) {
    EXPECT_THAT(Check(kPriorityUpdate, length, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
  }
  EXPECT_THAT(Check(kPriorityUpdate, 4, 0), IsFine());
  EXPECT_THAT(Check(kPriorityUpdate, 16385, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2PriorityUpdate, NamesARequest) {
  const FrameHeader header = Header(kPriorityUpdate, 7, 0);
  PriorityUpdate update;
  EXPECT_THAT(ParsePriorityUpdate(header, Bytes(std::string_view("\0\0\0\0u=1", 7)), &update),
              IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(ParsePriorityUpdate(header, Bytes(std::string_view("\0\0\0\x02u=1", 7)), &update),
              IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(ParsePriorityUpdate(header, Bytes(std::string_view("\x80\0\0\x05u=1", 7)), &update),
              IsFine());
  EXPECT_EQ(update.stream, 5u);
  EXPECT_EQ(update.value.urgency, 1);
}

TEST(H2PriorityUpdate, AMalformedValueMeansTheDefaults) {
  PriorityUpdate update;
  update.value.urgency = 0;
  EXPECT_THAT(ParsePriorityUpdate(Header(kPriorityUpdate, 8, 0),
                                  Bytes(std::string_view("\0\0\0\x05u=1,", 8)), &update),
              IsFine());
  EXPECT_EQ(update.value.urgency, 3);
  EXPECT_THAT(ParsePriorityUpdate(Header(kPriorityUpdate, 4, 0),
                                  Bytes(std::string_view("\0\0\0\x05", 4)), &update),
              IsFine());
  EXPECT_EQ(update.value.urgency, 3);
  EXPECT_FALSE(update.value.incremental);
}

TEST(H2PriorityUpdate, IsReadAsItWasWritten) {
  for (uint8_t urgency = 0; urgency < 8; ++urgency) {
    for (const bool incremental : {false, true}) {
      uint8_t bytes[kPriorityUpdateFrameSize];
      uint8_t* const end = WritePriorityUpdate(bytes, 77, {urgency, incremental});
      ASSERT_LE(end, bytes + sizeof(bytes));
      const FrameHeader header = ReadFrameHeader(bytes);
      ASSERT_EQ(bytes + kFrameHeaderSize + header.length, end);
      ASSERT_THAT(CheckFrameHeader(header, Running()), IsFine());
      PriorityUpdate update;
      ASSERT_THAT(ParsePriorityUpdate(header, bytes + kFrameHeaderSize, &update), IsFine());
      EXPECT_EQ(update.stream, 77u);
      EXPECT_EQ(update.value.urgency, urgency);
      EXPECT_EQ(update.value.incremental, incremental);
    }
  }
}

}  // namespace
}  // namespace weir::h2
