#include "codecs/h2/frames/settings.h"

namespace weir::h2 {

static_assert(sizeof(PeerSettings) <= 24);

const char* Name(SettingId id) {
  switch (id) {
    case SettingId::kHeaderTableSize:
      return "HEADER_TABLE_SIZE";
    case SettingId::kEnablePush:
      return "ENABLE_PUSH";
    case SettingId::kMaxConcurrentStreams:
      return "MAX_CONCURRENT_STREAMS";
    case SettingId::kInitialWindowSize:
      return "INITIAL_WINDOW_SIZE";
    case SettingId::kMaxFrameSize:
      return "MAX_FRAME_SIZE";
    case SettingId::kMaxHeaderListSize:
      return "MAX_HEADER_LIST_SIZE";
    case SettingId::kEnableConnectProtocol:
      return "ENABLE_CONNECT_PROTOCOL";
    case SettingId::kNoRfc7540Priorities:
      return "NO_RFC7540_PRIORITIES";
  }
  return "unknown";
}

Fault CheckSetting(const Setting& setting, Position position) {
  const uint32_t value = setting.value;
  const auto refuse = [](bool wrong, const char* detail) {
    return wrong ? ConnectionFault(ErrorCode::kProtocolError, detail) : Fault{};
  };
  switch (setting.id) {
    case SettingId::kEnablePush:
      return refuse(value > (position == Position::kServer ? 1u : 0u), "http2.enable_push_value");
    case SettingId::kInitialWindowSize:
      if (value <= kMaxWindow) return {};
      return ConnectionFault(ErrorCode::kFlowControlError, "http2.initial_window_size_value");
    case SettingId::kMaxFrameSize:
      return refuse(value < kMinMaxFrameSize || value > kMaxMaxFrameSize,
                    "http2.max_frame_size_value");
    case SettingId::kEnableConnectProtocol:
      return refuse(value > 1, "http2.enable_connect_protocol_value");
    case SettingId::kNoRfc7540Priorities:
      return refuse(value > 1, "http2.no_rfc7540_priorities_value");
    case SettingId::kHeaderTableSize:
    case SettingId::kMaxConcurrentStreams:
    case SettingId::kMaxHeaderListSize:
      return {};
  }
  return {};
}

Fault PeerSettings::Apply(const Setting& setting, Position position) {
  if (const Fault fault = CheckSetting(setting, position)) return fault;
  switch (setting.id) {
    case SettingId::kHeaderTableSize:
      header_table_size_ = setting.value;
      break;
    case SettingId::kMaxConcurrentStreams:
      max_concurrent_streams_ = setting.value;
      break;
    case SettingId::kInitialWindowSize:
      initial_window_size_ = setting.value;
      break;
    case SettingId::kMaxFrameSize:
      max_frame_size_ = setting.value;
      break;
    case SettingId::kMaxHeaderListSize:
      max_header_list_size_ = setting.value;
      break;
    case SettingId::kEnablePush:
    case SettingId::kEnableConnectProtocol:
    case SettingId::kNoRfc7540Priorities:
      return ApplyFlag(setting);
  }
  return {};
}

Fault PeerSettings::ApplyFlag(const Setting& setting) {
  const bool on = setting.value != 0;
  if (setting.id == SettingId::kEnablePush) {
    enable_push_ = on;
  } else if (setting.id == SettingId::kEnableConnectProtocol) {
    // RFC 8441 section 3: once allowed, it stays so.
    if (enable_connect_protocol_ && !on) {
      return ConnectionFault(ErrorCode::kProtocolError, "http2.enable_connect_protocol_withdrawn");
    }
    enable_connect_protocol_ = on;
  } else {
    // RFC 9218 section 2.1: what the first frame said, or did not say, stands.
    if (first_done_ && no_rfc7540_priorities_ != on) {
      return ConnectionFault(ErrorCode::kProtocolError, "http2.no_rfc7540_priorities_changed");
    }
    no_rfc7540_priorities_ = on;
  }
  return {};
}

}  // namespace weir::h2
