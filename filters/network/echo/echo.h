#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The network filter echo: sends back what it receives, and ends its half when the client has ended
// its own. A client that does not read stops being read. Terminal; takes no configuration.
extern const weir_network_filter_api kEchoApi;

}  // namespace weir::filters
