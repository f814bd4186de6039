#include "filters/network/http_connection_manager/hcm.h"

#include <utility>

#include <time.h>

#include "filters/network/http_connection_manager/served_http.h"

namespace weir::hcm {
namespace {

class HcmTerminal final : public net::TerminalFilter {
 public:
  explicit HcmTerminal(std::unique_ptr<HcmWorker> hcm) : hcm_(std::move(hcm)) {}

  void Serve(net::AcceptedConnection&& accepted) override { ServeHttp(std::move(accepted), hcm_); }

 private:
  // Shared with the connections: they may end after the filter chain was replaced.
  std::shared_ptr<HcmWorker> hcm_;
};

}  // namespace

int64_t UnixMs() {
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

std::unique_ptr<net::TerminalFilter> HcmFactory::ForWorker(net::WorkerContext* worker) const {
  return std::make_unique<HcmTerminal>(maker_->Make(config_, worker));
}

}  // namespace weir::hcm
