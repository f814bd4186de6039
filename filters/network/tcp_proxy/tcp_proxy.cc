#include "filters/network/tcp_proxy/tcp_proxy.h"

#include <string>
#include <utility>

#include "core/server/follow_members.h"
#include "core/server/tls_cluster.h"
#include "filters/network/tcp_proxy/tcp_connection.h"

namespace weir::tcp_proxy {
namespace {

class Factory final : public net::TerminalFactory {
 public:
  Factory(const server::ServerContext& context, std::string listener,
          std::shared_ptr<const config::TcpProxy> config, std::vector<observe::LogFile*> logs,
          std::unique_ptr<const server::AccessLoggers> loggers)
      : context_(context),
        bootstrap_(context.bootstrap),
        stats_(context.stats),
        writer_(context.access_logs),
        workers_(context.workers),
        listener_(std::move(listener)),
        config_(std::move(config)),
        logs_(std::move(logs)),
        loggers_(std::move(loggers)) {
    context_.diagnostics = nullptr;  // of the making alone
  }

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    auto shared = std::make_unique<TcpWorker>();
    shared->worker = worker;
    shared->config = config_.get();
    shared->listener = listener_;
    shared->drain_ms = static_cast<uint64_t>(context_.drain_time.count());
    if (!loggers_->empty()) shared->loggers = loggers_.get();
    shared->stats = observe::BindTcpStats(stats_, worker->stats, config_->stat_prefix);
    const config::Cluster& cluster = bootstrap_->clusters[config_->cluster_index];
    shared->cluster_name = cluster.name;
    shared->cluster = std::make_unique<TcpCluster>(
        &cluster, observe::BindClusterStats(stats_, worker->stats, cluster.name), workers_);
    if (const auto members = server::MembersOf(context_, config_->cluster_index))
      shared->cluster->Follow(members, server::PostHere());
    shared->transport = server::MakeTlsTransport(context_, config_->cluster_index, worker);
    if (!logs_.empty()) {
      shared->log_buffers = std::make_unique<observe::WorkerAccessLogs>(
          writer_, worker->reactor, &shared->dates, stats_, worker->stats);
    }
    for (observe::LogFile* file : logs_) shared->logs.push_back(shared->log_buffers->Get(file));
    return std::make_unique<TcpProxy>(std::move(shared));
  }

 private:
  server::ServerContext context_;
  std::shared_ptr<const config::Bootstrap> bootstrap_;
  observe::StatRegistry* stats_;
  observe::LogWriter* writer_;
  uint32_t workers_;
  std::string listener_;
  std::shared_ptr<const config::TcpProxy> config_;
  std::vector<observe::LogFile*> logs_;
  std::unique_ptr<const server::AccessLoggers> loggers_;
};

}  // namespace

void TcpProxy::Serve(net::AcceptedConnection&& accepted) {
  // Owned by itself: Reactor::Retire ends it.
  auto* connection = new TcpConnection(std::move(accepted), shared_.get());
  connection->Start();
}

std::unique_ptr<net::TerminalFactory> MakeTcpProxy(const server::ServerContext& context,
                                                   const config::Listener& listener,
                                                   const config::NetworkFilter& filter) {
  std::vector<observe::LogFile*> logs;
  auto loggers = std::make_unique<server::AccessLoggers>();
  if (!server::BuildAccessLogs(context, filter.tcp_proxy->access_log, &logs, loggers.get()))
    return nullptr;
  return std::make_unique<Factory>(context, listener.name, filter.tcp_proxy, std::move(logs),
                                   std::move(loggers));
}

}  // namespace weir::tcp_proxy
