#pragma once

#include "core/server/options.h"

namespace weir::server {

// `weir plugin-test`; the program's exit code.
int RunPluginTest(const PluginTest& request);

}  // namespace weir::server
