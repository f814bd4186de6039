#pragma once

#include <memory>

#include "core/server/wiring.h"
#include "filters/network/http_connection_manager/hcm.h"

namespace weir::hcm {

// Compiles one http_connection_manager of the configuration: loads its codec and filters, hands
// them their configuration, builds the routes, opens the logs. Null with the mistakes in
// context.diagnostics.
std::shared_ptr<const HcmConfig> BuildHcm(const server::ServerContext& context,
                                          const config::Listener& listener,
                                          const config::HttpConnectionManager& settings);

}  // namespace weir::hcm
