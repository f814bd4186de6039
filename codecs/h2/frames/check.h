// What can be said of any frame by its nine octets, before its payload is waited for.
#pragma once

#include "codecs/h2/frames/frame.h"

namespace weir::h2 {

// In this order: the peer's first frame is SETTINGS (RFC 9113 section 3.4); nothing comes between
// the frames of a header block (section 6.10); then the rules of the type. A type that is not known
// is good up to the frame size, and to be ignored (section 5.5); beyond it, for nobody knows what
// the frame would have changed, it costs the connection.
Fault CheckFrameHeader(const FrameHeader& header, const FrameContext& context);

}  // namespace weir::h2
