#pragma once

#include <atomic>
#include <cstdint>

namespace weir::net {

// A bound on open connections that all workers share. Exact: one atomic operation when a connection
// opens and one when it closes. Any thread.
class ConnectionLimit {
 public:
  // limit 0: none.
  explicit ConnectionLimit(uint32_t limit = 0) : limit_(limit) {}

  // A new bound; what is open beyond it stays. Whoever waits must be woken by the caller.
  void SetLimit(uint32_t limit) { limit_.store(limit, std::memory_order_relaxed); }

  bool TryTake() {
    const uint32_t most = limit();
    uint32_t open = open_.load(std::memory_order_relaxed);
    do {
      if (most != 0 && open >= most) return false;
    } while (!open_.compare_exchange_weak(open, open + 1));
    return true;
  }
  // Takes a place even beyond the limit: for what already waits at a listener that closes.
  void Take() { open_.fetch_add(1); }
  // True when somebody waits for a place: whoever called Wait is to be woken, all of them.
  bool Release() {
    open_.fetch_sub(1);
    return waiting_.load() && waiting_.exchange(false);
  }
  // Announces that the caller wants to hear of the next Release. False when there is room by now:
  // try again in place of waiting. (Release counts before it looks, Wait announces before it looks:
  // one of the two sees the other.)
  bool Wait() {
    waiting_.store(true);
    const uint32_t most = limit();
    return most != 0 && open_.load() >= most;
  }

  uint32_t open() const { return open_.load(std::memory_order_relaxed); }
  uint32_t limit() const { return limit_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> limit_;
  std::atomic<uint32_t> open_{0};
  std::atomic<bool> waiting_{false};
};

}  // namespace weir::net
