#include "core/server/main_services.h"

#include <string>
#include <utility>

#include "core/http/codec_connection.h"

namespace weir::server {
namespace {

upstream::UpstreamCodec CodecFor(const ServerContext& context, const config::Cluster& cluster) {
  std::string error;
  // Found while the configuration was checked (main_wiring.cc), so it is loaded.
  const plugins::CodecExtension* codec = context.plugins->FindCodec(cluster.protocol, &error);
  http::CodecChoice choice;
  choice.api = codec->api;
  weir_codec_params& p = choice.params;
  p.struct_size = sizeof p;
  p.position = WEIR_CLIENT;
  p.raw_form = codec->raw_form;
  p.host = context.plugin_host;
  p.codec_host = http::CodecHostTable();
  p.max_head_bytes = cluster.max_response_headers_kb * 1024;
  p.max_field_count = cluster.max_headers_count;
  p.max_trailer_bytes = 8192;
  p.max_streams = 100;
  p.flags = WEIR_CODEC_ACCEPT_HTTP_10 | WEIR_CODEC_ALLOW_UPGRADE | WEIR_CODEC_ALLOW_CONNECT;
  http::SetWindows(cluster.per_connection_buffer_limit_bytes, &choice);
  return {{{choice}}};
}

}  // namespace

MainServices::MainServices(const ServerContext& context, net::WorkerContext* worker)
    : registry_(context.stats),
      logs_(context.access_logs, worker->reactor, &dates_, context.stats, worker->stats) {
  worker->random = &random_;
  worker->max_pinned_bytes = context.bootstrap->limits.max_body_bytes_per_worker;
  for (const config::Cluster& cluster : context.bootstrap->clusters) {
    const auto stats = observe::BindClusterStats(context.stats, worker->stats, cluster.name);
    pools_.push_back(std::make_unique<upstream::Pool>(worker, &cluster, CodecFor(context, cluster),
                                                      stats, context.workers));
    if (worker->worker_id == 0) {
      stats.membership_total->Set(cluster.endpoints.size());
      stats.membership_healthy->Set(cluster.endpoints.size());
    }
  }
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
