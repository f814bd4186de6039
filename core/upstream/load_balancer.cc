#include "core/upstream/load_balancer.h"

#include "core/upstream/host.h"

namespace weir::upstream {
namespace {

bool Eligible(const Host* host, const Host* avoid) {
  return host->healthy && host != avoid;
}

Host* OrElse(Host* picked, const Host* avoid) {
  if (picked != nullptr || avoid == nullptr || !avoid->healthy || avoid->gone) return picked;
  return const_cast<Host*>(avoid);
}

uint64_t Load(const Host* host) {
  return uint64_t{host->active_requests} + host->pending_count + 1;
}

bool LessLoaded(const Host* a, const Host* b) {
  return Load(a) * b->weight < Load(b) * a->weight;
}

}  // namespace

Host* RoundRobin::Pick(const std::vector<Host*>& hosts, const Host* avoid) {
  if (hosts.size() == 1) return hosts[0]->healthy ? hosts[0] : nullptr;
  Host* best = nullptr;
  int64_t total = 0;
  for (Host* host : hosts) {
    if (!Eligible(host, avoid)) continue;
    total += host->weight;
    host->current_weight += host->weight;
    if (best == nullptr || host->current_weight > best->current_weight) best = host;
  }
  if (best != nullptr) best->current_weight -= total;
  return OrElse(best, avoid);
}

Host* LeastRequest::Pick(const std::vector<Host*>& hosts, const Host* avoid) {
  if (hosts.empty()) return nullptr;
  if (hosts.size() == 1) return hosts[0]->healthy ? hosts[0] : nullptr;
  Host* best = nullptr;
  for (uint32_t i = 0; i < choices_; ++i) {
    Host* host = hosts[random_->Below(hosts.size())];
    if (Eligible(host, avoid) && (best == nullptr || LessLoaded(host, best))) best = host;
  }
  if (best != nullptr) return best;
  // The draws met no eligible host: look at all of them.
  for (Host* host : hosts) {
    if (Eligible(host, avoid) && (best == nullptr || LessLoaded(host, best))) best = host;
  }
  return OrElse(best, avoid);
}

}  // namespace weir::upstream
