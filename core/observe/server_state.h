#pragma once

#include <atomic>
#include <cstdint>

// Whether the process wants work, as the admin pages and health checks say it. Any thread.

namespace weir::observe {

enum class ServerState : uint8_t { kLive = 0, kDraining = 1, kInitializing = 2 };  // server.state

// What the server does. Written by the main thread.
inline constinit std::atomic<ServerState> server_state{ServerState::kInitializing};
// An operator has said that health checks are to fail (/healthcheck/fail).
inline constinit std::atomic<bool> health_check_failed{false};

// What whoever sends work is told: a process whose health checks fail on purpose seems to drain.
inline ServerState StateToTell() {
  const ServerState state = server_state.load(std::memory_order_relaxed);
  const bool failed = health_check_failed.load(std::memory_order_relaxed);
  return failed && state == ServerState::kLive ? ServerState::kDraining : state;
}

}  // namespace weir::observe
