#pragma once

#include <memory>

#include "core/upstream/transport.h"
#include "tests/support/sim_net.h"

namespace weir::sim {

// A cluster's TLS whose connections tell the peer's end what the worker wrote into them: so it
// knows what to expect, and what was lost on the way.
class TappedTransport final : public upstream::Transport {
 public:
  TappedTransport(std::unique_ptr<upstream::Transport> inner, test::SimNet* net)
      : inner_(std::move(inner)), net_(net) {}
  // The connection is the one that was dialled last.
  std::unique_ptr<net::Io> Wrap(std::unique_ptr<net::Io> inner,
                                const config::Endpoint& endpoint) override;

 private:
  std::unique_ptr<upstream::Transport> inner_;
  test::SimNet* net_;
};

}  // namespace weir::sim
