#include "filters/http/health_check/health_check.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_HTTP_FILTER, 0, "health_check", &weir::filters::kHealthCheckApi}};

}  // namespace

extern "C" WEIR_PLUGIN(health_check) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "health_check",
    .version = "0.1.0",
    .extensions = kExtensions,
    .init = nullptr,
};
