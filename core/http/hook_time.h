#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "core/base/log.h"
#include "core/observe/stats.h"
#include "core/observe/thread_stats.h"

#if !defined(__x86_64__)
#include <ctime>
#endif

// How long plugins' hooks take: plugin.<name>.hook_us, a histogram in microseconds. A hook that
// takes longer than a limit is counted in plugin.<name>.slow_hooks and named in the log.

namespace weir::http {

inline constexpr char kHookTime[] = "hook_us";
inline constexpr char kSlowHooks[] = "slow_hooks";

// Where the times of one filter's hooks go. By default nowhere.
struct HookStats {
  observe::StatId time;
  observe::StatId slow;
  std::string plugin;
  std::string filter;  // its name in the chain
  std::shared_ptr<base::LogThrottle> throttle;
};

// Config time, on the main thread: starts the clock too.
HookStats MakeHookStats(observe::StatRegistry* stats, const std::string& plugin,
                        const std::string& filter);

// What the limit is, in milliseconds; 0: none. Main thread, before the workers start.
void SetSlowHookLimit(uint64_t ms);

// The clock of hooks: the processor's, where reading it costs nothing to speak of.
class HookClock {
 public:
  static uint64_t Now() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
#endif
  }
  // Of one microsecond; 0 before Start.
  static uint64_t ticks_per_us() {
    return ticks_per_us_.load(std::memory_order_relaxed);
  }
  // Finds out how fast it goes; takes some milliseconds the first time.
  static void Start();

 private:
  static inline std::atomic<uint64_t> ticks_per_us_{0};
};

// Measures from its making to its end.
class HookTimer {
 public:
  explicit HookTimer(const HookStats& stats) : stats_(stats), start_(HookClock::Now()) {}
  ~HookTimer() {
    const uint64_t ticks = HookClock::Now() - start_;
    if (ticks >= HookClock::ticks_per_us()) {
      Record(stats_, ticks);
    } else if (observe::thread_stats != nullptr) {
      // The first bucket. Nothing is added to the sum: it counts whole microseconds.
      observe::thread_stats->Get(stats_.time)->Add();
    }
  }
  HookTimer(const HookTimer&) = delete;
  HookTimer& operator=(const HookTimer&) = delete;

 private:
  friend class SlotHookTimes;
  static void Record(const HookStats& stats, uint64_t ticks);

  const HookStats& stats_;
  const uint64_t start_;
};

// The same for the hooks of one filter on one stream, of which there are several for each request:
// those that take less than a microsecond, nearly all, are added up in a number of the caller's.
// Not an object that measures as long as it lives, for the compiler keeps such a one in memory:
// about 10 instructions for a hook.
class SlotHookTimes {
 public:
  // `start`: HookClock::Now() before the hook.
  [[gnu::always_inline]] static void Note(const HookStats& stats, uint64_t start, uint32_t* quick) {
    const uint64_t ticks = HookClock::Now() - start;
    if (ticks < HookClock::ticks_per_us()) {
      ++*quick;
    } else {
      HookTimer::Record(stats, ticks);
    }
  }
  // Counts those that were added up. They go to the first bucket, and nothing to the sum: it counts
  // whole microseconds.
  static void Count(const HookStats& stats, uint32_t quick) {
    if (quick > 0 && observe::thread_stats != nullptr)
      observe::thread_stats->Get(stats.time)->Add(quick);
  }
};

// The same for a hook that belongs to no filter's chain: of a timer, or a posted one. One that is
// too slow is named in the log by the file that it came from.
class LateHookTimer {
 public:
  template <class Hook>
  explicit LateHookTimer(Hook* hook)
      : hook_(reinterpret_cast<const void*>(hook)), start_(HookClock::Now()) {}
  ~LateHookTimer() { Report(HookClock::Now() - start_); }
  LateHookTimer(const LateHookTimer&) = delete;
  LateHookTimer& operator=(const LateHookTimer&) = delete;

  // Where slow ones are counted. Main thread, before the workers start.
  static void CountIn(observe::StatId stat);

 private:
  void Report(uint64_t ticks) const;

  const void* hook_;
  const uint64_t start_;
};

}  // namespace weir::http
