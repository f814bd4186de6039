#include "core/server/cgroup.h"

#include <fstream>

namespace weir::server {
namespace {

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

void ForEachCgroup(const std::string& root, std::string_view controller,
                   const std::function<void(const std::string& folder, int version)>& look) {
  const auto climb = [&](const std::string& hierarchy, std::string group, int version) {
    for (;;) {
      look(hierarchy + group, version);
      const size_t slash = group.rfind('/');
      if (slash == std::string::npos) return;
      group.resize(slash);
    }
  };
  std::ifstream groups(root + "/proc/self/cgroup");
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
      climb(root + "/sys/fs/cgroup", group, 2);
    } else if (HasController(controllers, controller)) {
      climb(root + "/sys/fs/cgroup/" + std::string(controller), group, 1);
    }
  }
}

}  // namespace weir::server
