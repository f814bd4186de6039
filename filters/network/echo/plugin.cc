#include "filters/network/echo/echo.h"

namespace {

const weir_extension kExtensions[] = {
    {WEIR_KIND_NETWORK_FILTER, 0, "echo", &weir::filters::kEchoApi}};

}  // namespace

extern "C" WEIR_PLUGIN(echo) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "echo",
    .version = "0.1.0",
    .extensions = kExtensions,
    .init = nullptr,
};
