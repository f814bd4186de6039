#include "core/server/cpu_count.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <thread>

#include <sched.h>

#include "core/server/cgroup.h"

namespace weir::server {
namespace {

struct Quota {
  int64_t quota = 0;  // microseconds of CPU time in each period
  int64_t period = 0;
};

// A quota of "max" (version 2) or -1 (version 1) is none.
std::optional<Quota> ReadQuota(const std::string& folder, int version) {
  Quota read;
  if (version == 2) {
    std::ifstream both(folder + "/cpu.max");
    if (!(both >> read.quota >> read.period)) return std::nullopt;
  } else {
    std::ifstream quota(folder + "/cpu.cfs_quota_us");
    std::ifstream period(folder + "/cpu.cfs_period_us");
    if (!(quota >> read.quota) || !(period >> read.period)) return std::nullopt;
  }
  if (read.quota <= 0 || read.period <= 0) return std::nullopt;
  return read;
}

uint32_t AffinityCpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    return static_cast<uint32_t>(std::max(1, CPU_COUNT(&cpus)));
  return std::max(1u, std::thread::hardware_concurrency());
}

}  // namespace

uint32_t CgroupCpuLimit(const std::string& root) {
  int64_t smallest = 0;
  ForEachCgroup(root, "cpu", [&](const std::string& folder, int version) {
    const auto read = ReadQuota(folder, version);
    if (!read) return;
    const int64_t cpus = read->quota / read->period + (read->quota % read->period != 0 ? 1 : 0);
    if (smallest == 0 || cpus < smallest) smallest = cpus;
  });
  return static_cast<uint32_t>(std::min<int64_t>(smallest, UINT32_MAX));
}

uint32_t AvailableCpus() {
  const uint32_t quota = CgroupCpuLimit();
  const uint32_t affinity = AffinityCpus();
  return quota == 0 ? affinity : std::min(quota, affinity);
}

}  // namespace weir::server
