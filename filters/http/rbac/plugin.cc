#include "filters/http/rbac/rbac.h"
#include "filters/network/rbac/rbac.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "rbac", &weir::filters::rbac::kHttpRbacApi},
    {WEIR_KIND_NETWORK_FILTER, 0, "rbac", &weir::filters::rbac::kNetworkRbacApi}};

}  // namespace

extern "C" WEIR_PLUGIN(rbac) = weir::sdk::Descriptor("rbac", "0.1.0", kExtensions);
