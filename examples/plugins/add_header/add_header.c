/* An HTTP filter in C: adds one field to every answer. Built with nothing but the header:
 *
 *   cc -std=c11 -shared -fPIC -fvisibility=hidden -I. examples/plugins/add_header/add_header.c -o
 * add_header.so
 *
 * and used as
 *
 *   http_filters:
 *     - { name: add_header, typed_config: { name: x-served-by, value: weir } }
 *     - { name: mux }
 */
#include <stdlib.h>

#include "plugins/abi/weir.h"

struct config {
  const weir_http_api* http;
  weir_view name;
  weir_view value;
};

static weir_view text(const char* literal, size_t size) {
  weir_view view = {literal, size};
  return view;
}

static void* config_new(const weir_host* host, const weir_http_api* http, const weir_node* node,
                        uint32_t per_route) {
  const weir_config_api* read = host->config;
  (void)per_route;
  struct config made = {http, {NULL, 0}, {NULL, 0}};
  /* A missing or wrong value is reported by the reader, with its line and column. */
  if (read->string(read->get(node, text("name", 4)), &made.name) != WEIR_OK ||
      read->string(read->get(node, text("value", 5)), &made.value) != WEIR_OK) {
    return NULL;
  }
  struct config* config = malloc(sizeof *config);
  if (config != NULL) *config = made;
  return config;
}

static int32_t response_headers(void* self, weir_stream* stream, uint32_t end_stream) {
  const struct config* config = self;
  (void)end_stream;
  const int32_t status = config->http->add(stream, WEIR_RESPONSE, config->name, config->value);
  return status == WEIR_OK ? WEIR_CONTINUE : status;
}

/* No state of its own: `self` is the config. */
static const weir_http_filter_api filter = {
    .struct_size = sizeof filter,
    .config_new = config_new,
    .config_free = free,
    .response_headers = response_headers,
};

static const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "add_header", &filter}};

WEIR_PLUGIN(add_header) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "add_header",
    .version = "1.0",
    .extensions = extensions,
};
