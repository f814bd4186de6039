/* An HTTP filter whose cost filter_cost.py measures. Built with COST_NAME, its name; with
 * COST_TOKEN it reads one field of the request by its token, else it has no hook. */
#include "plugins/abi/tokens.h"
#include "plugins/abi/weir.h"

static const weir_http_api* http;

static void* config_new(const weir_host* host, const weir_http_api* api, const weir_node* node,
                        uint32_t per_route) {
  (void)host, (void)node, (void)per_route;
  http = api;
  return &http;
}

#ifdef COST_TOKEN
struct state {
  size_t seen;
};

static int32_t create(void* self, void* config, weir_stream* stream) {
  (void)self, (void)config, (void)stream;
  return WEIR_OK;
}

static void destroy(void* self) {
  (void)self;
}

static int32_t request_headers(void* self, weir_stream* stream, uint32_t end_stream) {
  weir_view value;
  (void)end_stream;
  if (http->get_token(stream, WEIR_REQUEST, WEIR_TOKEN_USER_AGENT, 0, &value) == WEIR_OK)
    ((struct state*)self)->seen = value.size;
  return WEIR_CONTINUE;
}
#endif

static const weir_http_filter_api filter = {.struct_size = sizeof filter,
#ifdef COST_TOKEN
                                            .state_size = sizeof(struct state),
                                            .create = create,
                                            .destroy = destroy,
                                            .request_headers = request_headers,
#endif
                                            .config_new = config_new};

static const weir_extension extensions[] = {{WEIR_KIND_HTTP_FILTER, 0, COST_NAME, &filter}};

WEIR_PLUGIN(cost) = {.magic = WEIR_ABI_MAGIC,
                     .abi_major = WEIR_ABI_MAJOR,
                     .abi_minor = WEIR_ABI_MINOR,
                     .struct_size = sizeof(weir_plugin_descriptor),
                     .extension_count = 1,
                     .name = COST_NAME,
                     .version = "1",
                     .extensions = extensions};
