#include "filters/http/mux/mux.h"

#include <new>

#include "filters/http/mux/mux_stream.h"

namespace weir::mux {

namespace {

upstream::Pool* PoolFor(http::TerminalHost* host, upstream::Pool* pool) {
  pool = pool->ForVersion(host->request().head().http_version);
  if (!pool->speaks_for_clients()) return pool;
  return pool->ForClient({host->client(), host->client_peer(), host->client_local()});
}

}  // namespace

void Mux::OnClientGone(uint32_t client) {
  for (const auto& pool : *pools_) {
    if (pool != nullptr && pool->speaks_for_clients()) pool->OnClientGone(client);
  }
}

upstream::Pool* Mux::PoolOf(size_t cluster) const {
  if (slots_ != nullptr) {
    if (cluster >= slots_->size()) return nullptr;
    cluster = (*slots_)[cluster];
  }
  return cluster < pools_->size() ? (*pools_)[cluster].get() : nullptr;
}

http::Terminal* Mux::Make(http::TerminalHost* host) {
  const http::Route* route = host->route();
  upstream::Pool* pool = nullptr;
  if (route != nullptr && route->forward() != nullptr) {
    pool = PoolOf(route->forward()->cluster_index);
    if (pool != nullptr) pool = PoolFor(host, pool);
  }
  void* memory = host->arena()->Allocate(sizeof(MuxStream), alignof(MuxStream));
  return memory == nullptr ? nullptr : new (memory) MuxStream(host, pool);
}

}  // namespace weir::mux
