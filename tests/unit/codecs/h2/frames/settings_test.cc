#include "codecs/h2/frames/settings.h"

#include <vector>

#include "tests/unit/codecs/h2/frames/frame_testing.h"

namespace weir::h2 {
namespace {

using enum FrameType;

Fault Say(SettingId id, uint32_t value, Position position = Position::kServer) {
  PeerSettings settings;
  return settings.Apply({id, value}, position);
}

TEST(H2Settings, BelongsToTheConnection) {
  EXPECT_THAT(Check(kSettings, 6, 1), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kSettings, 0, 1, kFlagAck), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Check(kSettings, 6, 0), IsFine());
}

TEST(H2Settings, AnAcknowledgementIsEmpty) {
  EXPECT_THAT(Check(kSettings, 0, 0, kFlagAck), IsFine());
  EXPECT_THAT(Check(kSettings, 1, 0, kFlagAck), IsConnectionFault(ErrorCode::kFrameSizeError));
  EXPECT_THAT(Check(kSettings, 6, 0, kFlagAck), IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Settings, LengthIsAMultipleOfSix) {
  for (uint32_t length = 0; length < 40; ++length) {
    if (length % 6 == 0) {
      EXPECT_THAT(Check(kSettings, length, 0), IsFine());
    } else {
      EXPECT_THAT(Check(kSettings, length, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
    }
  }
}

TEST(H2Settings, LongerThanAllowedCostsTheConnection) {
  EXPECT_THAT(Check(kSettings, 16380, 0), IsFine());
  EXPECT_THAT(Check(kSettings, 16386, 0), IsConnectionFault(ErrorCode::kFrameSizeError));
}

TEST(H2Settings, EnablePushIsZeroOrOne) {
  EXPECT_THAT(Say(SettingId::kEnablePush, 0), IsFine());
  EXPECT_THAT(Say(SettingId::kEnablePush, 1), IsFine());
  EXPECT_THAT(Say(SettingId::kEnablePush, 2), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Say(SettingId::kEnablePush, UINT32_MAX),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Settings, AServerDoesNotEnablePush) {
  EXPECT_THAT(Say(SettingId::kEnablePush, 0, Position::kClient), IsFine());
  EXPECT_THAT(Say(SettingId::kEnablePush, 1, Position::kClient),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Settings, InitialWindowSizeIsAtMost31Bits) {
  EXPECT_THAT(Say(SettingId::kInitialWindowSize, 0), IsFine());
  EXPECT_THAT(Say(SettingId::kInitialWindowSize, 0x7fffffff), IsFine());
  EXPECT_THAT(Say(SettingId::kInitialWindowSize, 0x80000000),
              IsConnectionFault(ErrorCode::kFlowControlError));
  EXPECT_THAT(Say(SettingId::kInitialWindowSize, UINT32_MAX),
              IsConnectionFault(ErrorCode::kFlowControlError));
}

TEST(H2Settings, MaxFrameSizeIsBetweenItsBounds) {
  EXPECT_THAT(Say(SettingId::kMaxFrameSize, 16383), IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Say(SettingId::kMaxFrameSize, 16384), IsFine());
  EXPECT_THAT(Say(SettingId::kMaxFrameSize, 16777215), IsFine());
  EXPECT_THAT(Say(SettingId::kMaxFrameSize, 16777216),
              IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_THAT(Say(SettingId::kMaxFrameSize, 0), IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Settings, EnableConnectProtocolIsZeroOrOne) {
  EXPECT_THAT(Say(SettingId::kEnableConnectProtocol, 0), IsFine());
  EXPECT_THAT(Say(SettingId::kEnableConnectProtocol, 1), IsFine());
  EXPECT_THAT(Say(SettingId::kEnableConnectProtocol, 2),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Settings, EnableConnectProtocolIsNotTakenBack) {
  PeerSettings settings;
  EXPECT_THAT(settings.Apply({SettingId::kEnableConnectProtocol, 0}, Position::kClient), IsFine());
  EXPECT_THAT(settings.Apply({SettingId::kEnableConnectProtocol, 1}, Position::kClient), IsFine());
  EXPECT_THAT(settings.Apply({SettingId::kEnableConnectProtocol, 1}, Position::kClient), IsFine());
  EXPECT_THAT(settings.Apply({SettingId::kEnableConnectProtocol, 0}, Position::kClient),
              IsConnectionFault(ErrorCode::kProtocolError));
  EXPECT_TRUE(settings.enable_connect_protocol());
}

TEST(H2Settings, NoRfc7540PrioritiesIsZeroOrOne) {
  EXPECT_THAT(Say(SettingId::kNoRfc7540Priorities, 0), IsFine());
  EXPECT_THAT(Say(SettingId::kNoRfc7540Priorities, 1), IsFine());
  EXPECT_THAT(Say(SettingId::kNoRfc7540Priorities, 2),
              IsConnectionFault(ErrorCode::kProtocolError));
}

TEST(H2Settings, NoRfc7540PrioritiesStaysAsTheFirstFrameSaid) {
  for (const uint32_t first : {0u, 1u}) {
    PeerSettings settings;
    EXPECT_THAT(settings.Apply({SettingId::kNoRfc7540Priorities, first}, Position::kServer),
                IsFine());
    settings.EndFrame();
    EXPECT_THAT(settings.Apply({SettingId::kNoRfc7540Priorities, first}, Position::kServer),
                IsFine());
    EXPECT_THAT(settings.Apply({SettingId::kNoRfc7540Priorities, 1 - first}, Position::kServer),
                IsConnectionFault(ErrorCode::kProtocolError));
    EXPECT_EQ(settings.no_rfc7540_priorities(), first == 1);
  }
}

TEST(H2Settings, OtherSettingsTakeAnyValue) {
  for (const uint32_t value : {0u, 1u, 0x7fffffffu, 0x80000000u, UINT32_MAX}) {
    EXPECT_THAT(Say(SettingId::kHeaderTableSize, value), IsFine());
    EXPECT_THAT(Say(SettingId::kMaxConcurrentStreams, value), IsFine());
    EXPECT_THAT(Say(SettingId::kMaxHeaderListSize, value), IsFine());
  }
}

TEST(H2Settings, UnknownSettingsAreIgnored) {
  PeerSettings settings;
  for (uint32_t id = 0; id < 65536; ++id) {
    if ((id >= 1 && id <= 6) || id == 8 || id == 9) continue;
    ASSERT_THAT(settings.Apply({static_cast<SettingId>(id), UINT32_MAX}, Position::kServer),
                IsFine());
    ASSERT_STREQ(Name(static_cast<SettingId>(id)), "unknown");
  }
  EXPECT_EQ(settings.initial_window_size(), 65535u);
}

TEST(H2Settings, ValuesBeforeTheFirstFrameAreTheDefaults) {
  const PeerSettings settings;
  EXPECT_EQ(settings.header_table_size(), 4096u);
  EXPECT_EQ(settings.max_concurrent_streams(), UINT32_MAX);
  EXPECT_EQ(settings.initial_window_size(), 65535u);
  EXPECT_EQ(settings.max_frame_size(), 16384u);
  EXPECT_EQ(settings.max_header_list_size(), UINT32_MAX);
  EXPECT_TRUE(settings.enable_push());
  EXPECT_FALSE(settings.enable_connect_protocol());
  EXPECT_FALSE(settings.no_rfc7540_priorities());
}

TEST(H2Settings, ValuesApplyInTheirOrder) {
  static constexpr Setting kPairs[] = {
      {SettingId::kInitialWindowSize, 1}, {SettingId::kInitialWindowSize, 2},
      {SettingId::kHeaderTableSize, 3},   {SettingId::kMaxConcurrentStreams, 4},
      {SettingId::kMaxFrameSize, 16385},  {SettingId::kMaxHeaderListSize, 5},
      {SettingId::kEnablePush, 0},        {SettingId::kInitialWindowSize, 77},
  };
  uint8_t bytes[kSettingsFrameSize];
  ASSERT_EQ(WriteSettings(bytes, kPairs, 8), bytes + sizeof(bytes));
  const FrameHeader header = ReadFrameHeader(bytes);
  ASSERT_THAT(CheckFrameHeader(header, Running()), IsFine());
  PeerSettings settings;
  SettingsCursor cursor(header, bytes + kFrameHeaderSize);
  EXPECT_EQ(cursor.left(), 8u);
  std::vector<uint32_t> windows;
  for (Setting setting; cursor.Next(&setting);) {
    ASSERT_THAT(settings.Apply(setting, Position::kServer), IsFine());
    if (setting.id == SettingId::kInitialWindowSize) {
      windows.push_back(settings.initial_window_size());
    }
  }
  EXPECT_EQ(cursor.left(), 0u);
  EXPECT_EQ(windows, (std::vector<uint32_t>{1, 2, 77}));
  EXPECT_EQ(settings.header_table_size(), 3u);
  EXPECT_EQ(settings.max_concurrent_streams(), 4u);
  EXPECT_EQ(settings.max_frame_size(), 16385u);
  EXPECT_EQ(settings.max_header_list_size(), 5u);
  EXPECT_FALSE(settings.enable_push());
}

TEST(H2Settings, AFaultChangesNothing) {
  PeerSettings settings;
  EXPECT_TRUE(settings.Apply({SettingId::kMaxFrameSize, 1}, Position::kServer));
  EXPECT_TRUE(settings.Apply({SettingId::kInitialWindowSize, UINT32_MAX}, Position::kServer));
  EXPECT_TRUE(settings.Apply({SettingId::kEnablePush, 2}, Position::kServer));
  EXPECT_EQ(settings.max_frame_size(), 16384u);
  EXPECT_EQ(settings.initial_window_size(), 65535u);
  EXPECT_TRUE(settings.enable_push());
}

TEST(H2Settings, AcknowledgementIsWrittenEmpty) {
  uint8_t bytes[kFrameHeaderSize];
  ASSERT_EQ(WriteSettingsAck(bytes), bytes + sizeof(bytes));
  const FrameHeader header = ReadFrameHeader(bytes);
  EXPECT_THAT(CheckFrameHeader(header, Running()), IsFine());
  EXPECT_EQ(header.type, kSettings);
  EXPECT_TRUE(header.Has(kFlagAck));
}

TEST(H2Settings, NamesAreTheOnesOfTheRfcs) {
  EXPECT_STREQ(Name(SettingId::kHeaderTableSize), "HEADER_TABLE_SIZE");
  EXPECT_STREQ(Name(SettingId::kEnablePush), "ENABLE_PUSH");
  EXPECT_STREQ(Name(SettingId::kMaxConcurrentStreams), "MAX_CONCURRENT_STREAMS");
  EXPECT_STREQ(Name(SettingId::kInitialWindowSize), "INITIAL_WINDOW_SIZE");
  EXPECT_STREQ(Name(SettingId::kMaxFrameSize), "MAX_FRAME_SIZE");
  EXPECT_STREQ(Name(SettingId::kMaxHeaderListSize), "MAX_HEADER_LIST_SIZE");
  EXPECT_STREQ(Name(SettingId::kEnableConnectProtocol), "ENABLE_CONNECT_PROTOCOL");
  EXPECT_STREQ(Name(SettingId::kNoRfc7540Priorities), "NO_RFC7540_PRIORITIES");
}

}  // namespace
}  // namespace weir::h2
