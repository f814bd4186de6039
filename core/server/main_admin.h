#pragma once

#include <memory>

#include "core/net/network_filter.h"
#include "core/server/wiring.h"

namespace weir::server {

// Serves the admin pages (core/admin): a connection manager whose terminal filter answers from
// them. Null with mistakes in context.diagnostics.
std::unique_ptr<net::TerminalFactory> MakeAdmin(const ServerContext& context,
                                                const config::Listener& listener);

}  // namespace weir::server
