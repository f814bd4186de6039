#include "filters/http/direct_response/direct_response.h"
#include "filters/network/direct_response/direct_response.h"
#include "plugins/sdk/descriptor.h"

namespace {

// One file for the one idea: a fixed answer to a request, or to a connection.
const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "direct_response", &weir::filters::kHttpDirectResponseApi},
    {WEIR_KIND_NETWORK_FILTER, 0, "direct_response", &weir::filters::kNetworkDirectResponseApi},
};

}  // namespace

extern "C" WEIR_PLUGIN(direct_response) = weir::sdk::Descriptor("direct_response", "0.1.0",
                                                                kExtensions);
