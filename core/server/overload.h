#pragma once

#include <cstdint>
#include <string>

namespace weir::server {

// What the workers refuse, by the memory that is in use.
enum class OverloadLevel : uint8_t {
  kNone,
  kStopAccepting,  // new connections wait in the backlog
  kRefuse,         // and new requests on open ones are answered with 503
};

// The level for `used` bytes out of `limit` (0: no limit). Rises at 95 % and 100 %; falls only when
// 5 % below that, so that it does not flutter.
OverloadLevel NextOverloadLevel(OverloadLevel present, uint64_t used, uint64_t limit);

// The memory limit of this process's control group, version 1 or 2, the smallest from the group up
// to the root; 0 when there is none. `root` stands before /proc and /sys: for tests.
uint64_t CgroupMemoryLimit(const std::string& root = "");

// Resident bytes of this process; 0 when they cannot be read.
uint64_t ResidentBytes();

}  // namespace weir::server
