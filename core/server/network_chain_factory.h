#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/server/wiring.h"

namespace weir::server {

// Makes the network filters of a chain: linked-in terminal filters from the wiring, all others from
// plugins. A chain that has nothing but a linked-in terminal is that terminal itself, without a
// layer between. Null, with a mistake in context.diagnostics.
std::unique_ptr<net::TerminalFactory> MakeChain(const ServerContext& context, const Wiring& wiring,
                                                const config::Listener& listener,
                                                const config::FilterChain& chain);

}  // namespace weir::server
