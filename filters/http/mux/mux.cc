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
    if (pool->speaks_for_clients()) pool->OnClientGone(client);
  }
}

http::Terminal* Mux::Make(http::TerminalHost* host) {
  const http::Route* route = host->route();
  upstream::Pool* pool = nullptr;
  if (route != nullptr && route->forward() != nullptr) {
    const size_t index = route->forward()->cluster_index;
    if (index < pools_->size()) pool = PoolFor(host, (*pools_)[index].get());
  }
  void* memory = host->arena()->Allocate(sizeof(MuxStream), alignof(MuxStream));
  return memory == nullptr ? nullptr : new (memory) MuxStream(host, pool);
}

}  // namespace weir::mux
