// The door: the codec's calls in C, and the descriptor that the loader reads.
#include <algorithm>
#include <cstring>
#include <new>

#include "codecs/h2/counters.h"
#include "codecs/h2/h2_codec.h"
#include "codecs/h2/options.h"
#include "codecs/h2/preface.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

namespace {

H2Codec* Self(weir_codec* codec) {
  return reinterpret_cast<H2Codec*>(codec);
}
const H2Codec* Self(const weir_codec* codec) {
  return reinterpret_cast<const H2Codec*>(codec);
}

void* ConfigNew(const weir_host* host, const weir_node* node) {
  auto* const options = new (std::nothrow) Options;
  if (options == nullptr) return nullptr;
  if (node != nullptr && !ReadOptions(*host->config, node, options)) {
    delete options;
    return nullptr;
  }
  return options;
}

void ConfigFree(void* config) {
  delete static_cast<Options*>(config);
}

weir_codec* Create(const weir_codec_params* params) {
  return reinterpret_cast<weir_codec*>(H2Codec::Create(*params));
}

void Destroy(weir_codec* codec) {
  Self(codec)->Destroy();
}

size_t Receive(weir_codec* codec, uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
  return Self(codec)->Receive(data, size, flags, event);
}

void Adopt(weir_codec* codec, uint32_t stream, weir_stream* user) {
  Self(codec)->Adopt(stream, user);
}

uint32_t Open(weir_codec* codec, weir_stream* user) {
  return Self(codec)->Open(user);
}

int32_t SendHead(weir_codec* codec, uint32_t stream, const weir_head* head, uint32_t end_stream,
                 weir_out* out) {
  return Self(codec)->SendHead(stream, *head, end_stream != 0, out);
}

void Ready(weir_codec* codec, uint32_t stream) {
  Self(codec)->Ready(stream);
}

void Consumed(weir_codec* codec, uint32_t stream, uint32_t size) {
  Self(codec)->Consumed(stream, size);
}

void Reset(weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out) {
  Self(codec)->Reset(stream, reason, out);
}

uint32_t Produce(weir_codec* codec, uint64_t budget, weir_out* out) {
  return Self(codec)->Produce(budget, out);
}

void GoAway(weir_codec* codec, uint32_t phase, weir_out* out) {
  Self(codec)->GoAway(phase, out);
}

uint64_t Deadline(const weir_codec* codec) {
  return Self(codec)->Deadline();
}

void Tick(weir_codec* codec, uint64_t now_ms, weir_out* out) {
  Self(codec)->Tick(now_ms, out);
}

uint32_t Capacity(const weir_codec* codec) {
  return Self(codec)->Capacity();
}

uint32_t Reusable(const weir_codec* codec) {
  return Self(codec)->Reusable();
}

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

constexpr weir_codec_api kApi = {
    sizeof(weir_codec_api),
    WEIR_CODEC_API_MULTIPLEXED,
    ConfigNew,
    ConfigFree,
    Create,
    Destroy,
    Receive,
    Adopt,
    Open,
    SendHead,
    Ready,
    Consumed,
    Reset,
    Produce,
    GoAway,
    Deadline,
    Tick,
    Capacity,
    Reusable,
    "h2",
    Probe,
};

constexpr weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "h2", &kApi}};

}  // namespace

}  // namespace weir::h2

extern "C" WEIR_PLUGIN(h2) = {
    WEIR_ABI_MAGIC, WEIR_ABI_MAJOR,        WEIR_ABI_MINOR, sizeof(weir_plugin_descriptor), 1, "h2",
    "0.1.0",        weir::h2::kExtensions, weir::h2::Init,
};
