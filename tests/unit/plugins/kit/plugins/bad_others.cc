// Plugins of the other kinds with one mistake each.
#include <cstdlib>
#include <cstring>

#include "plugins/abi/weir.h"

namespace {

[[maybe_unused]] char g_config;

#if defined(BAD_LOGGER)
const weir_logger_api* g_logger;
weir_sink* g_sink;
constexpr uint32_t kKind = WEIR_KIND_ACCESS_LOGGER;
weir_access_logger_api Api() {
  weir_access_logger_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host*, const weir_logger_api* logger, const weir_node* node) {
    g_logger = logger;
    g_sink = logger->sink(node, {"/dev/null", 9});
    return static_cast<void*>(&g_config);
  };
  api.config_free = [](void*) {};
  api.log = [](void*, weir_stream*, uint32_t) { return g_logger->write(g_sink, {"half", 4}); };
  return api;
}
#elif defined(BAD_NETWORK)
const weir_network_api* g_network;
constexpr uint32_t kKind = WEIR_KIND_NETWORK_FILTER;
weir_network_filter_api Api() {
  weir_network_filter_api api{};
  api.struct_size = sizeof api;
  api.config_new = [](const weir_host*, const weir_network_api* network, const weir_node*) {
    g_network = network;
    return static_cast<void*>(&g_config);
  };
  api.config_free = [](void*) {};
  api.data = [](void*, weir_connection* connection, uint32_t) {
    g_network->drain(connection, g_network->data_size(connection) + 1);
    return int32_t{WEIR_STOP};
  };
  return api;
}
#elif defined(BAD_LISTENER)
constexpr uint32_t kKind = WEIR_KIND_LISTENER_FILTER;
weir_listener_filter_api Api() {
  weir_listener_filter_api api{};
  api.struct_size = sizeof api;
  api.max_read_bytes = 100;
  api.config_new = [](const weir_host*, const weir_listener_api*, const weir_node*) {
    return static_cast<void*>(&g_config);
  };
  api.config_free = [](void*) {};
  // Counts on all of it in one piece.
  api.data = [](void*, weir_connection*, weir_view data, uint32_t, size_t* taken) {
    *taken = data.size > 5 ? 5 : 0;
    return int32_t{WEIR_CONTINUE};
  };
  return api;
}
#else
struct Codec {
  const weir_codec_host* host;
};
constexpr uint32_t kKind = WEIR_KIND_CODEC;
weir_codec_api Api() {
  weir_codec_api api{};
  api.struct_size = sizeof api;
  api.create = [](const weir_codec_params* params) {
    auto* const codec = static_cast<Codec*>(params->codec_host->alloc(sizeof(Codec)));
    if (codec != nullptr) codec->host = params->codec_host;
    return reinterpret_cast<weir_codec*>(codec);
  };
  api.destroy = [](weir_codec* codec) {
#if !defined(BAD_CODEC_LEAK)
    reinterpret_cast<Codec*>(codec)->host->free(codec, sizeof(Codec));
#else
    (void)codec;
#endif
  };
  api.receive = [](weir_codec*, uint8_t*, size_t size, uint32_t, weir_event* event) {
    *event = {};
#if defined(BAD_CODEC_USES)
    return size + 1;
#elif defined(BAD_CODEC_ENDLESS)
    event->type = WEIR_EVENT_DATA;
    return size - size;
#else
    return size;
#endif
  };
  api.adopt = [](weir_codec*, uint32_t, weir_stream*) {};
  api.open = [](weir_codec*, weir_stream*) { return 0u; };
  api.send_head = [](weir_codec*, uint32_t, const weir_head*, uint32_t, weir_out*) {
    return int32_t{WEIR_REFUSED};
  };
  api.ready = [](weir_codec*, uint32_t) {};
  api.consumed = [](weir_codec*, uint32_t, uint32_t) {};
  api.reset = [](weir_codec*, uint32_t, uint32_t, weir_out*) {};
  api.produce = [](weir_codec*, uint64_t, weir_out*) { return 0u; };
  api.goaway = [](weir_codec*, uint32_t, weir_out*) {};
  api.capacity = [](const weir_codec*) { return 1u; };
  api.reusable = [](const weir_codec*) { return 1u; };
  return api;
}
#endif

const auto kApi = Api();
const weir_extension kExtensions[] = {{kKind, 0, "bad", &kApi}};

}  // namespace

extern "C" WEIR_PLUGIN(bad) = {WEIR_ABI_MAGIC,
                               WEIR_ABI_MAJOR,
                               WEIR_ABI_MINOR,
                               sizeof(weir_plugin_descriptor),
                               1,
                               "bad",
                               "1",
                               kExtensions,
                               nullptr,
                               nullptr,
                               nullptr,
                               nullptr};
