#pragma once

#include <cstdint>
#include <string>

#include "core/explain/explanation.h"

namespace weir::explain {

struct TextOptions {
  bool color = false;  // of a terminal
  bool all = false;    // every virtual host and route; else those that say something
  int64_t now = 0;     // seconds since 1970, for certificates
};

// The explanation for people.
std::string PrintText(const Explanation& explanation, const TextOptions& options);

}  // namespace weir::explain
