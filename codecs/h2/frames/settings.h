// SETTINGS (RFC 9113 sections 6.5 and 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1).
//
//   SettingsCursor cursor(header, payload);
//   for (Setting setting; cursor.Next(&setting);) {
//     if (const Fault fault = peer.Apply(setting, position)) ...
//   }
//   peer.EndFrame();
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

enum class SettingId : uint16_t {
  kHeaderTableSize = 0x1,
  kEnablePush = 0x2,
  kMaxConcurrentStreams = 0x3,
  kInitialWindowSize = 0x4,
  kMaxFrameSize = 0x5,
  kMaxHeaderListSize = 0x6,
  kEnableConnectProtocol = 0x8,
  kNoRfc7540Priorities = 0x9,
};

// The RFC's name without SETTINGS_, or "unknown" for one that is to be ignored. Static text.
const char* Name(SettingId id);

struct Setting {
  SettingId id{};
  uint32_t value = 0;
};

inline constexpr size_t kSettingSize = 6;
inline constexpr size_t kMaxOwnSettings = 8;  // every one that has a name
inline constexpr size_t kSettingsFrameSize = kFrameHeaderSize + kMaxOwnSettings * kSettingSize;

constexpr Fault CheckSettingsHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.stream != 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.settings_on_stream");
  }
  if (header.Has(kFlagAck)) {
    if (header.length == 0) return {};
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.settings_ack_with_payload");
  }
  if (header.length % kSettingSize != 0 || header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.settings_length");
  }
  return {};
}

// Walks the pairs of one frame, in their order. The payload has to outlive it.
class SettingsCursor {
 public:
  constexpr SettingsCursor(const FrameHeader& header, const uint8_t* payload)
      : at_(payload), left_(header.length / kSettingSize) {}

  // Entries that are still to come.
  constexpr size_t left() const { return left_; }

  // False at the end.
  constexpr bool Next(Setting* out) {
    if (left_ == 0) return false;
    *out = {static_cast<SettingId>(Read16(at_)), Read32(at_ + 2)};
    at_ += kSettingSize;
    --left_;
    return true;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

// Whether the peer may say this at all. `position` is ours: a server may not allow push.
Fault CheckSetting(const Setting& setting, Position position);

// What the peer has told us, from the values in force before its first frame on. 24 octets, one per
// connection.
class PeerSettings {
 public:
  // Takes one pair over. A fault leaves all as it was. A setting without a name is ignored.
  Fault Apply(const Setting& setting, Position position);

  // After the last pair of a frame: from the first frame on, some may no longer change.
  void EndFrame() { first_done_ = true; }

  uint32_t header_table_size() const { return header_table_size_; }
  uint32_t max_concurrent_streams() const { return max_concurrent_streams_; }
  uint32_t initial_window_size() const { return initial_window_size_; }
  uint32_t max_frame_size() const { return max_frame_size_; }
  uint32_t max_header_list_size() const { return max_header_list_size_; }
  bool enable_push() const { return enable_push_; }
  bool enable_connect_protocol() const { return enable_connect_protocol_; }
  bool no_rfc7540_priorities() const { return no_rfc7540_priorities_; }

 private:
  Fault ApplyFlag(const Setting& setting);

  uint32_t header_table_size_ = 4096;
  uint32_t max_concurrent_streams_ = UINT32_MAX;  // no bound
  uint32_t initial_window_size_ = kDefaultWindow;
  uint32_t max_frame_size_ = kMinMaxFrameSize;
  uint32_t max_header_list_size_ = UINT32_MAX;  // no bound
  bool enable_push_ = true;
  bool enable_connect_protocol_ = false;
  bool no_rfc7540_priorities_ = false;
  bool first_done_ = false;
};

// Moves a stream's send window by what a new INITIAL_WINDOW_SIZE differs from the old one; it may
// become negative. A fault of the connection, and no change, where it would grow too large (section
// 6.9.2).
constexpr Fault ShiftWindow(uint32_t old_initial, uint32_t new_initial, int32_t* window) {
  const int64_t shifted = int64_t{*window} + int64_t{new_initial} - int64_t{old_initial};
  if (shifted > int64_t{kMaxWindow}) {
    return ConnectionFault(ErrorCode::kFlowControlError, "http2.settings_window_overflow");
  }
  *window = static_cast<int32_t>(shifted);
  return {};
}

// At most kMaxOwnSettings.
constexpr uint8_t* WriteSettings(uint8_t* at, const Setting* settings, size_t count) {
  at =
      WriteFrameHeader(at, static_cast<uint32_t>(count * kSettingSize), FrameType::kSettings, 0, 0);
  for (size_t i = 0; i < count; ++i) {
    at = Write16(at, static_cast<uint16_t>(settings[i].id));
    at = Write32(at, settings[i].value);
  }
  return at;
}

// kFrameHeaderSize octets.
constexpr uint8_t* WriteSettingsAck(uint8_t* at) {
  return WriteFrameHeader(at, 0, FrameType::kSettings, kFlagAck, 0);
}

}  // namespace weir::h2
