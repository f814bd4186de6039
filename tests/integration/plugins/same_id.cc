// A network filter and an HTTP filter that compare what they are told of one connection's number.
// For one worker and one connection at a time.

#include <cstdint>
#include <string>

#include "plugins/sdk/weir.hpp"

namespace {

using weir::sdk::Status;

std::int64_t seen = 0;

class Below : public weir::sdk::NetworkFilter<Below> {
 public:
  Status OnNewConnection() {
    seen = connection().Number(WEIR_NUMBER_CONNECTION_ID).value_or(-1);
    return Status::kContinue;
  }
};

class Above : public weir::sdk::HttpFilter<Above> {
 public:
  Status OnRequestHeaders(bool) {
    const std::int64_t id = stream().Number(WEIR_NUMBER_CONNECTION_ID).value_or(-2);
    const std::string text = std::string(id == seen ? "same " : "other ") + std::to_string(id);
    return Answer({200, text, "same_id", {}});
  }
};

constexpr char kName[] = "same_id";
const weir_network_filter_api kBelow = weir::sdk::NetworkFilterApi<Below, kName>();
const weir_http_filter_api kAbove = weir::sdk::HttpFilterApi<Above, kName>();
const weir_extension kExtensions[] = {{WEIR_KIND_NETWORK_FILTER, 0, "same_id", &kBelow},
                                      {WEIR_KIND_HTTP_FILTER, 0, "same_id", &kAbove}};

}  // namespace

extern "C" WEIR_PLUGIN(same_id) = weir::sdk::Descriptor("same_id", "1.0", kExtensions);
