#pragma once

#include <cstdint>
#include <memory>

#include "core/base/random.h"
#include "core/config/config.h"
#include "core/observe/response_flags.h"
#include "core/observe/stat_names.h"
#include "core/upstream/host_set.h"
#include "core/upstream/load_balancer.h"

namespace weir::tcp_proxy {

// A cluster as one worker's TCP proxies see it: which endpoint is next, and how many connections it
// may have. A connection counts as one request of its host.
class TcpCluster {
 public:
  // The limit is the configured one divided by the number of workers, at least 1.
  TcpCluster(const config::Cluster* config, const observe::ClusterStats& stats, uint32_t workers);

  // The endpoint to try, another one than `avoid` while there is one. Null: none is there, or the
  // limit is reached (counted), which *why then says. A host that was picked must be given back
  // with Leave.
  upstream::Host* Enter(const upstream::Host* avoid, observe::ResponseFlag* why);
  void Leave(upstream::Host* host);

  // The endpoints now and whenever they change. Connections to those that are gone go on to their
  // end.
  void Follow(const std::shared_ptr<upstream::Members>& members, upstream::Members::Post post);

  const config::Cluster& config() const { return *config_; }
  const observe::ClusterStats& stats() const { return stats_; }

 private:
  const config::Cluster* config_;
  observe::ClusterStats stats_;
  uint32_t max_connections_;
  uint32_t connections_ = 0;
  base::Random random_;
  upstream::HostSet hosts_;
  std::unique_ptr<upstream::LoadBalancer> balancer_;
  std::unique_ptr<upstream::Members::Following> following_;
};

}  // namespace weir::tcp_proxy
