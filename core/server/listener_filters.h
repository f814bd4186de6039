#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/server/wiring.h"

namespace weir::server {

// Puts the listener filters of a listener before `next`; answers `next` itself where there are
// none. On the main thread. Null after mistakes, which are in context.diagnostics, and where next
// is null.
std::unique_ptr<net::TerminalFactory> MakeListenerFilters(
    const ServerContext& context, const config::Listener& listener,
    std::unique_ptr<net::TerminalFactory> next);

}  // namespace weir::server
