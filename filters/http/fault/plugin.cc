#include "filters/http/fault/fault.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "fault", &weir::filters::kFaultApi}};

}  // namespace

extern "C" WEIR_PLUGIN(fault) = weir::sdk::Descriptor("fault", "0.1.0", kExtensions);
