#pragma once

#include <atomic>
#include <cstdint>

#include "plugins/sdk/host.h"
#include "plugins/sdk/network_filter.h"

namespace weir::filters {

// A number that never passes a bound. Any thread, without a lock.
class BoundedCount {
 public:
  // False: the bound is reached, nothing has changed.
  bool Take(std::uint64_t bound) {
    std::uint64_t now = count_.load(std::memory_order_relaxed);
    do {
      if (now >= bound) return false;
    } while (!count_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
    return true;
  }
  void GiveBack() { count_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t value() const { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> count_{0};
};

// Immutable but for its counts, which all workers share.
struct ConnectionLimitConfig {
  bool Load(const sdk::ConfigLoad& load);

  bool enabled = true;
  std::int64_t max_connections = 0;
  std::int64_t delay_ms = 0;
  mutable BoundedCount active;
  mutable BoundedCount delayed;  // refused ones that wait for their end
  sdk::Counter limited;
  sdk::Gauge active_gauge;
};

// The network filter connection_limit: closes connections beyond a number of those that this filter
// has let through and that are still there.
class ConnectionLimit : public sdk::NetworkFilter<ConnectionLimit, ConnectionLimitConfig> {
 public:
  ~ConnectionLimit();
  sdk::Status OnNewConnection();
  sdk::Status OnData(bool end_stream);

 private:
  enum class State : std::uint8_t { kFree, kCounted, kRefused, kDelayed };
  void Refuse();

  State state_ = State::kFree;
  sdk::Timer delay_;
};

extern const weir_network_filter_api kConnectionLimitApi;

}  // namespace weir::filters
