#include "tests/support/toy_codec/toy_codec.h"

#include <algorithm>
#include <new>

#include "plugins/sdk/config_node.h"
#include "tests/support/toy_codec/codec.h"

namespace weir::toy {
namespace {

Codec* From(weir_codec* codec) {
  return reinterpret_cast<Codec*>(codec);
}
const Codec* From(const weir_codec* codec) {
  return reinterpret_cast<const Codec*>(codec);
}

bool ReadNumber(const sdk::ConfigNode& node, std::int64_t max, std::uint32_t* out) {
  if (!node) return true;
  std::int64_t value = 0;
  if (!node.Read(1, max, &value)) return false;
  *out = static_cast<std::uint32_t>(value);
  return true;
}

void* ConfigNew(const weir_host* host, const weir_node* node) {
  const sdk::ConfigNode root(host, node);
  auto* config = new (std::nothrow) ToyConfig;
  if (config == nullptr || !root || root.IsNull()) return config;
  if (root.ExpectMap("toy") && ReadNumber(root.Get("max_frame"), 65535, &config->max_frame) &&
      ReadNumber(root.Get("first_stream"), 0xfffffffe, &config->first_stream)) {
    return config;
  }
  delete config;
  return nullptr;
}

void ConfigFree(void* config) {
  delete static_cast<ToyConfig*>(config);
}

weir_codec* Create(const weir_codec_params* params) {
  return reinterpret_cast<weir_codec*>(Codec::Create(*params));
}
void Destroy(weir_codec* codec) {
  Codec::Destroy(From(codec));
}

std::size_t Receive(weir_codec* codec, std::uint8_t* data, std::size_t size, std::uint32_t flags,
                    weir_event* event) {
  return From(codec)->Receive(data, size, flags, event);
}
void Adopt(weir_codec* codec, std::uint32_t stream, weir_stream* user) {
  From(codec)->Adopt(stream, user);
}
std::uint32_t Open(weir_codec* codec, weir_stream* user) {
  return From(codec)->Open(user);
}
std::int32_t SendHead(weir_codec* codec, std::uint32_t stream, const weir_head* head,
                      std::uint32_t end, weir_out* out) {
  return From(codec)->SendHead(stream, *head, end != 0, out);
}
void Ready(weir_codec* codec, std::uint32_t stream) {
  From(codec)->Ready(stream);
}
void Consumed(weir_codec* codec, std::uint32_t stream, std::uint32_t size) {
  From(codec)->Consumed(stream, size);
}
void Reset(weir_codec* codec, std::uint32_t stream, std::uint32_t reason, weir_out* out) {
  From(codec)->Reset(stream, reason, out);
}
std::uint32_t Produce(weir_codec* codec, std::uint64_t budget, weir_out* out) {
  return From(codec)->Produce(budget, out);
}
void Goaway(weir_codec* codec, std::uint32_t phase, weir_out* out) {
  From(codec)->Goaway(phase, out);
}
std::uint32_t Capacity(const weir_codec* codec) {
  return From(codec)->Capacity();
}
std::uint32_t Reusable(const weir_codec* codec) {
  return From(codec)->Reusable() ? 1 : 0;
}

// The first frame is always HELLO.
std::uint32_t Probe(const std::uint8_t* data, std::size_t size) {
  static constexpr std::uint8_t kStart[] = {kHello, 0, 0, 12, 0, 0, 0, 0, 'T', 'O', 'Y', '1'};
  const std::size_t shown = std::min(size, sizeof kStart);
  if (!std::equal(data, data + shown, kStart)) return WEIR_PROBE_NO;
  return shown == sizeof kStart ? WEIR_PROBE_YES : WEIR_PROBE_MORE;
}

}  // namespace

const weir_codec_api kToyCodecApi = {
    .struct_size = sizeof(weir_codec_api),
    .flags = WEIR_CODEC_API_MULTIPLEXED,
    .config_new = ConfigNew,
    .config_free = ConfigFree,
    .create = Create,
    .destroy = Destroy,
    .receive = Receive,
    .adopt = Adopt,
    .open = Open,
    .send_head = SendHead,
    .ready = Ready,
    .consumed = Consumed,
    .reset = Reset,
    .produce = Produce,
    .goaway = Goaway,
    .deadline = nullptr,
    .tick = nullptr,
    .capacity = Capacity,
    .reusable = Reusable,
    .alpn = "toy/1",
    .probe = Probe,
};

}  // namespace weir::toy
