#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "plugins/abi/weir.h"

namespace weir::sdk {

// The table of a codec that is a class: each member of weir_codec_api calls the member function of
// its name. Codec has a static Create (null: refused) and a Destroy that ends the object; Deadline
// and Tick may be left out together. Config is what its configuration is read into by kRead, which
// reports mistakes and answers false. Its members are public and not overloaded; it is not final.
template <class Codec, class Config,
          bool (*kRead)(const weir_config_api&, const weir_node*, Config*)>
struct CodecTable {
  static constexpr weir_codec_api Make(uint32_t flags, const char* alpn,
                                       uint32_t (*probe)(const uint8_t*, size_t)) {
    weir_codec_api api{};
    api.struct_size = sizeof(api);
    api.flags = flags;
    api.config_new = ConfigNew;
    api.config_free = [](void* config) { delete static_cast<Config*>(config); };
    api.create = [](const weir_codec_params* params) {
      return reinterpret_cast<weir_codec*>(Codec::Create(*params));
    };
    api.destroy = [](weir_codec* codec) { Self(codec)->Destroy(); };
    api.receive = [](weir_codec* codec, uint8_t* data, size_t size, uint32_t how,
                     weir_event* event) { return Self(codec)->Receive(data, size, how, event); };
    api.adopt = [](weir_codec* codec, uint32_t stream, weir_stream* user) {
      Self(codec)->Adopt(stream, user);
    };
    api.open = [](weir_codec* codec, weir_stream* user) { return Self(codec)->Open(user); };
    api.send_head = [](weir_codec* codec, uint32_t stream, const weir_head* head, uint32_t end,
                       weir_out* out) {
      return Self(codec)->SendHead(stream, *head, end != 0, out);
    };
    api.ready = [](weir_codec* codec, uint32_t stream) { Self(codec)->Ready(stream); };
    api.consumed = [](weir_codec* codec, uint32_t stream, uint32_t size) {
      Self(codec)->Consumed(stream, size);
    };
    api.reset = [](weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out) {
      Self(codec)->Reset(stream, reason, out);
    };
    api.produce = [](weir_codec* codec, uint64_t budget, weir_out* out) {
      return Self(codec)->Produce(budget, out);
    };
    api.goaway = [](weir_codec* codec, uint32_t phase, weir_out* out) {
      Self(codec)->GoAway(phase, out);
    };
    static_assert(
        !Names<Codec>::kTick || requires { &Codec::Tick; },
        "Tick must be public and must not be overloaded");
    static_assert(
        !Names<Codec>::kDeadline || requires { &Codec::Deadline; },
        "Deadline must be public and must not be overloaded");
    static_assert(Names<Codec>::kTick == Names<Codec>::kDeadline,
                  "Deadline and Tick go together: without both the codec would never be called");
    if constexpr (Names<Codec>::kTick) {
      api.deadline = [](const weir_codec* codec) { return Self(codec)->Deadline(); };
      api.tick = [](weir_codec* codec, uint64_t now_ms, weir_out* out) {
        Self(codec)->Tick(now_ms, out);
      };
    }
    api.capacity = [](const weir_codec* codec) { return Self(codec)->Capacity(); };
    api.reusable = [](const weir_codec* codec) { return Self(codec)->Reusable(); };
    api.alpn = alpn;
    api.probe = probe;
    return api;
  }

 private:
  // Whether a class has a member of the name, whatever its access: a name that two bases have is
  // ambiguous.
  template <class C>
  struct Names {
    static_assert(!std::is_final_v<C>, "a codec's class must not be final");
    struct Rival {
      int Tick;
      int Deadline;
    };
    struct Both : C, Rival {};
    static constexpr bool kTick = !requires { &Both::Tick; };
    static constexpr bool kDeadline = !requires { &Both::Deadline; };
  };

  static Codec* Self(weir_codec* codec) { return reinterpret_cast<Codec*>(codec); }
  static const Codec* Self(const weir_codec* codec) {
    return reinterpret_cast<const Codec*>(codec);
  }

  static void* ConfigNew(const weir_host* host, const weir_node* node) {
    auto* const config = new (std::nothrow) Config;
    if (config == nullptr) return nullptr;
    if (node != nullptr && !kRead(*host->config, node, config)) {
      delete config;
      return nullptr;
    }
    return config;
  }
};

}  // namespace weir::sdk
