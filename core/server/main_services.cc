#include "core/server/main_services.h"

#include <string>
#include <utility>

#include "core/config/names.h"
#include "core/server/access_loggers.h"
#include "core/server/codec_builder.h"
#include "core/server/tls_cluster.h"

namespace weir::server {
MainServices::MainServices(const ServerContext& context, net::WorkerContext* worker)
    : registry_(context.stats),
      logs_(context.access_logs, worker->reactor, &dates_, context.stats, worker->stats),
      callouts_(worker, &mux_, context.stats, context.bootstrap->clusters) {
  worker->random = &random_;
  SetThreadLogs(&logs_);
  worker->max_pinned_bytes = context.bootstrap->limits.max_body_bytes_per_worker;
  const auto& clusters = context.bootstrap->clusters;
  for (size_t i = 0; i < clusters.size(); ++i) {
    const config::Cluster& cluster = clusters[i];
    const auto stats = observe::BindClusterStats(context.stats, worker->stats, cluster.name);
    const http::CodecSet& codecs = context.cluster_codecs->sets[i];
    const bool both = cluster.protocol == config::kDownstreamProtocol;
    const auto pool = [&](const http::CodecSet& set) {
      const upstream::UpstreamCodec codec{
          set, MakeTlsTransport(context, i, worker, both ? &set : nullptr)};
      return std::make_unique<upstream::Pool>(worker, &cluster, codec, stats, context.workers);
    };
    if (both) {
      pools_.push_back(pool({{codecs.choices.back()}}));
      pools_.back()->SetHttp2(pool({{codecs.choices.front()}}));
    } else {
      pools_.push_back(pool(codecs));
    }
    if (worker->worker_id == 0) {
      stats.membership_total->Set(cluster.endpoints.size());
      stats.membership_healthy->Set(cluster.endpoints.size());
    }
  }
}

MainServices::~MainServices() {
  SetThreadLogs(nullptr);
}

void MainServices::Drain() {
  for (const auto& pool : pools_) pool->Drain();
}

std::unique_ptr<hcm::HcmWorker> MainHcmMaker::Make(std::shared_ptr<const hcm::HcmConfig> config,
                                                   net::WorkerContext* worker) {
  MainServices* services = MainServices::Of(worker);
  auto hcm = std::make_unique<hcm::HcmWorker>();
  hcm->worker = worker;
  hcm->stats =
      observe::BindHttpStats(services->registry(), worker->stats, config->settings->stat_prefix);
  hcm->terminals = MakeTerminals(worker);
  hcm->dates = services->dates();
  for (observe::LogFile* file : config->access_logs)
    hcm->access_logs.push_back(services->logs()->Get(file));
  hcm->config = std::move(config);
  return hcm;
}

}  // namespace weir::server
