#include "core/server/overload.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace weir::server {
namespace {

// Version 1 says "no limit" with the largest multiple of a page.
constexpr uint64_t kAsGoodAsNone = uint64_t{1} << 60;

uint64_t Percent(uint64_t limit, uint64_t percent) {
  return limit / 100 * percent;
}

uint64_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return UINT64_MAX;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value >= kAsGoodAsNone)
    return UINT64_MAX;
  return value;
}

// The smallest limit from `group` up to the root of the hierarchy.
uint64_t SmallestLimit(const std::string& hierarchy, std::string group, const char* file) {
  uint64_t smallest = UINT64_MAX;
  for (;;) {
    smallest = std::min(smallest, ReadLimit(hierarchy + group + "/" + file));
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos || group.empty()) return smallest;
    group.resize(slash);
  }
}

bool HasController(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (list.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

OverloadLevel NextOverloadLevel(OverloadLevel present, uint64_t used, uint64_t limit) {
  if (limit == 0) return OverloadLevel::kNone;
  if (used >= limit || (present == OverloadLevel::kRefuse && used >= Percent(limit, 95)))
    return OverloadLevel::kRefuse;
  if (used >= Percent(limit, 95) ||
      (present != OverloadLevel::kNone && used >= Percent(limit, 90))) {
    return OverloadLevel::kStopAccepting;
  }
  return OverloadLevel::kNone;
}

uint64_t CgroupMemoryLimit(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  uint64_t smallest = UINT64_MAX;
  // "hierarchy:controllers:path"; version 2 is hierarchy 0 without controllers.
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view controllers =
        std::string_view(line).substr(first + 1, second - first - 1);
    std::string group = line.substr(second + 1);
    if (group == "/") group.clear();
    if (controllers.empty()) {
      smallest = std::min(smallest, SmallestLimit(root + "/sys/fs/cgroup", group, "memory.max"));
    } else if (HasController(controllers, "memory")) {
      smallest = std::min(
          smallest, SmallestLimit(root + "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes"));
    }
  }
  return smallest == UINT64_MAX ? 0 : smallest;
}

uint64_t ResidentBytes() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[128];
  const ssize_t size = read(fd, text, sizeof(text));
  close(fd);
  if (size <= 0) return 0;
  // "total resident ...", in pages.
  const char* end = text + size;
  const char* space = std::find(static_cast<const char*>(text), end, ' ');
  uint64_t pages = 0;
  if (space != end) std::from_chars(space + 1, end, pages);
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace weir::server
