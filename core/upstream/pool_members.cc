// Endpoints that come and go while the cluster runs.

#include <utility>
#include <vector>

#include "core/upstream/pool.h"

namespace weir::upstream {

void Pool::SetMembers(std::shared_ptr<const MemberList> members) {
  members_ = std::move(members);
  for (Host* host : hosts_.Update(*members_)) Leave(host);
  if (http2_ != nullptr) http2_->SetMembers(members_);
  // A request that finds no endpoint may end its client, whose pool then moves to the others.
  std::vector<Pool*> pools;
  for (const auto& [number, pool] : clients_) pools.push_back(pool.get());
  for (const auto& pool : gone_clients_) pools.push_back(pool.get());
  for (Pool* pool : pools) pool->SetMembers(members_);
}

void Pool::Follow(const std::shared_ptr<Members>& members, Members::Post post) {
  following_ = Members::Follow(members, std::move(post), [this](const Members::List& list) {
    SetMembers(list);
    // Of a pool that drains another one may be there already.
    if (worker_->worker_id != 0 || draining_) return;
    stats_.membership_total->Set(hosts().size());
    stats_.membership_healthy->Set(hosts().size());
  });
}

// Who waits first: the end of a connection would dial for them.
void Pool::Leave(Host* host) {
  while (PoolRequest* request = host->pending.front()) {
    Unqueue(request);
    const PoolFailure failure = Acquire(request, request->fresh_, host);
    if (failure != PoolFailure::kNone) request->OnNoConnection(failure, host);
  }
  while (ClientConnection* connection = host->idle.front()) {
    connection->idle_link_.Unlink();
    connection->Close();
  }
}

}  // namespace weir::upstream
