// The door: the codec's table, and the descriptor that the loader reads.
#include <algorithm>
#include <cstring>

#include "codecs/h2/counters.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/options.h"
#include "codecs/h2/preface.h"
#include "plugins/abi/weir.h"
#include "plugins/sdk/codec_table.h"
#include "plugins/sdk/descriptor.h"

namespace weir::h2 {

namespace {

// The preface, as far as it is there.
uint32_t Probe(const uint8_t* data, size_t size) {
  const size_t shown = std::min(size, kPrefaceSize);
  if (std::memcmp(data, kPreface, shown) != 0) return WEIR_PROBE_NO;
  return shown == kPrefaceSize ? WEIR_PROBE_YES : WEIR_PROBE_MORE;
}

int32_t Init(const weir_host* host, char*, size_t) {
  DefineCounters(host);
  return WEIR_OK;
}

constexpr weir_codec_api kApi =
    sdk::CodecTable<H2Codec, Options, ReadOptions>::Make(WEIR_CODEC_API_MULTIPLEXED, "h2", Probe);

constexpr weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "h2", &kApi}};

}  // namespace

}  // namespace weir::h2

extern "C" WEIR_PLUGIN(h2) = weir::sdk::Descriptor("h2", "0.1.0", weir::h2::kExtensions,
                                                   weir::h2::Init);
