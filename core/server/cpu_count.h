#pragma once

#include <cstdint>
#include <string>

namespace weir::server {

// How many CPUs' time the control groups of this process, version 1 or 2, give it: the smallest
// quota from the group up to the root, rounded up; 0 when none sets one. `root` stands before /proc
// and /sys: for tests.
uint32_t CgroupCpuLimit(const std::string& root = "");

// CPUs that this process may run on: its affinity mask and its control group's quota, at least 1.
uint32_t AvailableCpus();

}  // namespace weir::server
