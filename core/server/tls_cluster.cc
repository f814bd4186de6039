#include "core/server/tls_cluster.h"

#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/net/tls/client_context.h"
#include "core/server/tls_setup.h"
#include "core/server/tls_stats.h"

namespace weir::server {
namespace {

class TlsTransport final : public upstream::Transport {
 public:
  TlsTransport(const net::tls::ClientTlsOptions& options, const config::Cluster& cluster,
               const observe::TlsStats& stats, net::tls::TlsWorker* worker)
      : counters_(stats, "cluster " + cluster.name) {
    net::tls::TlsError error;
    context_ = net::tls::ClientContext::Make(options, worker, &counters_, &error);
    // The same options were fine on the main thread.
    if (context_ == nullptr) throw std::runtime_error(error.text);
    for (const config::Endpoint& endpoint : cluster.endpoints) {
      const bool named = endpoint.address.kind != config::Address::Kind::kUnix;
      peers_[&endpoint] = context_->AddPeer(named ? endpoint.hostname : "");
    }
  }

  std::unique_ptr<net::Io> Wrap(std::unique_ptr<net::Io> inner,
                                const config::Endpoint& endpoint) override {
    return context_->Connect(std::move(inner), peers_.at(&endpoint));
  }

 private:
  TlsCounters counters_;
  std::unique_ptr<net::tls::ClientContext> context_;
  std::map<const config::Endpoint*, net::tls::ClientContext::Peer*> peers_;
};

}  // namespace

std::shared_ptr<const ClusterTls> BuildClusterTls(const ServerContext& context) {
  auto all = std::make_shared<ClusterTls>();
  bool ok = true;
  for (const config::Cluster& cluster : context.bootstrap->clusters) {
    all->options.emplace_back();
    if (cluster.tls == nullptr) continue;
    all->options.back() = LoadClientTls(context, cluster, *cluster.tls);
    ok = ok && all->options.back() != nullptr;
  }
  if (!ok) return nullptr;
  return all;
}

std::unique_ptr<upstream::Transport> MakeTlsTransport(const ServerContext& context, size_t cluster,
                                                      net::WorkerContext* worker,
                                                      const http::CodecSet* codecs) {
  const ClusterTls* all = context.cluster_tls.get();
  if (all == nullptr || all->options[cluster] == nullptr) return nullptr;
  const config::Cluster& config = context.bootstrap->clusters[cluster];
  net::tls::ClientTlsOptions options = *all->options[cluster];
  if (codecs != nullptr) options.alpn = codecs->AlpnNames();
  return std::make_unique<TlsTransport>(
      options, config, observe::BindTlsStats(context.stats, worker->stats, "cluster", config.name),
      worker->tls);
}

}  // namespace weir::server
