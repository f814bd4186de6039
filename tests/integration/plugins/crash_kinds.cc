// Plugins of every kind, written against the header alone, that let exceptions out. A listener
// filter, a network filter, an access logger and an HTTP filter throw in the hook that their
// configuration names (`{throws: data}`; HTTP filters in config_new alone, `config_new` and
// `config_free` are such hooks too); a codec throws in the one that a client's first line names
// ("!produce\n"), and speaks the protocol of the example line_codec otherwise. With
// -DTHROWS_IN="init" the plugin's own hooks do.

#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

#define WEIR_STATIC_PLUGIN  // the example's descriptor is not this file's
#include "examples/plugins/line_codec/line_codec.cc"

#ifndef NAME
#define NAME "crash_kinds"
#endif
#ifndef THROWS_IN
#define THROWS_IN ""
#endif

namespace {

const weir_host* host;
const weir_network_api* network;

// What a configuration says.
struct Place {
  char throws[32];
  weir_timer* timer;
};

void Act(const char* where, const char* hook) {
  if (std::string_view(where) == hook) throw std::runtime_error("a plugin's own");
}

void* Configure(const weir_host* given, const weir_node* node) {
  host = given;
  auto* place = static_cast<Place*>(std::calloc(1, sizeof(Place)));
  weir_view text{};
  const weir_view key{"throws", 6};
  const weir_node* value = node == nullptr ? nullptr : host->config->get(node, key);
  if (value != nullptr && host->config->string(value, &text) == WEIR_OK && text.size < 32)
    std::memcpy(place->throws, text.data, text.size);
  if (std::string_view(place->throws) == "config_new") {
    std::free(place);
    throw std::runtime_error("a plugin's own");
  }
  return place;
}

void Free(void* config) {
  const Place place = *static_cast<Place*>(config);
  std::free(config);
  Act(place.throws, "config_free");
}

const char* Of(void* config) {
  return static_cast<Place*>(config)->throws;
}

struct State {
  const char* throws;
};
State* StateOf(void* self) {
  return static_cast<State*>(self);
}

int32_t Create(void* self, void* config, weir_connection*) {
  StateOf(self)->throws = Of(config);
  Act(Of(config), "create");
  if (std::string_view(Of(config)) == "answer") return -7;
  return WEIR_OK;
}
void Destroy(void* self) {
  Act(StateOf(self)->throws, "destroy");
}

constexpr weir_listener_filter_api ListenerApi() {
  weir_listener_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(State);
  api.max_read_bytes = 16;
  api.config_new = [](const weir_host* given, const weir_listener_api*, const weir_node* node) {
    return Configure(given, node);
  };
  api.config_free = Free;
  api.create = Create;
  api.destroy = Destroy;
  api.data = [](void* self, weir_connection*, weir_view, uint32_t, size_t*) -> int32_t {
    Act(StateOf(self)->throws, "data");
    return WEIR_CONTINUE;
  };
  return api;
}

constexpr weir_network_filter_api NetworkApi() {
  weir_network_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(State);
  api.config_new = [](const weir_host* given, const weir_network_api* table,
                      const weir_node* node) {
    network = table;
    return Configure(given, node);
  };
  api.config_free = Free;
  api.create = Create;
  api.destroy = Destroy;
  api.new_connection = [](void* self, weir_connection* connection) -> int32_t {
    Act(StateOf(self)->throws, "new_connection");
    if (std::string_view(StateOf(self)->throws) == "a posted hook") {
      const auto hook = [](void*, weir_stream*) { throw std::runtime_error("a plugin's own"); };
      host->post(network->ticket(connection), hook, nullptr);
    }
    return WEIR_CONTINUE;
  };
  api.data = [](void* self, weir_connection*, uint32_t) -> int32_t {
    Act(StateOf(self)->throws, "data");
    return WEIR_CONTINUE;
  };
  return api;
}

constexpr weir_access_logger_api LoggerApi() {
  weir_access_logger_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host* given, const weir_logger_api*, const weir_node* node) {
    return Configure(given, node);
  };
  api.config_free = Free;
  api.log = [](void* config, weir_stream*, uint32_t) -> int32_t {
    Act(Of(config), "log");
    return std::string_view(Of(config)) == "answer" ? -7 : WEIR_OK;
  };
  return api;
}

constexpr weir_http_filter_api HttpApi() {
  weir_http_filter_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host* given, const weir_http_api*, const weir_node* node,
                      uint32_t) { return Configure(given, node); };
  api.config_free = Free;
  api.create = [](void*, void* config, weir_stream*) -> int32_t {
    if (std::string_view(Of(config)) == "a timer") {
      static weir_timer* timer;
      const auto hook = [](void*) {
        host->timer_free(timer);
        throw std::runtime_error("a plugin's own");
      };
      timer = host->timer_new(hook, nullptr);
      host->timer_set(timer, 0);
    }
    return WEIR_OK;
  };
  return api;
}

// ---- The codec: the example's, with a hook that throws.

struct Codec {
  weir_codec* inner;
  char throws[32];
};
Codec* Self(weir_codec* codec) {
  return reinterpret_cast<Codec*>(codec);
}
const Codec* Self(const weir_codec* codec) {
  return reinterpret_cast<const Codec*>(codec);
}

size_t Receive(weir_codec* codec, uint8_t* data, size_t size, uint32_t flags, weir_event* event) {
  Codec* self = Self(codec);
  if (size > 0 && data[0] == '!') {
    const auto* end = static_cast<const uint8_t*>(std::memchr(data, '\n', size));
    if (end == nullptr) return 0;
    const auto length = static_cast<size_t>(end - data);
    std::memcpy(self->throws, data + 1, std::min(length - 1, sizeof self->throws - 1));
    if (length + 1 == size) return size;
    return length + 1 + Receive(codec, data + length + 1, size - length - 1, flags, event);
  }
  if (size > 0) Act(self->throws, "receive");
  if (std::string_view(self->throws) == "too much") return size + 1;
  return kApi.receive(self->inner, data, size, flags, event);
}

constexpr weir_codec_api CodecApi() {
  weir_codec_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host* given, const weir_node* node) {
    return Configure(given, node);
  };
  api.config_free = Free;
  api.create = [](const weir_codec_params* params) -> weir_codec* {
    Act(Of(params->config), "create");
    weir_codec* inner = kApi.create(params);
    if (inner == nullptr) return nullptr;
    auto* codec = static_cast<Codec*>(std::calloc(1, sizeof(Codec)));
    codec->inner = inner;
    return reinterpret_cast<weir_codec*>(codec);
  };
  api.destroy = [](weir_codec* codec) {
    const Codec self = *Self(codec);
    std::free(codec);
    kApi.destroy(self.inner);
    Act(self.throws, "destroy");
  };
  api.receive = Receive;
  api.adopt = [](weir_codec* codec, uint32_t stream, weir_stream* user) {
    Act(Self(codec)->throws, "adopt");
    kApi.adopt(Self(codec)->inner, stream, user);
  };
  api.open = [](weir_codec*, weir_stream*) -> uint32_t { return 0; };
  api.send_head = [](weir_codec* codec, uint32_t stream, const weir_head* head, uint32_t end,
                     weir_out* out) {
    Act(Self(codec)->throws, "send_head");
    return kApi.send_head(Self(codec)->inner, stream, head, end, out);
  };
  api.ready = [](weir_codec* codec, uint32_t) { Act(Self(codec)->throws, "ready"); };
  api.consumed = [](weir_codec*, uint32_t, uint32_t) {};
  api.reset = [](weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out) {
    Act(Self(codec)->throws, "reset");
    kApi.reset(Self(codec)->inner, stream, reason, out);
  };
  api.produce = [](weir_codec* codec, uint64_t budget, weir_out* out) {
    const uint32_t result = kApi.produce(Self(codec)->inner, budget, out);
    Act(Self(codec)->throws, "produce");
    return result;
  };
  api.goaway = [](weir_codec* codec, uint32_t phase, weir_out* out) {
    Act(Self(codec)->throws, "goaway");
    kApi.goaway(Self(codec)->inner, phase, out);
  };
  api.capacity = [](const weir_codec* codec) { return kApi.capacity(Self(codec)->inner); };
  api.reusable = [](const weir_codec* codec) {
    Act(Self(codec)->throws, "reusable");
    return kApi.reusable(Self(codec)->inner);
  };
  return api;
}

constexpr weir_listener_filter_api kListener = ListenerApi();
constexpr weir_network_filter_api kNetwork = NetworkApi();
constexpr weir_access_logger_api kLogger = LoggerApi();
constexpr weir_http_filter_api kHttp = HttpApi();
constexpr weir_codec_api kCodec = CodecApi();
constexpr weir_extension kAll[] = {{WEIR_KIND_LISTENER_FILTER, 0, NAME, &kListener},
                                   {WEIR_KIND_NETWORK_FILTER, 0, NAME, &kNetwork},
                                   {WEIR_KIND_ACCESS_LOGGER, 0, NAME, &kLogger},
                                   {WEIR_KIND_HTTP_FILTER, 0, NAME, &kHttp},
                                   {WEIR_KIND_CODEC, 0, NAME, &kCodec}};

int32_t Init(const weir_host*, char*, size_t) {
  Act(THROWS_IN, "init");
  return WEIR_OK;
}
void WorkerStart(uint32_t) {
  Act(THROWS_IN, "worker");
}
void WorkerStop(uint32_t) {
  Act(THROWS_IN, "worker");
}
void Fini() {
  Act(THROWS_IN, "fini");
}

}  // namespace

extern "C" __attribute__((visibility("default")))
const weir_plugin_descriptor weir_plugin = {WEIR_ABI_MAGIC,
                                            WEIR_ABI_MAJOR,
                                            WEIR_ABI_MINOR,
                                            sizeof(weir_plugin_descriptor),
                                            sizeof kAll / sizeof kAll[0],
                                            NAME,
                                            "1.0",
                                            kAll,
                                            Init,
                                            WorkerStart,
                                            WorkerStop,
                                            Fini};
