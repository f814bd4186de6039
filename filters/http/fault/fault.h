#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter fault: makes some requests late, fail, or get their answer slowly, so that those
// who wait for them are tried out.
extern const weir_http_filter_api kFaultApi;

}  // namespace weir::filters
