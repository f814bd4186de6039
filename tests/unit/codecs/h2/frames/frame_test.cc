#include "codecs/h2/frames/frame.h"

#include <array>
#include <set>
#include <string>

#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

TEST(H2Frame, HeaderIsNineOctetsBigEndian) {
  const FrameHeader header =
      ReadFrameHeader(Bytes(std::string_view("\x01\x02\x03\x09\x25\x12\x34\x56\x78", 9)));
  EXPECT_EQ(header.length, 0x010203u);
  EXPECT_EQ(header.type, FrameType::kContinuation);
  EXPECT_EQ(header.flags, 0x25);
  EXPECT_EQ(header.stream, 0x12345678u);
}

TEST(H2Frame, ReservedBitOfTheStreamIsMasked) {
  for (int type = 0; type < 256; ++type) {
    uint8_t bytes[9] = {0, 0, 0, static_cast<uint8_t>(type), 0, 0x80, 0, 0, 1};
    EXPECT_EQ(ReadFrameHeader(bytes).stream, 1u);
  }
}

TEST(H2Frame, HeaderIsReadAsItWasWritten) {
  for (const uint32_t length : {0u, 1u, 16384u, kMaxMaxFrameSize}) {
    for (const uint32_t stream : {0u, 1u, kMaxStream}) {
      uint8_t bytes[kFrameHeaderSize];
      uint8_t* const end = WriteFrameHeader(bytes, length, FrameType::kGoaway, 0x5a, stream);
      ASSERT_EQ(end, bytes + kFrameHeaderSize);
      const FrameHeader header = ReadFrameHeader(bytes);
      EXPECT_EQ(header.length, length);
      EXPECT_EQ(header.stream, stream);
      EXPECT_EQ(header.type, FrameType::kGoaway);
      EXPECT_EQ(header.flags, 0x5a);
    }
  }
}

TEST(H2Frame, NamesAreTheOnesOfTheRfc) {
  EXPECT_STREQ(Name(FrameType::kData), "DATA");
  EXPECT_STREQ(Name(FrameType::kPriorityUpdate), "PRIORITY_UPDATE");
  EXPECT_STREQ(Name(static_cast<FrameType>(0x7f)), "unknown");
  std::set<std::string> names;
  for (int type = 0; type < 256; ++type) names.insert(Name(static_cast<FrameType>(type)));
  EXPECT_EQ(names.size(), 12u);
}

TEST(H2ErrorCode, ValuesAndNamesAreTheOnesOfTheRfc) {
  static constexpr std::array<const char*, 14> kNames = {"NO_ERROR",
                                                         "PROTOCOL_ERROR",
                                                         "INTERNAL_ERROR",
                                                         "FLOW_CONTROL_ERROR",
                                                         "SETTINGS_TIMEOUT",
                                                         "STREAM_CLOSED",
                                                         "FRAME_SIZE_ERROR",
                                                         "REFUSED_STREAM",
                                                         "CANCEL",
                                                         "COMPRESSION_ERROR",
                                                         "CONNECT_ERROR",
                                                         "ENHANCE_YOUR_CALM",
                                                         "INADEQUATE_SECURITY",
                                                         "HTTP_1_1_REQUIRED"};
  for (uint32_t code = 0; code < kNames.size(); ++code) {
    EXPECT_STREQ(Name(static_cast<ErrorCode>(code)), kNames[code]);
  }
  EXPECT_STREQ(Name(static_cast<ErrorCode>(14)), "unknown");
  EXPECT_STREQ(Name(static_cast<ErrorCode>(0xffffffff)), "unknown");
}

TEST(H2Fault, IsTrueWhenSomethingIsWrong) {
  EXPECT_FALSE(Fault{});
  EXPECT_TRUE(StreamFault(ErrorCode::kNoError, "http2.test"));
  EXPECT_TRUE(ConnectionFault(ErrorCode::kNoError, "http2.test"));
}

}  // namespace
}  // namespace weir::h2
