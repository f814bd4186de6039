// DATA (RFC 9113 section 6.1). The content streams through: only what stands before it is parsed.
// The whole payload counts against flow control, padding and its length octet too.
#pragma once

#include <cstdint>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/frames/padding.h"

namespace weir::h2 {

// A frame longer than we allow costs its stream (section 4.2 lets it); the connection skips the
// payload and counts it against its window.
constexpr Fault CheckDataHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.stream == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.data_on_connection");
  }
  if (header.length > context.max_frame_size) {
    return StreamFault(ErrorCode::kFrameSizeError, "http2.data_too_long");
  }
  if (header.Has(kFlagPadded) && header.length == 0) {
    return StreamFault(ErrorCode::kFrameSizeError, "http2.data_without_padding_length");
  }
  return {};
}

struct DataPrefix {
  uint8_t size = 0;      // octets before the content: 0 or 1
  uint8_t padding = 0;   // octets after it
  uint32_t content = 0;  // octets of it
};

// The octets of the payload that ParseDataPrefix wants to see.
constexpr uint32_t DataPrefixSize(const FrameHeader& header) {
  return header.Has(kFlagPadded) ? 1 : 0;
}

constexpr Fault ParseDataPrefix(const FrameHeader& header, const uint8_t* payload,
                                DataPrefix* out) {
  *out = {0, 0, header.length};
  if (!header.Has(kFlagPadded)) return {};
  out->size = 1;
  out->padding = payload[0];
  if (!SplitPadding(header.length, 1, payload[0], &out->content)) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.data_padding_too_long");
  }
  return {};
}

// The header alone; `length` octets of content follow. We send no padding.
constexpr uint8_t* WriteDataHeader(uint8_t* at, uint32_t stream, uint32_t length, bool end_stream) {
  return WriteFrameHeader(at, length, FrameType::kData, end_stream ? kFlagEndStream : 0, stream);
}

}  // namespace weir::h2
