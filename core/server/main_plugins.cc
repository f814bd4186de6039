#include "core/server/main_plugins.h"

#ifdef WEIR_STATIC_PLUGINS
#include "core/server/static_plugin_declarations.inc"
#endif

namespace weir::server {

std::vector<const weir_plugin_descriptor*> StaticPlugins() {
  return {
#ifdef WEIR_STATIC_PLUGINS
#include "core/server/static_plugin_entries.inc"
#endif
  };
}

}  // namespace weir::server
