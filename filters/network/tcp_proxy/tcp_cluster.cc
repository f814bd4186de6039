#include "filters/network/tcp_proxy/tcp_cluster.h"

#include <algorithm>
#include <utility>

namespace weir::tcp_proxy {

TcpCluster::TcpCluster(const config::Cluster* config, const observe::ClusterStats& stats,
                       uint32_t workers)
    : config_(config),
      stats_(stats),
      max_connections_(std::max(1u, config->circuit_breakers.max_connections / workers)),
      random_(base::Random::FromOs()),
      hosts_(config) {
  if (config->lb_policy == config::LbPolicy::kLeastRequest) {
    balancer_ = std::make_unique<upstream::LeastRequest>(&random_, config->choice_count);
  } else {
    balancer_ = std::make_unique<upstream::RoundRobin>();
  }
}

void TcpCluster::Follow(const std::shared_ptr<upstream::Members>& members,
                        upstream::Members::Post post) {
  following_ = upstream::Members::Follow(
      members, std::move(post),
      [this](const upstream::Members::List& list) { hosts_.Update(*list); });
}

upstream::Host* TcpCluster::Enter(const upstream::Host* avoid, observe::ResponseFlag* why) {
  if (connections_ >= max_connections_) {
    stats_.upstream_cx_overflow->Add();
    *why = observe::ResponseFlag::kUpstreamOverflow;
    return nullptr;
  }
  upstream::Host* host = balancer_->Pick(hosts_.list(), avoid);
  if (host == nullptr) {
    stats_.upstream_cx_none_healthy->Add();
    *why = observe::ResponseFlag::kNoHealthyUpstream;
    return nullptr;
  }
  ++connections_;
  ++host->active_requests;
  ++host->connections;
  ++host->totals.connections;
  stats_.upstream_cx_total->Add();
  stats_.upstream_cx_active->Add();
  return host;
}

void TcpCluster::Leave(upstream::Host* host) {
  --connections_;
  --host->active_requests;
  --host->connections;
  stats_.upstream_cx_active->Sub();
  stats_.upstream_cx_destroy->Add();
}

}  // namespace weir::tcp_proxy
