#include "filters/http/health_check/health_check.h"

#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "filters/http/common/header_matcher.h"
#include "plugins/sdk/config_node.h"
#include "plugins/sdk/view.h"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr std::string_view kDetails = "health_check_ok";

struct Config {
  const weir_http_api* http = nullptr;
  std::vector<HeaderMatcher> matchers;  // all must match; never empty
};

bool LoadPath(const ConfigNode& node, Config* config) {
  if (!node) return true;
  std::string path;
  if (!node.Read(&path)) return false;
  if (path.empty() || path.front() != '/' || path.find_first_of("?#") != std::string::npos) {
    return node.Fail("path must begin with / and have neither ? nor #");
  }
  config->matchers.emplace_back().MatchPath(std::move(path));
  return true;
}

bool Load(const ConfigNode& root, Config* config) {
  if (!root) return root.Fail("health_check needs path or headers");
  if (!root.ExpectMap("health_check")) return false;
  bool ok = true;
  if (const ConfigNode mode = root.Get("pass_through_mode")) {
    bool value = false;
    ok =
        mode.Read(&value) &&
        (!value || mode.Fail("pass_through_mode: true is not available: probes are answered here"));
  }
  for (const char* key : {"cache_time", "cluster_min_healthy_percentages"}) {
    ok = root.Refuse(key, "is not available") && ok;
  }
  ok = LoadHeaderMatchers(root.Get("headers"), "headers", &config->matchers) && ok;
  ok = LoadPath(root.Get("path"), config) && ok;
  if (ok && config->matchers.empty()) {
    return root.Fail("health_check needs path or headers: without them it would answer everything");
  }
  return ok;
}

void* ConfigNew(const weir_host* host, const weir_http_api* http, const weir_node* node,
                std::uint32_t per_route) {
  const ConfigNode root(host, node);
  try {
    if (per_route != 0) {
      root.Fail("health_check has no configuration per route");
      return nullptr;
    }
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

std::int32_t RequestHeaders(void* self, weir_stream* stream, std::uint32_t) {
  const auto& config = *static_cast<const Config*>(self);
  if (!AllMatch(config.matchers, *config.http, stream)) return WEIR_CONTINUE;
  const std::int32_t status =
      config.http->local_reply(stream, 200, {nullptr, 0}, nullptr, 0, sdk::View(kDetails));
  return status < 0 ? status : WEIR_STOP_ALL;
}

}  // namespace

const weir_http_filter_api kHealthCheckApi = {
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
    .request_trailers = nullptr,
    .response_interim = nullptr,
    .response_headers = nullptr,
    .response_data = nullptr,
    .response_trailers = nullptr,
    .complete = nullptr,
};

}  // namespace weir::filters
