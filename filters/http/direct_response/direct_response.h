#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter direct_response: answers every request with one fixed response.
extern const weir_http_filter_api kHttpDirectResponseApi;

}  // namespace weir::filters
