#include "filters/network/tcp_proxy/tcp_cluster.h"

#include <algorithm>

#include "core/server/address_of.h"

namespace weir::tcp_proxy {

TcpCluster::TcpCluster(const config::Cluster* config, const observe::ClusterStats& stats,
                       uint32_t workers)
    : config_(config),
      stats_(stats),
      max_connections_(std::max(1u, config->circuit_breakers.max_connections / workers)),
      random_(base::Random::FromOs()) {
  for (const config::Endpoint& endpoint : config->endpoints) {
    auto host = std::make_unique<upstream::Host>();
    host->endpoint = &endpoint;
    host->address = server::AddressOf(endpoint.address);
    host->weight = endpoint.weight;
    host->index = static_cast<uint32_t>(hosts_.size());
    host_list_.push_back(host.get());
    hosts_.push_back(std::move(host));
  }
  if (config->lb_policy == config::LbPolicy::kLeastRequest) {
    balancer_ = std::make_unique<upstream::LeastRequest>(&random_, config->choice_count);
  } else {
    balancer_ = std::make_unique<upstream::RoundRobin>();
  }
}

upstream::Host* TcpCluster::Enter(const upstream::Host* avoid) {
  if (connections_ >= max_connections_) {
    stats_.upstream_cx_overflow->Add();
    return nullptr;
  }
  upstream::Host* host = balancer_->Pick(host_list_, avoid);
  if (host == nullptr) {
    stats_.upstream_cx_none_healthy->Add();
    return nullptr;
  }
  ++connections_;
  ++host->active_requests;
  ++host->connections;
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
