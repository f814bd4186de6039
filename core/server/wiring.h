#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/config/diagnostics.h"
#include "core/net/network_filter.h"
#include "core/net/tls/tls_options.h"
#include "core/net/worker_context.h"
#include "core/observe/log_writer.h"
#include "core/observe/stats.h"
#include "core/upstream/members.h"
#include "plugins/abi/weir.h"
#include "plugins/loader/plugin_loader.h"

// How main ties the server, which knows no filter by name, to the terminal filters that are linked
// into the program.

namespace weir::server {

class ClusterDns;
struct ClusterCodecs;
struct ExplainOptions;
struct PluginTest;
class ReleaseQueue;
template <class Options>
class TlsFilesOf;

// The client side of TLS of each cluster, by its index; null where it has none.
struct ClusterTls {
  std::vector<std::shared_ptr<TlsFilesOf<net::tls::ClientTlsOptions>>> files;
};

// The clusters of a configuration, by their index. A name keeps its slot for the life of the
// process, and a cluster that is as it was its identity.
struct ClusterIds {
  std::shared_ptr<const std::vector<uint32_t>> slots;
  std::vector<std::string> fingerprints;
};

// What the whole process shares, and what one configuration is made of. Lives longer than every
// worker that uses it.
struct ServerContext {
  std::shared_ptr<const config::Bootstrap> bootstrap;
  uint32_t workers = 1;
  plugins::PluginLoader* plugins = nullptr;
  const weir_host* plugin_host = nullptr;
  observe::StatRegistry* stats = nullptr;
  observe::LogWriter* access_logs = nullptr;
  // How each cluster's backends are spoken to (codec_builder.h); made by Wiring::prepare.
  std::shared_ptr<const ClusterCodecs> cluster_codecs;
  std::shared_ptr<const ClusterTls> cluster_tls;
  // How long what was begun may go on once it is to end (--drain-time).
  std::chrono::milliseconds drain_time{30'000};
  // Null: the first configuration is the only one, and a cluster's index is its slot.
  std::shared_ptr<const ClusterIds> cluster_ids;
  // Where workers leave what the main thread frees. Null: nowhere, they free it.
  ReleaseQueue* releases = nullptr;
  // Who looks up names (cluster_dns.h); null: nobody, nothing is to be served.
  ClusterDns* dns = nullptr;
  // The members of each cluster, by its index, null where they never change; made by
  // Wiring::prepare. Null: none ever change.
  std::shared_ptr<const std::vector<std::shared_ptr<upstream::Members>>> cluster_members;
  // Where a factory reports mistakes. Set only while the factories are made.
  config::Diagnostics* diagnostics = nullptr;
};

// What the linked-in terminal filters share on one worker: clusters, pools, access logs. Found
// through WorkerContext::services.
class WorkerServices {
 public:
  virtual ~WorkerServices() = default;
  // The worker drains: no new connections to backends are kept.
  virtual void Drain() = 0;
  // Another configuration holds from now on. Before anything else of it is made on this worker;
  // what has not changed stays as it is.
  virtual void Adopt(const ServerContext&) {}
  // No connection is left that began with an earlier configuration than the present one.
  virtual void ForgetEarlier() {}
  // The worker has stopped and its connections are gone, plugins have not been told yet: nothing of
  // theirs is left under way.
  virtual void Stop() {}
};

// One linked-in terminal network filter. `make` is called on the main thread; null, with a mistake
// in context.diagnostics, refuses the configuration.
struct TerminalBuiltin {
  std::string_view type;  // config::NetworkFilter::type
  std::unique_ptr<net::TerminalFactory> (*make)(const ServerContext& context,
                                                const config::Listener& listener,
                                                const config::NetworkFilter& filter);
};

struct Wiring {
  // Called on the main thread before anything else is made: puts what listeners and services share
  // into the context. False, with mistakes in context->diagnostics, refuses the configuration.
  // Null: nothing is shared.
  bool (*prepare)(ServerContext* context) = nullptr;
  std::vector<TerminalBuiltin> terminals;
  // Called on each worker's thread before any TerminalFactory::ForWorker. Null: no services.
  std::unique_ptr<WorkerServices> (*services)(const ServerContext& context,
                                              net::WorkerContext* worker) = nullptr;
  // Serves Bootstrap::admin on the first worker. Null: an admin section is refused.
  std::unique_ptr<net::TerminalFactory> (*admin)(const ServerContext& context,
                                                 const config::Listener& listener) = nullptr;
  // `weir explain`, of a configuration that was checked; the program's exit code. Null: the command
  // is refused.
  int (*explain)(const ServerContext& context, const ExplainOptions& options) = nullptr;
  // `weir plugin-test`; null: the command is refused.
  int (*plugin_test)(const PluginTest& request) = nullptr;
  // Plugins linked into the program (WEIR_STATIC_PLUGINS).
  std::vector<const weir_plugin_descriptor*> plugins;
};

}  // namespace weir::server
