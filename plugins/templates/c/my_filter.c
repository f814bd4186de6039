/* my_filter: adds `x-my-filter: <greeting>` to each answer. */
#include <stdlib.h>

#include "plugins/abi/weir.h"

#define VIEW(literal) ((weir_view){literal, sizeof(literal) - 1})

struct config {
  const weir_http_api* http;
  weir_view greeting; /* lives as long as the configuration */
};

/* Main thread. NULL refuses the configuration; what was wrong has been reported by the readers
 * then. */
static void* config_new(const weir_host* host, const weir_http_api* http, const weir_node* node,
                        uint32_t per_route) {
  (void)per_route;
  struct config made = {http, VIEW("hello")};
  const weir_config_api* read = host->config;
  const weir_node* greeting = read->get(node, VIEW("greeting"));
  if (greeting != NULL && read->string(greeting, &made.greeting) != WEIR_OK) return NULL;
  struct config* config = malloc(sizeof *config);
  if (config != NULL) *config = made;
  return config;
}

/* The stream's worker. Without a state of its own, `self` is the configuration. */
static int32_t response_headers(void* self, weir_stream* stream, uint32_t end_stream) {
  const struct config* config = self;
  (void)end_stream;
  const int32_t status =
      config->http->set(stream, WEIR_RESPONSE, VIEW("x-my-filter"), config->greeting);
  return status == WEIR_OK ? WEIR_CONTINUE : status; /* a failure ends the request with a 500 */
}

/* A hook that is not set costs nothing. */
static const weir_http_filter_api filter = {
    .struct_size = sizeof filter,
    .config_new = config_new,
    .config_free = free,
    .response_headers = response_headers,
};

static const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "my_filter", &filter}};

WEIR_PLUGIN(my_filter) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "my_filter",
    .version = "0.1",
    .extensions = extensions,
};
