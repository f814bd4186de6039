#include "core/http/hook_time.h"

#include <algorithm>
#include <chrono>

#include <dlfcn.h>

namespace weir::http {
namespace {

constexpr uint64_t kCalibrationNs = 2'000'000;

std::atomic<uint64_t> slow_us{UINT64_MAX};
std::atomic<uint32_t> late_slow{0};

uint64_t Nanoseconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

// Both clocks at one moment: of some readings that one during which the least time went by.
struct Moment {
  uint64_t ticks = 0;
  uint64_t ns = 0;
};
Moment ReadBoth() {
  Moment best;
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 5; ++i) {
    const uint64_t before = HookClock::Now();
    const uint64_t ns = Nanoseconds();
    const uint64_t after = HookClock::Now();
    if (after - before >= least) continue;
    least = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

}  // namespace

void HookClock::Start() {
  if (ticks_per_us() != 0) return;
  const Moment first = ReadBoth();
  while (Nanoseconds() - first.ns < kCalibrationNs) {
  }
  const Moment last = ReadBoth();
  const uint64_t per_us = (last.ticks - first.ticks) * 1000 / (last.ns - first.ns);
  ticks_per_us_.store(std::max<uint64_t>(per_us, 1), std::memory_order_relaxed);
}

void SetSlowHookLimit(uint64_t ms) {
  slow_us.store(ms == 0 ? UINT64_MAX : ms * 1000, std::memory_order_relaxed);
}

HookStats MakeHookStats(observe::StatRegistry* stats, const std::string& plugin,
                        const std::string& filter) {
  HookClock::Start();
  const std::string prefix = "plugin." + plugin + ".";
  return {stats->Define(prefix + kHookTime, observe::StatKind::kHistogram),
          stats->Define(prefix + kSlowHooks, observe::StatKind::kCounter), plugin, filter,
          std::make_shared<base::LogThrottle>()};
}

void HookTimer::Record(const HookStats& stats, uint64_t ticks) {
  // Without a registry there is nothing to write; a clock that goes back (the thread moved to
  // another processor) has measured nothing.
  if (stats.throttle == nullptr || observe::thread_stats == nullptr || ticks >> 63 != 0) return;
  const uint64_t us = ticks / HookClock::ticks_per_us();
  observe::thread_stats->Record(stats.time, us);
  if (us < slow_us.load(std::memory_order_relaxed)) return;
  observe::thread_stats->Get(stats.slow)->Add();
  if (!base::LogEnabled(base::LogLevel::kWarn)) return;
  base::LogThrottled(base::LogLevel::kWarn, stats.throttle.get(),
                     "plugin %s: a hook of filter %s took %llu ms", stats.plugin.c_str(),
                     stats.filter.c_str(), static_cast<unsigned long long>(us / 1000));
}

void LateHookTimer::CountIn(observe::StatId stat) {
  HookClock::Start();
  late_slow.store(stat.index, std::memory_order_relaxed);
}

void LateHookTimer::Report(uint64_t ticks) const {
  const uint64_t per_us = HookClock::ticks_per_us();
  if (per_us == 0 || ticks >> 63 != 0) return;
  const uint64_t us = ticks / per_us;
  if (us < slow_us.load(std::memory_order_relaxed)) return;
  const observe::StatId stat{late_slow.load(std::memory_order_relaxed)};
  if (observe::thread_stats != nullptr) observe::thread_stats->Get(stat)->Add();
  Dl_info from{};
  const bool known = dladdr(hook_, &from) != 0 && from.dli_fname != nullptr;
  WEIR_LOG_EVERY_SECOND(kWarn, "a timer or posted hook of %s took %llu ms",
                        known ? from.dli_fname : "a plugin",
                        static_cast<unsigned long long>(us / 1000));
}

}  // namespace weir::http
