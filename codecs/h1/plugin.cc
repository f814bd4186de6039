// The door: the codec's table, and the descriptor that the loader reads.
#include "codecs/h1/h1_codec.h"
#include "codecs/h1/strictness.h"
#include "plugins/abi/weir.h"
#include "plugins/sdk/codec_table.h"
#include "plugins/sdk/descriptor.h"

namespace weir::h1 {

namespace {

constexpr weir_codec_api kApi =
    sdk::CodecTable<H1Codec, Strictness, ReadStrictness>::Make(0, "http/1.1 http/1.0", nullptr);

constexpr weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "h1", &kApi}};

}  // namespace

}  // namespace weir::h1

extern "C" WEIR_PLUGIN(h1) = weir::sdk::Descriptor("h1", "0.1.0", weir::h1::kExtensions);
