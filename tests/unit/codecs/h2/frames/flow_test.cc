#include "codecs/h2/frames/settings.h"
#include "codecs/h2/frames/window_update.h"
#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

TEST(H2WindowUpdate, IsFourOctetsLong) {
  for (uint32_t length = 0; length < 20; ++length) {
    for (const uint32_t stream : {0u, 1u}) {
      if (length == 4) {
        EXPECT_THAT(Check(kWindowUpdate, length, stream), IsFine());
      } else {
        EXPECT_THAT(Check(kWindowUpdate, length, stream),
                    IsConnectionFault(ErrorCode::kFrameSizeError));
      }
    }
  }
}

TEST(H2WindowUpdate, AnIncrementOfZeroIsAnErrorOfItsStream) {
  uint32_t increment = 0;
  for (const std::string_view payload :
       {std::string_view("\0\0\0\0", 4), std::string_view("\x80\0\0\0", 4)}) {
    EXPECT_THAT(ParseWindowUpdate(Header(kWindowUpdate, 4, 1), Bytes(payload), &increment),
                IsStreamFault(ErrorCode::kProtocolError));
  }
}

TEST(H2WindowUpdate, AnIncrementOfZeroIsAnErrorOfTheConnection) {
  uint32_t increment = 0;
  EXPECT_THAT(ParseWindowUpdate(Header(kWindowUpdate, 4, 0), Bytes(std::string_view("\0\0\0\0", 4)),
                                &increment),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2WindowUpdate, TheReservedBitIsMasked) {
  uint32_t increment = 0;
  EXPECT_THAT(ParseWindowUpdate(Header(kWindowUpdate, 4, 0),
                                Bytes(std::string_view("\xff\xff\xff\xff", 4)), &increment),
              IsFine());
  EXPECT_EQ(increment, 0x7fffffffu);
}

TEST(H2WindowUpdate, AStreamsWindowIsAtMost31Bits) {
  int32_t window = 1;
  EXPECT_THAT(RaiseWindow(1, 0x7fffffff, &window), IsStreamFault(ErrorCode::kFlowControlError));
  EXPECT_EQ(window, 1);
  EXPECT_THAT(RaiseWindow(1, 0x7ffffffe, &window), IsFine());
  EXPECT_EQ(window, 0x7fffffff);
  EXPECT_THAT(RaiseWindow(1, 1, &window), IsStreamFault(ErrorCode::kFlowControlError));
}

TEST(H2WindowUpdate, TheConnectionsWindowIsAtMost31Bits) {
  int32_t window = 1;
  EXPECT_THAT(RaiseWindow(0, 0x7fffffff, &window), IsConnectionFault(ErrorCode::kFlowControlError));
  EXPECT_EQ(window, 1);
  EXPECT_THAT(RaiseWindow(0, 0x7ffffffe, &window), IsFine());
}

TEST(H2WindowUpdate, ANegativeWindowIsRaised) {
  int32_t window = -65535;
  EXPECT_THAT(RaiseWindow(1, 0x7fffffff, &window), IsFine());
  EXPECT_EQ(window, 0x7fffffff - 65535);
}

TEST(H2WindowUpdate, IsReadAsItWasWritten) {
  for (const uint32_t increment : {1u, 65535u, kMaxWindow}) {
    uint8_t bytes[kWindowUpdateFrameSize];
    ASSERT_EQ(WriteWindowUpdate(bytes, 5, increment), bytes + sizeof(bytes));
    const FrameHeader header = ReadFrameHeader(bytes);
    ASSERT_THAT(CheckFrameHeader(header, Running()), IsFine());
    uint32_t read = 0;
    EXPECT_THAT(ParseWindowUpdate(header, bytes + kFrameHeaderSize, &read), IsFine());
    EXPECT_EQ(read, increment);
    EXPECT_EQ(header.stream, 5u);
  }
}

TEST(H2Settings, ASmallerInitialWindowMayMakeWindowsNegative) {
  int32_t window = 100;
  EXPECT_THAT(ShiftWindow(65535, 0, &window), IsFine());
  EXPECT_EQ(window, 100 - 65535);
  EXPECT_THAT(ShiftWindow(0, 65535, &window), IsFine());
  EXPECT_EQ(window, 100);
}

TEST(H2Settings, AnInitialWindowThatOverflowsAStreamsCostsTheConnection) {
  int32_t window = 0x7fffffff - 10;
  EXPECT_THAT(ShiftWindow(0, 11, &window), IsConnectionFault(ErrorCode::kFlowControlError));
  EXPECT_EQ(window, 0x7fffffff - 10);
  EXPECT_THAT(ShiftWindow(0, 10, &window), IsFine());
  EXPECT_EQ(window, 0x7fffffff);
}

// The lowest a window can come to: all of the largest window sent, then the window taken away.
TEST(H2Settings, TheLowestWindowHoldsItsValue) {
  int32_t window = 0;
  EXPECT_THAT(ShiftWindow(kMaxWindow, 0, &window), IsFine());
  EXPECT_EQ(window, -0x7fffffff);
}

}  // namespace
}  // namespace weir::h2
