#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/server/wiring.h"

namespace weir::server {

// Puts TLS before a chain that has it: a connection goes to the chain's filters when its handshake
// is done, so that they know what was agreed, and costs them nothing before. Without TLS the chain
// itself. Null, with a mistake in context.diagnostics, or when `next` is null.
std::unique_ptr<net::TerminalFactory> MakeTlsListener(const ServerContext& context,
                                                      const config::Listener& listener,
                                                      const config::FilterChain& chain,
                                                      std::unique_ptr<net::TerminalFactory> next);

}  // namespace weir::server
