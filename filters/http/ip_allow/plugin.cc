#include "filters/http/ip_allow/ip_allow.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "ip_allow", &weir::filters::kIpAllowApi}};

}  // namespace

extern "C" WEIR_PLUGIN(ip_allow) = weir::sdk::Descriptor("ip_allow", "0.1.0", kExtensions);
