// Frames as bytes, right or wrong, for what a peer may send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/frames/settings.h"

namespace weir::h2 {

// One behind the other. Unlike those of `+` the operands are evaluated in their order, which counts
// for blocks of fields.
inline std::string operator<<(std::string left, const std::string& right) {
  left += right;
  return left;
}

}  // namespace weir::h2

namespace weir::h2::wire {

inline std::string Number(uint32_t value, int octets) {
  std::string text;
  for (int shift = (octets - 1) * 8; shift >= 0; shift -= 8)
    text += static_cast<char>(value >> shift & 0xff);
  return text;
}

// The nine octets alone, with whatever length they claim.
inline std::string HeaderOf(uint32_t length, FrameType type, int flags, uint32_t stream) {
  std::string text(kFrameHeaderSize, '\0');
  WriteFrameHeader(reinterpret_cast<uint8_t*>(text.data()), length, type,
                   static_cast<uint8_t>(flags), stream);
  return text;
}

inline std::string Frame(FrameType type, int flags, uint32_t stream, std::string_view payload) {
  return HeaderOf(static_cast<uint32_t>(payload.size()), type, flags, stream) +
         std::string(payload);
}

inline std::string Preface() {
  return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
}

using SettingList = std::vector<std::pair<SettingId, uint32_t>>;

inline std::string Settings(const SettingList& settings = {}) {
  std::string payload;
  for (const auto& [id, value] : settings)
    payload += Number(static_cast<uint32_t>(id), 2) + Number(value, 4);
  return Frame(FrameType::kSettings, 0, 0, payload);
}

inline std::string SettingsAck() {
  return Frame(FrameType::kSettings, kFlagAck, 0, "");
}

inline std::string Data(uint32_t stream, std::string_view content, bool end = false) {
  return Frame(FrameType::kData, end ? kFlagEndStream : 0, stream, content);
}

// With so many octets of padding behind the content, and the one that says so before it.
inline std::string PaddedData(uint32_t stream, std::string_view content, uint8_t padding,
                              bool end = false) {
  return Frame(FrameType::kData, kFlagPadded | (end ? kFlagEndStream : 0), stream,
               Number(padding, 1) + std::string(content) + std::string(padding, '\0'));
}

inline std::string Headers(uint32_t stream, std::string_view block, bool end_stream,
                           bool end_headers = true) {
  return Frame(FrameType::kHeaders,
               (end_stream ? kFlagEndStream : 0) | (end_headers ? kFlagEndHeaders : 0), stream,
               block);
}

inline std::string Continuation(uint32_t stream, std::string_view fragment, bool end_headers) {
  return Frame(FrameType::kContinuation, end_headers ? kFlagEndHeaders : 0, stream, fragment);
}

inline std::string Priority(uint32_t stream, uint32_t dependency) {
  return Frame(FrameType::kPriority, 0, stream, Number(dependency, 4) + Number(15, 1));
}

inline std::string Reset(uint32_t stream, uint32_t code) {
  return Frame(FrameType::kRstStream, 0, stream, Number(code, 4));
}
inline std::string Reset(uint32_t stream, ErrorCode code) {
  return Reset(stream, static_cast<uint32_t>(code));
}

inline std::string Ping(std::string_view opaque = "weirweir", bool ack = false) {
  return Frame(FrameType::kPing, ack ? kFlagAck : 0, 0, opaque);
}

inline std::string Goaway(uint32_t last_stream, ErrorCode code = ErrorCode::kNoError) {
  return Frame(FrameType::kGoaway, 0, 0,
               Number(last_stream, 4) + Number(static_cast<uint32_t>(code), 4));
}

inline std::string WindowUpdate(uint32_t stream, uint32_t increment) {
  return Frame(FrameType::kWindowUpdate, 0, stream, Number(increment, 4));
}

inline std::string PriorityUpdate(uint32_t stream, std::string_view value) {
  return Frame(FrameType::kPriorityUpdate, 0, 0, Number(stream, 4) + std::string(value));
}

inline std::string PushPromise(uint32_t stream, uint32_t promised) {
  return Frame(FrameType::kPushPromise, kFlagEndHeaders, stream, Number(promised, 4));
}

inline std::string Unknown(uint8_t type, int flags, uint32_t stream, std::string_view payload) {
  return Frame(static_cast<FrameType>(type), flags, stream, payload);
}

}  // namespace weir::h2::wire
