// The counters of this plugin: one for each guard, defined when it is loaded.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/guard.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

// Main thread, before any connection.
void DefineCounters(const weir_host* host);

// 0: none was defined.
uint32_t GuardCounter(GuardId id);

// "http2.<guard>": static text.
const char* DetailOf(GuardId id);

}  // namespace weir::h2
