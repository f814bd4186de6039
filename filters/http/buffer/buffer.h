#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter buffer: a request goes on when all of it is here, with its length.
extern const weir_http_filter_api kBufferApi;

}  // namespace weir::filters
