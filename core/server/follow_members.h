#pragma once

#include <memory>
#include <utility>

#include "core/net/event_loop.h"
#include "core/net/thread_loop.h"
#include "core/server/cluster_dns.h"
#include "core/server/wiring.h"

namespace weir::server {

// The members of a cluster, by its index; null where they never change.
inline std::shared_ptr<upstream::Members> MembersOf(const ServerContext& context, size_t cluster) {
  return context.cluster_members == nullptr ? nullptr : (*context.cluster_members)[cluster];
}

// Runs work on the calling worker's thread. Of no use to others: they have no loop.
inline upstream::Members::Post PostHere() {
  return [loop = net::thread_loop](std::function<void()> work) { loop->Post(std::move(work)); };
}

}  // namespace weir::server
