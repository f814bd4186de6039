#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/config/config.h"
#include "core/net/dns/resolver.h"
#include "core/net/reactor.h"
#include "core/observe/stats.h"
#include "core/upstream/dns_target.h"
#include "core/upstream/members.h"

namespace weir::upstream {

// cluster.<name>. of a cluster whose names are looked up. An attempt ends as a success, a failure
// or empty; update_no_rebuild counts the successes that changed nothing, update_truncated lists
// that were longer than max_dns_hosts, warm_timeout that listeners would not wait any longer.
#define WEIR_DNS_STATS(COUNTER) \
  COUNTER(update_attempt)       \
  COUNTER(update_success)       \
  COUNTER(update_failure)       \
  COUNTER(update_empty)         \
  COUNTER(update_no_rebuild)    \
  COUNTER(update_truncated)     \
  COUNTER(membership_change)    \
  COUNTER(warm_timeout)

#define WEIR_STAT_MEMBER(name) observe::Cell* name = nullptr;
struct DnsStats {
  WEIR_DNS_STATS(WEIR_STAT_MEMBER)

  static DnsStats Bind(observe::StatRegistry* registry, observe::StatBlock* block,
                       const std::string& cluster);
};
#undef WEIR_STAT_MEMBER

// Keeps the members of one cluster of type STRICT_DNS or LOGICAL_DNS up to date, for as long as it
// lives. On one thread.
class DnsCluster {
 public:
  struct World {
    net::dns::Resolver* resolver;
    net::Reactor* reactor;
    base::Random* random;
  };
  // All must outlive it.
  DnsCluster(const config::Cluster* cluster, std::shared_ptr<Members> members,
             const DnsStats& stats, const World& world);
  DnsCluster(const DnsCluster&) = delete;
  DnsCluster& operator=(const DnsCluster&) = delete;

  // Each name was looked up once, with success or without: there is nothing to wait for.
  bool warm() const;
  const config::Cluster& config() const { return *cluster_; }
  const DnsStats& stats() const { return stats_; }

 private:
  void OnResult(const DnsTarget& target, const DnsTarget::Result& result);
  MemberList Gather();

  const config::Cluster* cluster_;
  std::shared_ptr<Members> members_;
  DnsStats stats_;
  std::vector<Member> fixed_;
  std::vector<std::unique_ptr<DnsTarget>> targets_;
};

}  // namespace weir::upstream
