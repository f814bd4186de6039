#include "filters/http/decompressor/decompressor.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "decompressor", &weir::filters::kDecompressorApi}};

}  // namespace

extern "C" WEIR_PLUGIN(decompressor) = weir::sdk::Descriptor("decompressor", "0.1.0", kExtensions);
