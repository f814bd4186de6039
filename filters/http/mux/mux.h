#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/http/terminal.h"
#include "core/upstream/pool.h"

namespace weir::mux {

// The clusters on one worker, by their slots. A cluster keeps its slot from one configuration to
// the next; null where there is none any more.
using Pools = std::vector<std::unique_ptr<upstream::Pool>>;

// The slot of each cluster, by its index in config::Bootstrap::clusters.
using Slots = std::shared_ptr<const std::vector<uint32_t>>;

// The terminal router filter on one worker: joins each stream to a pool of its route's cluster. It
// has no state of its own besides the pools, and no object per downstream connection.
class Mux final : public http::TerminalMaker {
 public:
  // slots: those of the configuration whose routes it serves; null: a cluster's index is its slot.
  explicit Mux(const Pools* pools, Slots slots = nullptr)
      : pools_(pools), slots_(std::move(slots)) {}

  http::Terminal* Make(http::TerminalHost* host) override;
  void OnClientGone(uint32_t client) override;

 private:
  upstream::Pool* PoolOf(size_t cluster) const;

  const Pools* pools_;
  Slots slots_;
};

}  // namespace weir::mux
