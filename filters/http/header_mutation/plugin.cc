#include "filters/http/header_mutation/header_mutation.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "header_mutation", &weir::filters::kHeaderMutationApi}};

}  // namespace

extern "C" WEIR_PLUGIN(header_mutation) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "header_mutation",
    .version = "0.1.0",
    .extensions = kExtensions,
    .init = nullptr,
};
