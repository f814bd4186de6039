#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter header_mutation: adds, sets and removes fields of requests, responses and their
// trailers. Needs no state per stream: `self` is the configuration.
extern const weir_http_filter_api kHeaderMutationApi;

}  // namespace weir::filters
