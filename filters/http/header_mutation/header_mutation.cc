#include "filters/http/header_mutation/header_mutation.h"

#include <memory>
#include <new>

#include "filters/http/header_mutation/mutation_list.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

struct Config {
  const weir_http_api* http = nullptr;
  MutationList lists[4];  // by WEIR_REQUEST, WEIR_RESPONSE, WEIR_REQUEST_TRAILERS, ...
};

struct Key {
  const char* name;
  std::uint32_t which;
};

constexpr Key kKeys[] = {
    {"request_mutations", WEIR_REQUEST},
    {"response_mutations", WEIR_RESPONSE},
    {"request_trailers_mutations", WEIR_REQUEST_TRAILERS},
    {"response_trailers_mutations", WEIR_RESPONSE_TRAILERS},
};

bool Load(const ConfigNode& root, Config* config) {
  if (!root) return root.Fail("header_mutation needs mutations");
  if (!root.ExpectMap("header_mutation")) return false;
  bool ok = true;
  if (const ConfigNode wins = root.Get("most_specific_header_mutations_wins")) {
    bool value = false;
    ok = wins.Read(&value) &&
         (!value || wins.Fail("most_specific_header_mutations_wins is not available: only the most "
                              "specific entry of a route applies"));
  }
  const ConfigNode mutations = root.Get("mutations");
  if (!mutations) return root.Fail("header_mutation needs mutations");
  if (!mutations.ExpectMap("mutations")) return false;
  ok = mutations.Refuse("query_parameter_mutations", "is not available") && ok;
  for (const Key& key : kKeys) {
    ok = config->lists[key.which].Load(mutations.Get(key.name), key.name) && ok;
  }
  return ok;
}

void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node* node,
                std::uint32_t) {
  const ConfigNode root(host, node);
  try {
    auto config = std::make_unique<Config>();
    config->http = http;
    return Load(root, config.get()) ? config.release() : nullptr;
  } catch (const std::bad_alloc&) {
    root.Fail("no memory is left");
    return nullptr;
  }
}

void ConfigFree(void* config) {
  delete static_cast<Config*>(config);
}

// First the filter's own changes, then the route's, as Envoy does.
std::int32_t Apply(void* self, weir_stream* stream, std::uint32_t which) {
  const auto& config = *static_cast<const Config*>(self);
  std::int32_t status = config.lists[which].Apply(*config.http, stream, which);
  const auto* route = static_cast<const Config*>(config.http->route_config(stream));
  if (status == WEIR_OK && route != nullptr) {
    status = route->lists[which].Apply(*config.http, stream, which);
  }
  return status == WEIR_OK ? WEIR_CONTINUE : status;
}

std::int32_t RequestHeaders(void* self, weir_stream* stream, std::uint32_t) {
  return Apply(self, stream, WEIR_REQUEST);
}
std::int32_t RequestTrailers(void* self, weir_stream* stream) {
  return Apply(self, stream, WEIR_REQUEST_TRAILERS);
}
std::int32_t ResponseHeaders(void* self, weir_stream* stream, std::uint32_t) {
  return Apply(self, stream, WEIR_RESPONSE);
}
std::int32_t ResponseTrailers(void* self, weir_stream* stream) {
  return Apply(self, stream, WEIR_RESPONSE_TRAILERS);
}

}  // namespace

const weir_http_filter_api kHeaderMutationApi = {
    .struct_size = sizeof(weir_http_filter_api),
    .flags = 0,
    .state_size = 0,
    .reserved = 0,
    .config_new = ConfigNew,
    .config_free = ConfigFree,
    .create = nullptr,
    .destroy = nullptr,
    .request_headers = RequestHeaders,
    .request_data = nullptr,
    .request_trailers = RequestTrailers,
    .response_interim = nullptr,
    .response_headers = ResponseHeaders,
    .response_data = nullptr,
    .response_trailers = ResponseTrailers,
    .complete = nullptr,
};

}  // namespace weir::filters
