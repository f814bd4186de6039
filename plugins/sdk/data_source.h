#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "plugins/sdk/config_node.h"

namespace weir::sdk {

// A text of the configuration: `what: text`, or Envoy's `what: { inline_string: text }`. Absent: it
// stays empty. Every mistake is reported at its place; false when there was one.
inline bool ReadText(const ConfigNode& node, std::string_view what, std::size_t max_bytes,
                     std::string* out) {
  if (!node) return true;
  bool ok = true;
  if (node.IsMap()) {
    for (const char* key : {"filename", "inline_bytes", "environment_variable"}) {
      ok = node.Refuse(key, "is not available: use inline_string") && ok;
    }
    const ConfigNode text = node.Get("inline_string");
    if (!text) return ok && node.Fail(std::string(what) + " needs inline_string");
    ok = text.Read(out) && ok;
  } else {
    ok = node.Read(out);
  }
  return ok && (out->size() <= max_bytes || node.Fail("a " + std::string(what) + " of more than " +
                                                      std::to_string(max_bytes) + " bytes"));
}

}  // namespace weir::sdk
