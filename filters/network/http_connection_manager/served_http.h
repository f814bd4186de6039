#pragma once

#include <memory>

#include "core/net/network_filter.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {

// Starts to serve HTTP on an accepted connection. Owns itself from then on.
void ServeHttp(net::AcceptedConnection&& accepted, const std::shared_ptr<HcmWorker>& hcm);

}  // namespace weir::hcm
