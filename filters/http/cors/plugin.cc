#include "filters/http/cors/cors.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "cors", &weir::filters::kCorsApi}};

}  // namespace

extern "C" WEIR_PLUGIN(cors) = weir::sdk::Descriptor("cors", "0.1.0", kExtensions);
