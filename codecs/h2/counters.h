// The counters of this plugin, defined when it is loaded: one for each guard, and what else an
// operator should see.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/guard.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

// Main thread, before any connection.
void DefineCounters(const weir_host* host);

// 0: none was defined.
uint32_t GuardCounter(GuardId id);

// Streams that were reset because their trailers are larger than the peer takes.
uint32_t TrailersCounter();

// "http2.<guard>": static text.
const char* DetailOf(GuardId id);

}  // namespace weir::h2
