#pragma once

#include <string>

#include "core/config/config.h"
#include "plugins/loader/plugin_loader.h"

// By what a reload tells whether a part of the configuration is as it was: a digest of its long
// form, every default written out, and of the files that it names (lists that filters read, and the
// like), and of plugins that were replaced since the start. Access logs are left out: they grow;
// and certificates, keys and authorities of TLS: they are followed without a reload (tls_files.h).
// Two configurations that differ in nothing but spelling, order of keys, comments or shorthands are
// the same.

namespace weir::server {

// What a listener is made from. A TCP proxy takes its cluster along.
std::string FingerprintOf(const config::Bootstrap& bootstrap, const config::Listener& listener,
                          const plugins::PluginLoader* plugins);
// What a cluster is made from, with the addresses that its names have now, in any order.
std::string FingerprintOf(const config::Cluster& cluster, const plugins::PluginLoader* plugins);
// The content of one file; of one that is very large, what the file system says of it.
std::string FingerprintOfFile(const std::string& path);

}  // namespace weir::server
