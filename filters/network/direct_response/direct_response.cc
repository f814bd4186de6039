#include "filters/network/direct_response/direct_response.h"

#include <string>

#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

constexpr std::size_t kMaxResponse = 1 << 20;
constexpr char kName[] = "direct_response";

struct Config {
  std::string response;  // empty: connect, and be closed

  bool Load(const sdk::ConfigLoad& load) {
    if (!load.node || load.node.IsNull()) return true;
    return load.node.ExpectMap(kName) &&
           sdk::ReadText(load.node.Get("response"), "response", kMaxResponse, &response);
  }
};

class DirectResponse : public sdk::NetworkFilter<DirectResponse, Config> {
 public:
  static constexpr std::uint32_t kFlags = WEIR_NETWORK_TERMINAL;

  sdk::Status OnNewConnection() {
    const std::string& response = config().response;
    if (!response.empty() && !connection().Write(response)) return sdk::Status::kFail;
    connection().Close();
    return sdk::Status::kStop;
  }
  // Whatever the client says is dropped: bytes left unread would turn the close into a reset, and
  // the reset could overtake the answer.
  sdk::Status OnData(bool) {
    connection().Drain(connection().size());
    return sdk::Status::kStop;
  }
};

}  // namespace

constinit const weir_network_filter_api kNetworkDirectResponseApi =
    sdk::NetworkFilterApi<DirectResponse, kName>();

}  // namespace weir::filters
