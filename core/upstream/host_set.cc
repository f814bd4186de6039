#include "core/upstream/host_set.h"

#include <algorithm>
#include <utility>

namespace weir::upstream {
namespace {

bool Empty(const std::unique_ptr<Host>& host) {
  return host->connections == 0 && host->pending_count == 0 && host->active_requests == 0;
}

}  // namespace

HostSet::HostSet(const config::Cluster* cluster) : cluster_(cluster) {
  Update(ConfiguredMembers(*cluster));
}

std::unique_ptr<Host> HostSet::Take(std::vector<std::unique_ptr<Host>>* from, const Member& member,
                                    bool by_endpoint) {
  const config::Endpoint* endpoint = &cluster_->endpoints[member.endpoint];
  for (std::unique_ptr<Host>& host : *from) {
    if (host == nullptr || host->endpoint != endpoint) continue;
    if (by_endpoint || host->addresses.front() == member.addresses.front()) return std::move(host);
  }
  return nullptr;
}

void HostSet::Refresh(Host* host, const Member& member) {
  host->endpoint = &cluster_->endpoints[member.endpoint];
  host->weight = member.weight;
  host->healthy = true;
  host->gone = false;
  if (host->addresses == member.addresses) return;  // the one that worked goes on working
  host->addresses = member.addresses;
  host->address_index = 0;
  host->address = host->addresses.front();
}

// The turns that those who went had taken too early or too late are everybody's: round robin relies
// on a sum of zero.
void HostSet::SpreadTurns() {
  if (list_.empty()) return;
  int64_t sum = 0;
  for (const Host* host : list_) sum += host->current_weight;
  const int64_t each = sum / static_cast<int64_t>(list_.size());
  for (Host* host : list_) host->current_weight -= each;
  list_.front()->current_weight -= sum - each * static_cast<int64_t>(list_.size());
}

std::vector<Host*> HostSet::Update(const MemberList& members) {
  gone_.erase(std::remove_if(gone_.begin(), gone_.end(), Empty), gone_.end());
  std::vector<std::unique_ptr<Host>> before = std::move(hosts_);
  hosts_.clear();
  list_.clear();
  for (const Member& member : members.members) {
    std::unique_ptr<Host> host = Take(&before, member, members.by_endpoint);
    if (host == nullptr) host = Take(&gone_, member, members.by_endpoint);
    if (host == nullptr) host = std::make_unique<Host>();
    Refresh(host.get(), member);
    host->index = static_cast<uint32_t>(hosts_.size());
    list_.push_back(host.get());
    hosts_.push_back(std::move(host));
  }
  gone_.erase(std::remove(gone_.begin(), gone_.end(), nullptr), gone_.end());
  std::vector<Host*> left;
  for (std::unique_ptr<Host>& host : before) {
    if (host == nullptr) continue;
    host->gone = true;
    host->healthy = false;
    host->current_weight = 0;
    left.push_back(host.get());
    gone_.push_back(std::move(host));
  }
  SpreadTurns();
  return left;
}

}  // namespace weir::upstream
