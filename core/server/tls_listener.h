#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/server/tls_files.h"
#include "core/server/wiring.h"

namespace weir::server {

// Puts TLS before a chain that has it: a connection goes to the chain's filters when its handshake
// is done, so that they know what was agreed, and costs them nothing before. Without TLS the chain
// itself. Null, with a mistake in context.diagnostics, or when `next` is null. *files, where it is
// asked for: what it follows; null without TLS. A handshake that begins uses what that says then.
std::unique_ptr<net::TerminalFactory> MakeTlsListener(const ServerContext& context,
                                                      const config::Listener& listener,
                                                      const config::FilterChain& chain,
                                                      std::unique_ptr<net::TerminalFactory> next,
                                                      std::shared_ptr<TlsFiles>* files = nullptr);

}  // namespace weir::server
