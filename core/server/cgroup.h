#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir::server {

// Calls `look` with each folder of the control groups that this process is in and that have
// `controller`, from the group up to the root of its hierarchy; `version` is 1 or 2. Inside a
// container the upper folders are often all that can be seen. `root` stands before /proc and /sys:
// for tests.
void ForEachCgroup(const std::string& root, std::string_view controller,
                   const std::function<void(const std::string& folder, int version)>& look);

}  // namespace weir::server
