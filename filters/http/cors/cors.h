#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter cors: says to browsers which sites' pages may read what a route answers, and
// answers their preflight requests (the CORS protocol of the Fetch standard).
extern const weir_http_filter_api kCorsApi;

}  // namespace weir::filters
