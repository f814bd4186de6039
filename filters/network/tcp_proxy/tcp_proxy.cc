#include "filters/network/tcp_proxy/tcp_proxy.h"

#include <string>
#include <utility>

#include "core/server/follow_members.h"
#include "core/server/tls_cluster.h"
#include "filters/network/tcp_proxy/tcp_connection.h"

namespace weir::tcp_proxy {
namespace {

observe::LogSink SinkOf(config::AccessLog::Sink sink) {
  switch (sink) {
    case config::AccessLog::Sink::kStdout:
      return observe::LogSink::kStdout;
    case config::AccessLog::Sink::kStderr:
      return observe::LogSink::kStderr;
    case config::AccessLog::Sink::kFile:
      return observe::LogSink::kFile;
  }
  return observe::LogSink::kStdout;
}

class Factory final : public net::TerminalFactory {
 public:
  Factory(const server::ServerContext& context, std::shared_ptr<const config::TcpProxy> config,
          std::vector<observe::LogFile*> logs)
      : context_(context),
        bootstrap_(context.bootstrap),
        stats_(context.stats),
        writer_(context.access_logs),
        workers_(context.workers),
        config_(std::move(config)),
        logs_(std::move(logs)) {
    context_.diagnostics = nullptr;  // of the making alone
  }

  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    auto shared = std::make_unique<TcpWorker>();
    shared->worker = worker;
    shared->config = config_.get();
    shared->stats = observe::BindTcpStats(stats_, worker->stats, config_->stat_prefix);
    const config::Cluster& cluster = bootstrap_->clusters[config_->cluster_index];
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
  std::shared_ptr<const config::TcpProxy> config_;
  std::vector<observe::LogFile*> logs_;
};

}  // namespace

void TcpProxy::Serve(net::AcceptedConnection&& accepted) {
  // Owned by itself: Reactor::Retire ends it.
  auto* connection = new TcpConnection(std::move(accepted), shared_.get());
  connection->Start();
}

std::unique_ptr<net::TerminalFactory> MakeTcpProxy(const server::ServerContext& context,
                                                   const config::Listener&,
                                                   const config::NetworkFilter& filter) {
  std::vector<observe::LogFile*> logs;
  bool ok = true;
  for (const config::AccessLog& log : filter.tcp_proxy->access_log) {
    if (!log.logger.empty()) {
      context.diagnostics->Add(
          log.mark, "the access log of a tcp_proxy has the default format; access logger " +
                        config::Quote(log.logger) + " writes of HTTP requests");
      ok = false;
      continue;
    }
    std::string error;
    logs.push_back(context.access_logs->Open(SinkOf(log.sink), log.path, &error));
    if (logs.back() != nullptr) continue;
    context.diagnostics->Add(
        log.mark, "cannot open the access log " + config::Quote(log.path) + ": " + error);
    ok = false;
  }
  if (!ok) return nullptr;
  return std::make_unique<Factory>(context, filter.tcp_proxy, std::move(logs));
}

}  // namespace weir::tcp_proxy
