#include "codecs/h2/frames/check.h"

#include "codecs/h2/frames/continuation.h"
#include "codecs/h2/frames/data.h"
#include "codecs/h2/frames/goaway.h"
#include "codecs/h2/frames/headers.h"
#include "codecs/h2/frames/ping.h"
#include "codecs/h2/frames/priority.h"
#include "codecs/h2/frames/priority_update.h"
#include "codecs/h2/frames/push_promise.h"
#include "codecs/h2/frames/rst_stream.h"
#include "codecs/h2/frames/settings.h"
#include "codecs/h2/frames/window_update.h"

namespace weir::h2 {

namespace {

Fault CheckUnknownHeader(const FrameHeader& header, const FrameContext& context) {
  if (header.length <= context.max_frame_size) return {};
  return ConnectionFault(ErrorCode::kFrameSizeError, "http2.unknown_frame_too_long");
}

Fault CheckByType(const FrameHeader& header, const FrameContext& context) {
  switch (header.type) {
    case FrameType::kData:
      return CheckDataHeader(header, context);
    case FrameType::kHeaders:
      return CheckHeadersHeader(header, context);
    case FrameType::kPriority:
      return CheckPriorityHeader(header, context);
    case FrameType::kRstStream:
      return CheckRstStreamHeader(header, context);
    case FrameType::kSettings:
      return CheckSettingsHeader(header, context);
    case FrameType::kPushPromise:
      return CheckPushPromiseHeader(header, context);
    case FrameType::kPing:
      return CheckPingHeader(header, context);
    case FrameType::kGoaway:
      return CheckGoawayHeader(header, context);
    case FrameType::kWindowUpdate:
      return CheckWindowUpdateHeader(header, context);
    case FrameType::kContinuation:
      return CheckContinuationHeader(header, context);
    case FrameType::kPriorityUpdate:
      return CheckPriorityUpdateHeader(header, context);
  }
  return CheckUnknownHeader(header, context);
}

}  // namespace

Fault CheckFrameHeader(const FrameHeader& header, const FrameContext& context) {
  if (!context.preface_done && (header.type != FrameType::kSettings || header.Has(kFlagAck))) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.first_frame_is_not_settings");
  }
  if (context.open_block != 0 && header.type != FrameType::kContinuation) {
    return ConnectionFault(ErrorCode::kProtocolError, "http2.frame_inside_header_block");
  }
  return CheckByType(header, context);
}

}  // namespace weir::h2
