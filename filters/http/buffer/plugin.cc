#include "filters/http/buffer/buffer.h"
#include "plugins/sdk/descriptor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "buffer", &weir::filters::kBufferApi}};

}  // namespace

extern "C" WEIR_PLUGIN(buffer) = weir::sdk::Descriptor("buffer", "0.1.0", kExtensions);
