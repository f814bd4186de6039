#include "filters/http/health_check/health_check.h"

#include <string>
#include <utility>
#include <vector>

#include "filters/http/common/header_matcher.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

using sdk::ConfigNode;

constexpr char kName[] = "health_check";

struct Config {
  std::vector<HeaderMatcher> matchers;  // all must match; never empty

  bool Load(const sdk::ConfigLoad& load) {
    const ConfigNode& root = load.node;
    if (load.per_route) return root.Fail("health_check has no configuration per route");
    if (!root) return root.Fail("health_check needs path or headers");
    if (!root.ExpectMap(kName)) return false;
    bool ok = true;
    if (const ConfigNode mode = root.Get("pass_through_mode")) {
      bool on = false;
      ok = mode.Read(&on) &&
           (!on || mode.Fail("pass_through_mode: true is not available: probes are answered here"));
    }
    for (const char* key : {"cache_time", "cluster_min_healthy_percentages"}) {
      ok = root.Refuse(key, "is not available") && ok;
    }
    ok = LoadHeaderMatchers(root.Get("headers"), "headers", &matchers) && ok;
    ok = LoadPath(root.Get("path")) && ok;
    if (!ok || !matchers.empty()) return ok;
    return root.Fail("health_check needs path or headers: without them it would answer everything");
  }

  bool LoadPath(const ConfigNode& node) {
    if (!node) return true;
    std::string path;
    if (!node.Read(&path)) return false;
    if (path.empty() || path.front() != '/' || path.find_first_of("?#") != std::string::npos) {
      return node.Fail("path must begin with / and have neither ? nor #");
    }
    matchers.emplace_back().MatchPath(std::move(path));
    return true;
  }
};

class HealthCheck : public sdk::HttpFilter<HealthCheck, Config> {
 public:
  sdk::Status OnRequestHeaders(bool) {
    const sdk::HttpStream probe = stream();
    if (!AllMatch(config().matchers, *probe.api(), probe.handle())) return sdk::Status::kContinue;
    // The process drains, or an operator said so: whoever balances is to send no more.
    if (probe.Metadata("weir.server", "state") == "DRAINING") {
      probe.SetFlag("LH");
      return Answer({.status = 503, .details = "health_check_failed"});
    }
    return Answer({.status = 200, .details = "health_check_ok"});
  }
};

}  // namespace

constinit const weir_http_filter_api kHealthCheckApi = sdk::HttpFilterApi<HealthCheck, kName>();

}  // namespace weir::filters
