#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/config/config.h"
#include "core/net/network_filter.h"
#include "core/observe/access_log.h"
#include "core/server/access_loggers.h"
#include "core/server/wiring.h"
#include "core/upstream/transport.h"
#include "filters/network/tcp_proxy/tcp_cluster.h"

namespace weir::tcp_proxy {

// One TCP proxy on one worker: what its connections share.
struct TcpWorker {
  net::WorkerContext* worker = nullptr;
  const config::TcpProxy* config = nullptr;
  observe::TcpStats stats;
  std::unique_ptr<TcpCluster> cluster;
  std::unique_ptr<upstream::Transport> transport;  // null: the sockets themselves
  std::string_view listener;
  std::string_view cluster_name;
  // How long a connection may go on once the worker drains or the listener was replaced.
  uint64_t drain_ms = 0;
  observe::DateCache dates;
  std::vector<observe::AccessLogBuffer*> logs;
  std::unique_ptr<observe::WorkerAccessLogs> log_buffers;
  const server::AccessLoggers* loggers = nullptr;  // of plugins; the factory's
};

// The terminal filter tcp_proxy: relays the bytes of a connection to an endpoint of a cluster and
// back.
class TcpProxy final : public net::TerminalFilter {
 public:
  explicit TcpProxy(std::unique_ptr<TcpWorker> shared) : shared_(std::move(shared)) {}
  void Serve(net::AcceptedConnection&& accepted) override;

 private:
  std::unique_ptr<TcpWorker> shared_;
};

// For server::TerminalBuiltin.
std::unique_ptr<net::TerminalFactory> MakeTcpProxy(const server::ServerContext& context,
                                                   const config::Listener& listener,
                                                   const config::NetworkFilter& filter);

}  // namespace weir::tcp_proxy
