#include "core/server/main_services.h"

#include <string>
#include <utility>

#include "core/config/names.h"
#include "core/server/access_loggers.h"
#include "core/server/codec_builder.h"
#include "core/server/follow_members.h"
#include "core/server/release_queue.h"
#include "core/server/tls_cluster.h"

namespace weir::server {
namespace {

// Between two looks at what was replaced: whoever uses it ends in no hurry.
constexpr uint64_t kSweepMs = 250;

size_t SlotOf(const ServerContext& context, size_t index) {
  return context.cluster_ids == nullptr ? index : (*context.cluster_ids->slots)[index];
}

}  // namespace

MainServices::MainServices(const ServerContext& context, net::WorkerContext* worker)
    : worker_(worker),
      releases_(context.releases),
      registry_(context.stats),
      logs_(context.access_logs, worker->reactor, &dates_, context.stats, worker->stats),
      callouts_(worker, &mux_, context.stats, {}) {
  worker->random = &random_;
  SetThreadLogs(&logs_);
  Adopt(context);
}

MainServices::~MainServices() {
  SetThreadLogs(nullptr);
  worker_->reactor->SetDeadline(this, 0);
  for (size_t slot = 0; slot < clusters_.size(); ++slot) {
    pools_[slot].reset();
    ReleaseAll(&clusters_[slot]);
  }
  for (Cluster& cluster : retired_) {
    cluster.pool.reset();
    ReleaseAll(&cluster);
  }
}

std::unique_ptr<upstream::Pool> MainServices::MakePool(const ServerContext& context, size_t index) {
  const config::Cluster& cluster = context.bootstrap->clusters[index];
  const auto stats = observe::BindClusterStats(context.stats, worker_->stats, cluster.name);
  const http::CodecSet& codecs = context.cluster_codecs->sets[index];
  const bool both = cluster.protocol == config::kDownstreamProtocol;
  const auto pool = [&](const http::CodecSet& set) {
    const upstream::UpstreamCodec codec{
        set, MakeTlsTransport(context, index, worker_, both ? &set : nullptr)};
    return std::make_unique<upstream::Pool>(worker_, &cluster, codec, stats, context.workers);
  };
  auto made = pool(both ? http::CodecSet{{codecs.choices.back()}} : codecs);
  if (both) made->SetHttp2(pool({{codecs.choices.front()}}));
  if (const auto members = MembersOf(context, index)) {
    made->Follow(members, PostHere());
  } else if (worker_->worker_id == 0) {
    stats.membership_total->Set(cluster.endpoints.size());
    stats.membership_healthy->Set(cluster.endpoints.size());
  }
  return made;
}

void MainServices::Put(const ServerContext& context, size_t index, size_t slot) {
  if (slot >= clusters_.size()) {
    clusters_.resize(slot + 1);
    pools_.resize(slot + 1);
  }
  Cluster& cluster = clusters_[slot];
  const std::string fingerprint =
      context.cluster_ids == nullptr ? std::string() : context.cluster_ids->fingerprints[index];
  const bool same =
      pools_[slot] != nullptr && cluster.present && fingerprint == cluster.fingerprint;
  cluster.present = true;
  if (same) return;
  Retire(slot);
  cluster.fingerprint = fingerprint;
  cluster.name = context.bootstrap->clusters[index].name;
  cluster.keeps = {context.bootstrap, context.cluster_codecs, context.cluster_tls};
  pools_[slot] = MakePool(context, index);
  callouts_.AddCluster(context.bootstrap->clusters[index], slot);
}

void MainServices::Adopt(const ServerContext& context) {
  worker_->max_pinned_bytes = context.bootstrap->limits.max_body_bytes_per_worker;
  std::vector<bool> present(clusters_.size(), false);
  for (size_t i = 0; i < context.bootstrap->clusters.size(); ++i) {
    const size_t slot = SlotOf(context, i);
    if (slot < present.size()) present[slot] = true;
    Put(context, i, slot);
  }
  for (size_t slot = 0; slot < present.size(); ++slot) {
    if (!present[slot]) clusters_[slot].present = false;
  }
}

// Connections that began with a configuration that had a cluster may ask for it as long as they
// live.
void MainServices::ForgetEarlier() {
  for (size_t slot = 0; slot < clusters_.size(); ++slot) {
    if (!clusters_[slot].present && pools_[slot] != nullptr) Retire(slot);
  }
}

void MainServices::Retire(size_t slot) {
  if (pools_[slot] == nullptr) return;
  Cluster old = std::move(clusters_[slot]);
  if (worker_->worker_id == 0) {
    const auto stats = observe::BindClusterStats(registry_, worker_->stats, old.name);
    stats.membership_total->Set(0);
    stats.membership_healthy->Set(0);
  }
  clusters_[slot] = Cluster();
  clusters_[slot].present = old.present;
  old.pool = std::move(pools_[slot]);
  old.pool->Drain();
  // Who is waited for already is not put off by those that come after.
  if (retired_.empty()) worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + kSweepMs);
  retired_.push_back(std::move(old));
}

void MainServices::SweepRetired() {
  for (size_t i = retired_.size(); i > 0; --i) {
    Cluster& cluster = retired_[i - 1];
    if (!cluster.pool->Unused()) continue;
    cluster.pool.reset();
    ReleaseAll(&cluster);
    retired_.erase(retired_.begin() + static_cast<ptrdiff_t>(i - 1));
  }
  if (!retired_.empty()) worker_->reactor->SetDeadline(this, worker_->reactor->now_ms() + kSweepMs);
}

void MainServices::ReleaseAll(Cluster* cluster) {
  for (auto& kept : cluster->keeps) {
    if (releases_ != nullptr) releases_->Put(std::move(kept));
  }
  cluster->keeps.clear();
}

void MainServices::Drain() {
  for (const auto& pool : pools_) {
    if (pool != nullptr) pool->Drain();
  }
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
