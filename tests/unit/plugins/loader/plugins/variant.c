/* A plugin of which each build gets one thing wrong: see the definitions in ../CMakeLists.txt.
 * Plain C, write it. */
#include <stdlib.h>
#include <string.h>

#include "plugins/abi/weir.h"

#ifndef VARIANT_MAGIC
#define VARIANT_MAGIC WEIR_ABI_MAGIC
#endif
#ifndef VARIANT_MAJOR
#define VARIANT_MAJOR WEIR_ABI_MAJOR
#endif
#ifndef VARIANT_MINOR
#define VARIANT_MINOR WEIR_ABI_MINOR
#endif
#ifndef VARIANT_SIZE
#define VARIANT_SIZE sizeof(weir_plugin_descriptor)
#endif
#ifndef VARIANT_COUNT
#define VARIANT_COUNT (sizeof kExtensions / sizeof kExtensions[0])
#endif
#ifndef VARIANT_NAME
#define VARIANT_NAME "good"
#endif
#ifndef VARIANT_VERSION
#define VARIANT_VERSION "1.2.3"
#endif
#ifndef VARIANT_KIND
#define VARIANT_KIND WEIR_KIND_HTTP_FILTER
#endif
#ifndef VARIANT_EXTENSION
#define VARIANT_EXTENSION "good"
#endif
#ifndef VARIANT_API_SIZE
#define VARIANT_API_SIZE sizeof(weir_http_filter_api)
#endif
#ifndef VARIANT_STATE
#define VARIANT_STATE 0
#endif
#ifndef VARIANT_CONFIG_NEW
#define VARIANT_CONFIG_NEW ConfigNew
#endif
#ifndef VARIANT_HOOK
#define VARIANT_HOOK RequestHeaders
#endif
#ifndef VARIANT_PRODUCE
#define VARIANT_PRODUCE Produce
#endif
#ifndef VARIANT_TICK
#define VARIANT_TICK 0
#endif
#ifndef VARIANT_INIT
#define VARIANT_INIT InitWell
#endif

static int g_config;

/* The test looks whether code of a refused plugin ran. */
__attribute__((constructor)) static void Constructor(void) {
  setenv("WEIR_TEST_PLUGIN_RAN", VARIANT_NAME, 1);
}

static void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node* node,
                       uint32_t per_route) {
  (void)host, (void)http, (void)node, (void)per_route;
  return &g_config;
}
static void* NetworkConfigNew(const weir_host* host, const weir_network_api* network,
                              const weir_node* node) {
  (void)host, (void)network, (void)node;
  return &g_config;
}
static int32_t RequestHeaders(void* self, weir_stream* stream, uint32_t end_stream) {
  (void)self, (void)stream, (void)end_stream;
  return WEIR_CONTINUE;
}
static int32_t Data(void* self, weir_connection* connection, uint32_t end_stream) {
  (void)self, (void)connection, (void)end_stream;
  return WEIR_STOP;
}

static weir_codec* Create(const weir_codec_params* params) {
  (void)params;
  return NULL;
}
static void Destroy(weir_codec* codec) {
  (void)codec;
}
static size_t Receive(weir_codec* codec, uint8_t* data, size_t size, uint32_t flags,
                      weir_event* event) {
  (void)codec, (void)data, (void)size, (void)flags, (void)event;
  return 0;
}
static void Adopt(weir_codec* codec, uint32_t stream, weir_stream* user) {
  (void)codec, (void)stream, (void)user;
}
static uint32_t OpenStream(weir_codec* codec, weir_stream* user) {
  return codec && user ? 1 : 0;
}
static int32_t SendHead(weir_codec* codec, uint32_t stream, const weir_head* head,
                        uint32_t end_stream, weir_out* out) {
  (void)codec, (void)stream, (void)head, (void)end_stream, (void)out;
  return WEIR_ERROR;
}
static void Ready(weir_codec* codec, uint32_t stream) {
  (void)codec, (void)stream;
}
static void Consumed(weir_codec* codec, uint32_t stream, uint32_t size) {
  (void)codec, (void)stream, (void)size;
}
static void Reset(weir_codec* codec, uint32_t stream, uint32_t reason, weir_out* out) {
  (void)codec, (void)stream, (void)reason, (void)out;
}
static uint32_t Produce(weir_codec* codec, uint64_t budget, weir_out* out) {
  return codec && budget && out ? 0 : 0;
}
static void Goaway(weir_codec* codec, uint32_t phase, weir_out* out) {
  (void)codec, (void)phase, (void)out;
}
static uint32_t Capacity(const weir_codec* codec) {
  return codec ? 1 : 0;
}
static uint32_t Reusable(const weir_codec* codec) {
  return codec ? 1 : 0;
}

static const weir_codec_api kCodec = {.struct_size = sizeof(weir_codec_api),
                                      .create = Create,
                                      .destroy = Destroy,
                                      .receive = Receive,
                                      .adopt = Adopt,
                                      .open = OpenStream,
                                      .send_head = SendHead,
                                      .ready = Ready,
                                      .consumed = Consumed,
                                      .reset = Reset,
                                      .produce = VARIANT_PRODUCE,
                                      .goaway = Goaway,
                                      .tick = VARIANT_TICK,
                                      .capacity = Capacity,
                                      .reusable = Reusable};
static const weir_http_filter_api kFilter = {.struct_size = VARIANT_API_SIZE,
                                             .state_size = VARIANT_STATE,
                                             .config_new = VARIANT_CONFIG_NEW,
                                             .request_headers = VARIANT_HOOK};
static const weir_network_filter_api kNetwork = {
    .struct_size = sizeof(weir_network_filter_api), .config_new = NetworkConfigNew, .data = Data};

static const weir_extension kExtensions[] = {
    {VARIANT_KIND, 0, VARIANT_EXTENSION, &kFilter},
    {WEIR_KIND_CODEC, 0, VARIANT_EXTENSION "_codec", &kCodec},
    {WEIR_KIND_NETWORK_FILTER, 0, VARIANT_EXTENSION, &kNetwork},
#ifdef VARIANT_EXTRA
    VARIANT_EXTRA,
#endif
};

static int32_t InitWell(const weir_host* host, char* error, size_t error_size) {
  (void)error, (void)error_size;
  const weir_view name = {VARIANT_NAME, sizeof VARIANT_NAME - 1};
  const weir_view message = {"init", 4};
  host->log(WEIR_LOG_INFO, name, message);
  return WEIR_OK;
}
static int32_t InitFails(const weir_host* host, char* error, size_t error_size) {
  InitWell(host, error, error_size);
  strncpy(error, "the moon is full", error_size - 1);
  return WEIR_ERROR;
}
static int32_t InitFailsSilently(const weir_host* host, char* error, size_t error_size) {
  (void)host, (void)error, (void)error_size;
  return WEIR_ERROR;
}
/* Leaves no room for the end of the text: the host must bring its own. */
static int32_t InitFailsAtLength(const weir_host* host, char* error, size_t error_size) {
  (void)host;
  memset(error, 'x', error_size);
  return WEIR_ERROR;
}
#ifdef VARIANT_NO_SYMBOL
extern const weir_plugin_descriptor weir_pluggin;
__attribute__((visibility("default"))) const weir_plugin_descriptor weir_pluggin = {
#else
extern const weir_plugin_descriptor weir_plugin;
WEIR_PLUGIN(variant) = {
#endif
    .magic = VARIANT_MAGIC,
    .abi_major = VARIANT_MAJOR,
    .abi_minor = VARIANT_MINOR,
    .struct_size = VARIANT_SIZE,
    .extension_count = VARIANT_COUNT,
    .name = VARIANT_NAME,
    .version = VARIANT_VERSION,
    .extensions = kExtensions,
    .init = VARIANT_INIT,
};
