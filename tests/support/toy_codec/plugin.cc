#include "plugins/sdk/descriptor.h"
#include "tests/support/toy_codec/toy_codec.h"

namespace {

const weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "toy", &weir::toy::kToyCodecApi}};

}  // namespace

extern "C" WEIR_PLUGIN(toy) = weir::sdk::Descriptor("toy", "0.1.0", kExtensions);
