// The codec's table, from the plugin's descriptor.
#pragma once

#include "plugins/abi/weir.h"

extern "C" const weir_plugin_descriptor weir_plugin_h2;

namespace weir::h2 {

inline const weir_codec_api& Api() {
  return *static_cast<const weir_codec_api*>(weir_plugin_h2.extensions[0].api);
}

}  // namespace weir::h2
