#include "filters/http/health_check/health_check.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "health_check", &weir::filters::kHealthCheckApi}};

}  // namespace

extern "C" WEIR_PLUGIN(health_check) = weir::sdk::Descriptor("health_check", "0.1.0", kExtensions);
