#include "filters/network/echo/echo.h"

#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

using sdk::Status;

constexpr char kName[] = "echo";

struct Config {
  // A mapping is looked at by the host: every key in it is unknown.
  bool Load(const sdk::ConfigLoad& load) {
    return !load.node || load.node.IsNull() || load.node.ExpectMap(kName);
  }
};

class Echo : public sdk::NetworkFilter<Echo, Config> {
 public:
  static constexpr std::uint32_t kFlags = WEIR_NETWORK_TERMINAL;

  Status OnData(bool end_stream) {
    ending_ = ending_ || end_stream;
    return Move();
  }
  void OnWritable() {
    if (Move() == Status::kFail) connection().Close(/*reset=*/true);
  }

 private:
  // Moves what was received to the output. While the output is over its limit the bytes stay where
  // they are: that stops the reading, and OnWritable brings us back.
  Status Move() {
    const std::uint64_t size = connection().size();
    if (size > 0) {
      const std::int32_t moved = connection().WriteReceived(size);
      if (moved == WEIR_NO_ROOM) return Status::kStop;
      if (moved < 0) return Status::kFail;
    }
    if (!ending_) return Status::kStop;
    ending_ = false;
    return connection().Write({}, /*end_stream=*/true) ? Status::kStop : Status::kFail;
  }

  bool ending_ = false;  // the client has ended its half; ours ends with the last byte
};

}  // namespace

constinit const weir_network_filter_api kEchoApi = sdk::NetworkFilterApi<Echo, kName>();

}  // namespace weir::filters
