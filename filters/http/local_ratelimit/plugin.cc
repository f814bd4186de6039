#include "filters/http/local_ratelimit/local_ratelimit.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "local_ratelimit", &weir::filters::ratelimit::kLocalRatelimitApi}};

}  // namespace

extern "C" WEIR_PLUGIN(local_ratelimit) = weir::sdk::Descriptor("local_ratelimit", "0.1.0",
                                                                kExtensions);
