/* A whole plugin in C99: what the header asks of one, and no more. It is compiled, not run. */
#include "plugins/abi/weir.h"

static const weir_http_api* g_http;

static void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node* node,
                       uint32_t per_route) {
  const weir_view key = {"value", 5};
  weir_view value = {NULL, 0};
  (void)per_route;
  g_http = http;
  if (host->config->string(host->config->get(node, key), &value) != WEIR_OK) return NULL;
  return WEIR_HAS(http, attribute) ? &g_http : NULL;
}

static int32_t RequestHeaders(void* self, weir_stream* stream, uint32_t end_stream) {
  const weir_view name = {"x-minimal", 9};
  (void)self;
  (void)end_stream;
  return g_http->set(stream, WEIR_REQUEST, name, name) < 0 ? WEIR_ERROR : WEIR_CONTINUE;
}

static const weir_http_filter_api kFilter = {.struct_size = sizeof(weir_http_filter_api),
                                             .config_new = ConfigNew,
                                             .request_headers = RequestHeaders};
static const weir_extension kExtensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "minimal", &kFilter}};

WEIR_PLUGIN(minimal) = {.magic = WEIR_ABI_MAGIC,
                        .abi_major = WEIR_ABI_MAJOR,
                        .abi_minor = WEIR_ABI_MINOR,
                        .struct_size = sizeof(weir_plugin_descriptor),
                        .extension_count = 1,
                        .name = "minimal",
                        .version = "1.0.0",
                        .extensions = kExtensions};
