// The door: the codec's calls in C, and the descriptor that the loader reads.
#include <new>

#include "codecs/h1/h1_codec.h"
#include "codecs/h1/strictness.h"
#include "plugins/abi/weir.h"

namespace weir::h1 {

namespace {

H1Codec* Self(weir_codec* codec) {
  return reinterpret_cast<H1Codec*>(codec);
}
const H1Codec* Self(const weir_codec* codec) {
  return reinterpret_cast<const H1Codec*>(codec);
}

void* ConfigNew(const weir_host* host, const weir_node* node) {
  auto* const strictness = new (std::nothrow) Strictness;
  if (strictness == nullptr) return nullptr;
  if (node != nullptr && !ReadStrictness(*host->config, node, strictness)) {
    delete strictness;
    return nullptr;
  }
  return strictness;
}

void ConfigFree(void* config) {
  delete static_cast<Strictness*>(config);
}

weir_codec* Create(const weir_codec_params* params) {
  return reinterpret_cast<weir_codec*>(H1Codec::Create(*params));
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

void Ready(weir_codec*, uint32_t) {}  // one stream: produce asks it

void Consumed(weir_codec* codec, uint32_t stream, uint32_t size) {
  Self(codec)->Consumed(stream, size);
}

void Reset(weir_codec* codec, uint32_t stream, uint32_t reason, weir_out*) {
  Self(codec)->Reset(stream, reason);
}

uint32_t Produce(weir_codec* codec, uint64_t budget, weir_out* out) {
  return Self(codec)->Produce(budget, out);
}

void GoAway(weir_codec* codec, uint32_t phase, weir_out*) {
  Self(codec)->GoAway(phase);
}

uint32_t Capacity(const weir_codec* codec) {
  return Self(codec)->Capacity();
}

uint32_t Reusable(const weir_codec* codec) {
  return Self(codec)->Reusable();
}

constexpr weir_codec_api kApi = {
    sizeof(weir_codec_api),
    0,
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
    nullptr,
    nullptr,
    Capacity,
    Reusable,
    "http/1.1 http/1.0",
    nullptr,
};

constexpr weir_extension kExtensions[] = {{WEIR_KIND_CODEC, 0, "h1", &kApi}};

}  // namespace

}  // namespace weir::h1

extern "C" WEIR_PLUGIN(h1) = {
    WEIR_ABI_MAGIC, WEIR_ABI_MAJOR,        WEIR_ABI_MINOR, sizeof(weir_plugin_descriptor), 1, "h1",
    "0.1.0",        weir::h1::kExtensions, nullptr,
};
