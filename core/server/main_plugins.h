#pragma once

#include <vector>

#include "plugins/abi/weir.h"

namespace weir::server {

// The plugins that are linked into this build of the program (WEIR_STATIC_PLUGINS); else none.
std::vector<const weir_plugin_descriptor*> StaticPlugins();

}  // namespace weir::server
