#pragma once

#include <cstdio>
#include <string>

namespace weir::kit {

// `weir plugin-test`: loads a plugin into the fake host and tries what a proxy needs of it. Each
// case runs in a process of its own, so that a plugin that crashes or hangs fails that case, which
// is named with the signal or the time.
struct Conformance {
  std::string file;
  std::string config_path;     // empty: the plugin is given no configuration
  std::string extension;       // empty: all of them
  std::string only;            // cases whose name has this in it; empty: all of them
  unsigned case_seconds = 60;  // what does not end within this hangs
  // For a debugger: cases run in this process, one after the other, and have no time. A plugin that
  // crashes ends it.
  bool in_process = false;
};

// Prints a line for each case, and below it what failed and why. 0: nothing failed, 1: something
// did, 2: the request itself is wrong (no such configuration or extension).
int RunConformance(const Conformance& request, std::FILE* out);

}  // namespace weir::kit
