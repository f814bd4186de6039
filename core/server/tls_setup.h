#pragma once

#include <memory>

#include "core/config/config.h"
#include "core/server/tls_files.h"
#include "core/server/wiring.h"

namespace weir::server {

// Reads the files of a listener's or a cluster's TLS context and tries whether OpenSSL takes them;
// what is made follows the files when somebody looks (TlsFiles::Look). Null after a mistake in
// context.diagnostics, which names the file, OpenSSL's reason and the place in the configuration.
// What ALPN offers, where the file does not say, is what the codecs of the chain's connection
// manager, or of the cluster's protocol, speak. Main thread.
std::shared_ptr<ServerTlsFiles> LoadServerTls(const ServerContext& context,
                                              const config::Listener& listener,
                                              const config::FilterChain& chain);
std::shared_ptr<ClientTlsFiles> LoadClientTls(const ServerContext& context,
                                              const config::Cluster& cluster,
                                              const config::TlsContext& tls);

}  // namespace weir::server
