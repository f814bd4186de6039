#pragma once

#include <memory>
#include <vector>

#include "core/http/terminal.h"
#include "core/upstream/pool.h"

namespace weir::mux {

// The clusters of one configuration on one worker, by their index in config::Bootstrap::clusters.
using Pools = std::vector<std::unique_ptr<upstream::Pool>>;

// The terminal router filter on one worker: joins each stream to a pool of its route's cluster. It
// has no state of its own besides the pools, and no object per downstream connection.
class Mux final : public http::TerminalMaker {
 public:
  explicit Mux(const Pools* pools) : pools_(pools) {}

  http::Terminal* Make(http::TerminalHost* host) override;
  void OnClientGone(uint32_t client) override;

 private:
  const Pools* pools_;
};

}  // namespace weir::mux
