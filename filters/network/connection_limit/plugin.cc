#include "filters/network/connection_limit/connection_limit.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_NETWORK_FILTER, 0, "connection_limit", &weir::filters::kConnectionLimitApi}};

}  // namespace

extern "C" WEIR_PLUGIN(connection_limit) = weir::sdk::Descriptor("connection_limit", "0.1.0",
                                                                 kExtensions);
