#include "core/upstream/dns_cluster.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "core/base/log.h"

namespace weir::upstream {
namespace {

int Compare(const net::Address& a, const net::Address& b) {
  if (a.family() != b.family()) return a.family() < b.family() ? -1 : 1;
  if (!a.is_ip()) return a.path().compare(b.path());
  const int order = std::memcmp(a.ip(), b.ip(), a.family() == AF_INET ? 4 : 16);
  if (order != 0) return order;
  return a.port() < b.port() ? -1 : a.port() > b.port() ? 1 : 0;
}

struct Less {
  bool operator()(const net::Address& a, const net::Address& b) const { return Compare(a, b) < 0; }
};

const std::string& NameOf(const config::Endpoint& endpoint) {
  return endpoint.service.empty() ? endpoint.hostname : endpoint.service;
}

}  // namespace

DnsStats DnsStats::Bind(observe::StatRegistry* registry, observe::StatBlock* block,
                        const std::string& cluster) {
  const auto counter = [&](const char* name) {
    return block->Get(
        registry->Define("cluster." + cluster + "." + name, observe::StatKind::kCounter));
  };
  DnsStats stats;
#define WEIR_BIND_COUNTER(name) stats.name = counter(#name);
  WEIR_DNS_STATS(WEIR_BIND_COUNTER)
#undef WEIR_BIND_COUNTER
  return stats;
}

DnsCluster::DnsCluster(const config::Cluster* cluster, std::shared_ptr<Members> members,
                       const DnsStats& stats, const World& world)
    : cluster_(cluster),
      members_(std::move(members)),
      stats_(stats),
      fixed_(ConfiguredMembers(*cluster).members) {
  for (uint32_t i = 0; i < cluster->endpoints.size(); ++i) {
    if (cluster->endpoints[i].lookup == config::Endpoint::Lookup::kNone) continue;
    const size_t at = targets_.size();
    targets_.push_back(std::make_unique<DnsTarget>(
        DnsTarget::World{cluster, world.resolver, world.reactor, world.random}, i,
        [this, at](const DnsTarget::Result& result) { OnResult(*targets_[at], result); }));
  }
  for (const auto& target : targets_) target->Start();
}

bool DnsCluster::warm() const {
  return std::all_of(targets_.begin(), targets_.end(),
                     [](const auto& target) { return target->tried(); });
}

// What several names share is one host, the first one's. In an order of its own, for answers come
// in another one each time.
MemberList DnsCluster::Gather() {
  MemberList list;
  list.by_endpoint = cluster_->type == config::ClusterType::kLogicalDns;
  list.members = fixed_;
  for (const auto& target : targets_) {
    const std::vector<Member>& more = target->members();
    list.members.insert(list.members.end(), more.begin(), more.end());
  }
  if (list.by_endpoint) {
    for (Member& member : list.members) {
      if (member.addresses.size() <= cluster_->max_dns_hosts) continue;
      member.addresses.resize(cluster_->max_dns_hosts);
      stats_.update_truncated->Add();
    }
    return list;
  }
  std::stable_sort(list.members.begin(), list.members.end(), [](const Member& a, const Member& b) {
    return Compare(a.addresses.front(), b.addresses.front()) < 0;
  });
  std::set<net::Address, Less> seen;
  const auto twice = [&seen](const Member& member) {
    return !seen.insert(member.addresses.front()).second;
  };
  list.members.erase(std::remove_if(list.members.begin(), list.members.end(), twice),
                     list.members.end());
  if (list.members.size() > cluster_->max_dns_hosts) {
    list.members.resize(cluster_->max_dns_hosts);
    stats_.update_truncated->Add();
  }
  return list;
}

void DnsCluster::OnResult(const DnsTarget& target, const DnsTarget::Result& result) {
  stats_.update_attempt->Add();
  if (result.status != net::dns::Status::kFound) {
    (result.status == net::dns::Status::kEmpty ? stats_.update_empty : stats_.update_failure)
        ->Add();
    WEIR_LOG_EVERY_SECOND(kWarn, "cluster %s: lookup of %s: %s; what was known before is kept",
                          cluster_->name.c_str(), NameOf(target.endpoint()).c_str(),
                          result.error.c_str());
    return;
  }
  stats_.update_success->Add();
  MemberList list = Gather();
  const size_t count = list.members.size();
  if (!members_->Publish(std::move(list))) {
    stats_.update_no_rebuild->Add();
    return;
  }
  stats_.membership_change->Add();
  WEIR_LOG(kDebug, "cluster %s: %zu endpoints", cluster_->name.c_str(), count);
}

}  // namespace weir::upstream
