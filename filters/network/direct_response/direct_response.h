#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The network filter direct_response: writes one fixed text to every connection and closes it when
// that is sent. Terminal.
extern const weir_network_filter_api kNetworkDirectResponseApi;

}  // namespace weir::filters
