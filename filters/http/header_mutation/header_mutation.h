#pragma once

#include "plugins/abi/weir.h"

namespace weir::filters {

// The HTTP filter header_mutation: adds, sets and removes fields of requests, responses and their
// trailers, and parameters of the query.
extern const weir_http_filter_api kHeaderMutationApi;

}  // namespace weir::filters
