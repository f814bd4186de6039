#include "filters/http/compressor/compressor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "compressor", &weir::filters::kCompressorApi}};

}  // namespace

extern "C" WEIR_PLUGIN(compressor) = weir::sdk::Descriptor("compressor", "0.1.0", kExtensions);
