#include "core/server/main_kit.h"

#include <cstdio>

#include "plugins/kit/conformance.h"

namespace weir::server {

int RunPluginTest(const PluginTest& request) {
  kit::Conformance conformance;
  conformance.file = request.file;
  conformance.config_path = request.config_path;
  conformance.extension = request.extension;
  conformance.only = request.only;
  conformance.in_process = request.in_process;
  return kit::RunConformance(conformance, stdout);
}

}  // namespace weir::server
