#include "tests/support/toy_codec/toy_codec.h"

namespace {

const weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "toy", &weir::toy::kToyCodecApi}};

}  // namespace

extern "C" WEIR_PLUGIN(toy) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "toy",
    .version = "0.1.0",
    .extensions = kExtensions,
    .init = nullptr,
};
