#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter health_check: answers health probes here, with 200, so that they reach no
// backend.
extern const weir_http_filter_api kHealthCheckApi;

}  // namespace weir::filters
