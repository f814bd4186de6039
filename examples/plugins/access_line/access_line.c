/* An access logger in C, with a line format of its own:
 *
 *   access_log:
 *     - name: access_line
 *       typed_config: { path: /dev/stdout }
 *
 * writes `GET /path 200 1234us` for each request. */
#include <stdio.h>
#include <stdlib.h>

#include "plugins/abi/weir.h"

#define VIEW(literal) ((weir_view){literal, sizeof(literal) - 1})

struct config {
  const weir_logger_api* logger;
  weir_sink* sink;
};

static void* config_new(const weir_host* host, const weir_logger_api* logger,
                        const weir_node* node) {
  weir_view path;
  const weir_node* where = host->config->get(node, VIEW("path"));
  if (host->config->string(where, &path) != WEIR_OK) return NULL;
  struct config made = {logger, logger->sink(where, path)};
  if (made.sink == NULL) return NULL; /* reported by the host */
  struct config* config = malloc(sizeof *config);
  if (config != NULL) *config = made;
  return config;
}

/* Any worker: nothing here is shared but what is only read. */
static int32_t log_stream(void* self, weir_stream* stream, uint32_t type) {
  const struct config* config = self;
  const weir_http_api* http = config->logger->http;
  if (type != WEIR_LOG_STREAM_END) return WEIR_OK;
  weir_view method = VIEW("-"), path = VIEW("-");
  int64_t us = 0, status = 0;
  http->get_start(stream, VIEW(":method"), &method);
  http->get_start(stream, VIEW(":path"), &path);
  http->number(stream, WEIR_NUMBER_RESPONSE_CODE, &status);
  http->number(stream, WEIR_NUMBER_END_US, &us);
  char line[600];
  const int size = snprintf(
      line, sizeof line, "%.*s %.*s %d %lldus\n", (int)(method.size < 40 ? method.size : 40),
      method.data, (int)(path.size < 500 ? path.size : 500), path.data, (int)status, (long long)us);
  if (size < 0 || (size_t)size >= sizeof line) return WEIR_ERROR;
  const weir_view whole = {line, (size_t)size};
  config->logger->write(config->sink, whole); /* no room: the host has counted it */
  return WEIR_OK;
}

static const weir_access_logger_api api = {
    .struct_size = sizeof api,
    .config_new = config_new,
    .config_free = free,
    .log = log_stream,
};

static const weir_extension extensions[] = {{WEIR_KIND_ACCESS_LOGGER, 0, "access_line", &api}};

WEIR_PLUGIN(access_line) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "access_line",
    .version = "1.0",
    .extensions = extensions,
};
