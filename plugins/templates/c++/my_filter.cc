// my_filter: adds `x-my-filter: <greeting>` to each answer.
#include <string>

#include "plugins/sdk/weir.hpp"

namespace {

using weir::sdk::Status;

// Read on the main thread, then shared by all workers.
struct MyFilterConfig {
  std::string greeting = "hello";

  // False refuses it; what was wrong has been reported by the readers then.
  bool Load(const weir::sdk::ConfigLoad& load) {
    const auto node = load.node.Get("greeting");
    return !node || node.Read(&greeting);
  }
};

// One object per stream. What is not defined costs nothing.
class MyFilter : public weir::sdk::HttpFilter<MyFilter, MyFilterConfig> {
 public:
  Status OnResponseHeaders(bool /*end_stream*/) {
    // A failure ends the request with a 500.
    if (!response().Set("x-my-filter", config().greeting)) return Status::kFail;
    return Status::kContinue;
  }
};

}  // namespace

WEIR_HTTP_FILTER(my_filter, "0.1", MyFilter)
