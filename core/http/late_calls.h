#pragma once

#include <atomic>

namespace weir::http {

// Whether a plugin has ever asked this process to be called between the hooks of streams, without a
// ticket for one: by a timer, a call-out, or work for a worker. From then on a filter may look at
// its stream whenever it likes, as long as that lives; before, only in its own hooks. Any thread.
class LateCalls {
 public:
  static void Note() { possible_.store(true, std::memory_order_relaxed); }
  static bool Possible() { return possible_.load(std::memory_order_relaxed); }

 private:
  static inline std::atomic<bool> possible_{false};
};

}  // namespace weir::http
