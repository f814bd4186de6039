// A network filter that says when it hears of a drain, and closes where it was told "close".

#include <string>

#include "plugins/sdk/weir.hpp"

namespace {

using weir::sdk::Status;

class HearsDrain : public weir::sdk::NetworkFilter<HearsDrain> {
 public:
  Status OnData(bool) {
    closes_ = closes_ || connection().ToString().find("close") != std::string::npos;
    return Status::kContinue;
  }
  void OnDrain() {
    connection().Write("drained\n");
    if (closes_) connection().Close();
  }

 private:
  bool closes_ = false;
};

constexpr char kName[] = "hears_drain";
const weir_network_filter_api kApi = weir::sdk::NetworkFilterApi<HearsDrain, kName>();
const weir_extension kExtensions[] = {{WEIR_KIND_NETWORK_FILTER, 0, "hears_drain", &kApi}};

}  // namespace

extern "C" WEIR_PLUGIN(hears_drain) = weir::sdk::Descriptor("hears_drain", "1.0", kExtensions);
