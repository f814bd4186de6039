#include "filters/http/direct_response/direct_response.h"
#include "filters/network/direct_response/direct_response.h"

namespace {

// One file for the one idea: a fixed answer to a request, or to a connection.
const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "direct_response", &weir::filters::kHttpDirectResponseApi},
    {WEIR_KIND_NETWORK_FILTER, 0, "direct_response", &weir::filters::kNetworkDirectResponseApi},
};

}  // namespace

extern "C" WEIR_PLUGIN(direct_response) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 2,
    .name = "direct_response",
    .version = "0.1.0",
    .extensions = kExtensions,
    .init = nullptr,
};
