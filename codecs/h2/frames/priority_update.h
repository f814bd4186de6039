// PRIORITY_UPDATE (RFC 9218 section 7.1): a client's new priority for a stream, which may be one
// that it has not opened yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/frames/priority_value.h"

namespace weir::h2 {

inline constexpr size_t kPriorityUpdateFixedSize = 4;
inline constexpr size_t kPriorityUpdateFrameSize =
    kFrameHeaderSize + kPriorityUpdateFixedSize + kPriorityValueSize;

constexpr Fault CheckPriorityUpdateHeader(const FrameHeader& header, const FrameContext& context) {
  if (context.position == Position::kClient) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.priority_update_from_server");
  }
  if (header.stream != 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.priority_update_on_stream");
  }
  if (header.length < kPriorityUpdateFixedSize || header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.priority_update_length");
  }
  return {};
}

struct PriorityUpdate {
  uint32_t stream = 0;
  PriorityValue value;  // replaces what the stream had: a member that is absent is at its default
};

// An even number would be a push of ours, and there are none, so that it is idle for ever.
inline Fault ParsePriorityUpdate(const FrameHeader& header, const uint8_t* payload,
                                 PriorityUpdate* out) {
  out->stream = Read31(payload);
  if (out->stream % 2 == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.priority_update_of_no_request");
  }
  out->value =
      ParsePriorityValue({reinterpret_cast<const char*>(payload) + kPriorityUpdateFixedSize,
                          header.length - kPriorityUpdateFixedSize});
  return {};
}

constexpr uint8_t* WritePriorityUpdate(uint8_t* at, uint32_t stream, const PriorityValue& value) {
  uint8_t* const text = at + kFrameHeaderSize + kPriorityUpdateFixedSize;
  uint8_t* const end = WritePriorityValue(text, value);
  const auto length = static_cast<uint32_t>(end - at - static_cast<ptrdiff_t>(kFrameHeaderSize));
  Write32(WriteFrameHeader(at, length, FrameType::kPriorityUpdate, 0, 0), stream);
  return end;
}

}  // namespace weir::h2
