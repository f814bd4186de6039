/* An HTTP filter in C that asks a service whether a request may pass: 200 lets it, with the
 * service's x-user put in; 401 and 403 are the answer; everything else is a 503. With `body` the
 * request's body goes to the service as it comes. */
#include <stdlib.h>
#include <string.h>

#include "plugins/abi/weir.h"

struct config {
  const weir_host* host;
  const weir_http_api* http;
  char cluster[64];
  uint32_t timeout_ms;
  uint32_t body;
};

struct filter {
  const struct config* config;
  weir_stream* stream;
  weir_callout* callout;
  weir_ticket ticket;
  uint32_t status;
};

static weir_view text(const char* literal) {
  weir_view view = {literal, strlen(literal)};
  return view;
}

static void* config_new(const weir_host* host, const weir_http_api* http, const weir_node* node,
                        uint32_t per_route) {
  const weir_config_api* read = host->config;
  weir_view cluster;
  int64_t timeout = 0;
  (void)per_route;
  if (!WEIR_HAS(host, callout) || !WEIR_HAS(http, add_trailers)) return NULL;
  if (read->string(read->get(node, text("cluster")), &cluster) != WEIR_OK) return NULL;
  if (read->duration_ms(read->get(node, text("timeout")), &timeout) != WEIR_OK) return NULL;
  struct config* config = calloc(1, sizeof *config);
  if (config == NULL || cluster.size >= sizeof config->cluster) return NULL;
  config->host = host;
  config->http = http;
  memcpy(config->cluster, cluster.data, cluster.size);
  config->timeout_ms = (uint32_t)timeout;
  const weir_node* body = read->get(node, text("body"));
  if (body != NULL && read->boolean(body, &config->body) != WEIR_OK) return NULL;
  return config;
}

static void on_head(void* user, const weir_head* head, uint32_t end) {
  struct filter* filter = user;
  (void)end;
  filter->status = head->status;
  for (uint32_t i = 0; i < head->field_count; ++i) {
    const weir_field* field = &head->fields[i];
    if (head->status != 200 || field->name_size != 6 || memcmp(field->name, "x-user", 6) != 0)
      continue;
    weir_view value = {field->value, field->value_size};
    filter->config->http->set(filter->stream, WEIR_REQUEST, text("x-user"), value);
  }
}

static void on_complete(void* user, uint32_t reason) {
  struct filter* filter = user;
  const weir_http_api* http = filter->config->http;
  filter->callout = NULL;
  if (reason == WEIR_REASON_NONE && filter->status == 200) {
    http->resume(filter->ticket, WEIR_REQUEST);
    return;
  }
  const int denied = reason == WEIR_REASON_NONE && (filter->status == 401 || filter->status == 403);
  http->set_flag(filter->stream, text("UAEX"));
  http->local_reply(filter->stream, denied ? filter->status : 503,
                    text(denied ? "denied" : "no answer"), NULL, 0, text("authorize"));
}

static int32_t request_headers(void* self, weir_stream* stream, uint32_t end_stream) {
  static const weir_callout_hooks hooks = {
      .struct_size = sizeof hooks, .head = on_head, .complete = on_complete};
  struct filter* filter = self;
  const struct config* config = filter->config;
  weir_callout_request request = {.struct_size = sizeof request};
  request.cluster = text(config->cluster);
  request.timeout_ms = config->timeout_ms;
  config->http->get_start(stream, text(":path"), &request.path);
  config->http->get_start(stream, text(":method"), &request.method);
  if (config->body != 0 && end_stream == 0) request.flags = WEIR_CALLOUT_STREAM_BODY;
  filter->stream = stream;
  filter->ticket = config->http->ticket(stream);
  filter->callout = config->host->callout->start(&request, &hooks, filter);
  if (filter->callout == NULL) return WEIR_ERROR;
  return request.flags != 0 ? WEIR_STOP : WEIR_STOP_ALL_WATERMARK;
}

/* Only what came since the last time is new. */
static int32_t request_data(void* self, weir_stream* stream, uint32_t end_stream) {
  struct filter* filter = self;
  const weir_http_api* http = filter->config->http;
  if (filter->callout == NULL || filter->config->body == 0) return WEIR_CONTINUE;
  static const weir_view none = {NULL, 0};
  weir_view piece;
  for (uint64_t at = 0; (piece = http->body_piece(stream, WEIR_REQUEST, at)).size > 0;
       at += piece.size)
    if (filter->config->host->callout->send(filter->callout, piece, 0) != WEIR_OK)
      return WEIR_ERROR;
  if (end_stream != 0) filter->config->host->callout->send(filter->callout, none, 1);
  http->body_drain(stream, WEIR_REQUEST, http->body_size(stream, WEIR_REQUEST));
  return WEIR_STOP_WATERMARK;
}

static int32_t create(void* self, void* config, weir_stream* stream) {
  (void)stream;
  ((struct filter*)self)->config = config;
  return WEIR_OK;
}

static void destroy(void* self) {
  struct filter* filter = self;
  if (filter->callout != NULL) filter->config->host->callout->cancel(filter->callout);
}

static const weir_http_filter_api api = {
    .struct_size = sizeof api,
    .flags = WEIR_FILTER_CHANGES_REQUEST_LENGTH,
    .state_size = sizeof(struct filter),
    .config_new = config_new,
    .config_free = free,
    .create = create,
    .destroy = destroy,
    .request_headers = request_headers,
    .request_data = request_data,
};

static const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, "authorize", &api}};

WEIR_PLUGIN(authorize) = {
    .magic = WEIR_ABI_MAGIC,
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .struct_size = sizeof(weir_plugin_descriptor),
    .extension_count = 1,
    .name = "authorize",
    .version = "1.0",
    .extensions = extensions,
};
