#include "filters/http/direct_response/direct_response.h"

#include <string>

#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

constexpr std::size_t kMaxBody = 1 << 20;
constexpr char kName[] = "direct_response";

struct Config {
  std::uint32_t status = 200;
  std::string body;
  sdk::FieldList headers;

  bool Load(const sdk::ConfigLoad& load) {
    const sdk::ConfigNode& root = load.node;
    if (!root || root.IsNull()) return true;
    if (!root.ExpectMap(kName)) return false;
    bool ok = true;
    if (const sdk::ConfigNode node = root.Get("status")) {
      std::int64_t value = 0;
      ok = node.Read(200, 599, &value);
      status = static_cast<std::uint32_t>(value);
    }
    ok = sdk::ReadText(root.Get("body"), "body", kMaxBody, &body) && ok;
    return headers.Load(root.Get("headers"), "headers") && ok;
  }
};

class DirectResponse : public sdk::HttpFilter<DirectResponse, Config> {
 public:
  sdk::Status OnRequestHeaders(bool) {
    const Config* const of_route = route_config();
    const Config& answer = of_route != nullptr ? *of_route : config();
    return Answer(
        {.status = answer.status, .body = answer.body, .details = kName, .list = &answer.headers});
  }
};

}  // namespace

constinit const weir_http_filter_api kHttpDirectResponseApi =
    sdk::HttpFilterApi<DirectResponse, kName>();

}  // namespace weir::filters
