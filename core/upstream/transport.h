#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/net/io.h"

namespace weir::upstream {

// What a cluster's connections run over, beside the socket: TLS. One per cluster and worker.
class Transport {
 public:
  virtual ~Transport() = default;
  // Takes a connection that was dialled to the endpoint and may still be connecting. Never null:
  // what fails at once is an Io that is never connected.
  virtual std::unique_ptr<net::Io> Wrap(std::unique_ptr<net::Io> inner,
                                        const config::Endpoint& endpoint) = 0;
};

}  // namespace weir::upstream
