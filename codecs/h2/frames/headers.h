// HEADERS (RFC 9113 section 6.2). The fragment of the field block streams through: only what stands
// before it is parsed.
#pragma once

#include <cstdint>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/frames/padding.h"
#include "codecs/h2/frames/priority.h"

namespace weir::h2 {

// The octets of the payload that ParseHeadersPrefix wants to see: 0, 1, 5 or 6.
constexpr uint32_t HeadersPrefixSize(const FrameHeader& header) {
  return (header.Has(kFlagPadded) ? 1u : 0u) +
         (header.Has(kFlagPriority) ? static_cast<uint32_t>(kPriorityPayloadSize) : 0u);
}

constexpr Fault CheckHeadersHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.stream == 0) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.headers_on_connection");
  }
  if (header.length > context.max_frame_size) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.headers_too_long");
  }
  if (header.length < HeadersPrefixSize(header)) {
    return ConnectionFault(ErrorCode::kFrameSizeError, "http2.headers_too_short");
  }
  return {};
}

struct HeadersPrefix {
  uint8_t size = 0;       // octets before the fragment
  uint8_t padding = 0;    // octets after it
  uint32_t fragment = 0;  // octets of it
};

// With a fault of stream scope the prefix is filled all the same: the block is still to be decoded,
// so that HPACK stays in step.
constexpr Fault ParseHeadersPrefix(const FrameHeader& header, const uint8_t* payload,
                                   HeadersPrefix* out) {
  const uint32_t size = HeadersPrefixSize(header);
  *out = {static_cast<uint8_t>(size), 0, header.length - size};
  if (header.Has(kFlagPadded)) {
    out->padding = *payload++;
    if (!SplitPadding(header.length, size, out->padding, &out->fragment)) {
      return ConnectionFault(ErrorCode::kProtocolError, "http2.headers_padding_too_long");
    }
  }
  if (header.Has(kFlagPriority)) return ParsePriority(header, payload);
  return {};
}

// The header alone; `length` octets of field block follow. We send neither padding nor priority.
constexpr uint8_t* WriteHeadersHeader(uint8_t* at, uint32_t stream, uint32_t length,
                                      bool end_headers, bool end_stream) {
  const int flags = (end_headers ? kFlagEndHeaders : 0) | (end_stream ? kFlagEndStream : 0);
  return WriteFrameHeader(at, length, FrameType::kHeaders, static_cast<uint8_t>(flags), stream);
}

}  // namespace weir::h2
