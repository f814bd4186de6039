#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter health_check: answers health probes here, so that they reach no backend: with
// 200, or with 503 where the host's note weir.server:state is DRAINING.
extern const weir_http_filter_api kHealthCheckApi;

}  // namespace weir::filters
