#include "core/server/tls_cluster.h"

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/base/log.h"
#include "core/net/tls/client_context.h"
#include "core/server/tls_setup.h"
#include "core/server/tls_stats.h"

namespace weir::server {
namespace {

class TlsTransport final : public upstream::Transport {
 public:
  TlsTransport(std::shared_ptr<const ClientTlsFiles> files, const config::Cluster& cluster,
               const observe::TlsStats& stats, net::WorkerContext* worker,
               std::optional<std::vector<std::string>> alpn)
      : counters_(stats, "cluster " + cluster.name),
        files_(std::move(files)),
        cluster_(cluster),
        worker_(worker),
        alpn_(std::move(alpn)) {
    net::tls::TlsError error;
    // The same options were fine on the main thread.
    if (!Follow(&error)) throw std::runtime_error(error.text);
  }

  std::unique_ptr<net::Io> Wrap(std::unique_ptr<net::Io> inner,
                                const config::Endpoint& endpoint) override {
    net::tls::TlsError error;
    if (files_->number() != number_ && !Follow(&error)) {
      WEIR_LOG(kError, "%s: %s; worker %u goes on with the certificates from before",
               files_->used_by().c_str(), error.text.c_str(), worker_->worker_id);
    }
    return context_->Connect(std::move(inner), peers_.at(&endpoint));
  }

 private:
  // Makes a context of what the files have now; sessions from before are forgotten, for who resumes
  // does not look whom it speaks with. False: *error; then the one that was there stays.
  bool Follow(net::tls::TlsError* error) {
    net::tls::ClientTlsOptions options = *files_->Get(&number_);
    if (alpn_) options.alpn = *alpn_;
    auto made = net::tls::ClientContext::Make(options, worker_->tls, &counters_, error);
    if (made == nullptr) return false;
    peers_.clear();
    for (const config::Endpoint& endpoint : cluster_.endpoints) {
      const bool named = endpoint.address.kind != config::Address::Kind::kUnix;
      peers_[&endpoint] = made->AddPeer(named ? endpoint.hostname : "");
    }
    context_ = std::move(made);
    return true;
  }

  TlsCounters counters_;
  std::shared_ptr<const ClientTlsFiles> files_;
  const config::Cluster& cluster_;
  net::WorkerContext* worker_;
  std::optional<std::vector<std::string>> alpn_;  // instead of the options'
  uint64_t number_ = 0;                           // of the options of context_
  std::unique_ptr<net::tls::ClientContext> context_;
  std::map<const config::Endpoint*, net::tls::ClientContext::Peer*> peers_;
};

}  // namespace

std::shared_ptr<const ClusterTls> BuildClusterTls(const ServerContext& context) {
  auto all = std::make_shared<ClusterTls>();
  bool ok = true;
  for (const config::Cluster& cluster : context.bootstrap->clusters) {
    std::shared_ptr<ClientTlsFiles>& files = all->files.emplace_back();
    if (cluster.tls == nullptr) continue;
    files = LoadClientTls(context, cluster, *cluster.tls);
    ok = ok && files != nullptr;
  }
  if (!ok) return nullptr;
  return all;
}

void KeepClusterTls(const ServerContext& before, ServerContext* now) {
  if (before.cluster_tls == nullptr || now->cluster_tls == nullptr) return;
  auto kept = std::make_shared<ClusterTls>(*now->cluster_tls);
  const auto& clusters = now->bootstrap->clusters;
  const auto& earlier = before.bootstrap->clusters;
  for (size_t i = 0; i < clusters.size(); ++i) {
    for (size_t j = 0; j < earlier.size(); ++j) {
      if (earlier[j].name != clusters[i].name) continue;
      if (before.cluster_ids->fingerprints[j] == now->cluster_ids->fingerprints[i])
        kept->files[i] = before.cluster_tls->files[j];
    }
  }
  now->cluster_tls = std::move(kept);
}

std::unique_ptr<upstream::Transport> MakeTlsTransport(const ServerContext& context, size_t cluster,
                                                      net::WorkerContext* worker,
                                                      const http::CodecSet* codecs) {
  const ClusterTls* all = context.cluster_tls.get();
  if (all == nullptr || all->files[cluster] == nullptr) return nullptr;
  const config::Cluster& config = context.bootstrap->clusters[cluster];
  std::optional<std::vector<std::string>> alpn;
  if (codecs != nullptr) alpn = codecs->AlpnNames();
  return std::make_unique<TlsTransport>(
      all->files[cluster], config,
      observe::BindTlsStats(context.stats, worker->stats, "cluster", config.name), worker,
      std::move(alpn));
}

}  // namespace weir::server
