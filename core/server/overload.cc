#include "core/server/overload.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

#include "core/server/cgroup.h"

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
  uint64_t smallest = UINT64_MAX;
  ForEachCgroup(root, "memory", [&](const std::string& folder, int version) {
    const char* file = version == 2 ? "/memory.max" : "/memory.limit_in_bytes";
    smallest = std::min(smallest, ReadLimit(folder + file));
  });
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
