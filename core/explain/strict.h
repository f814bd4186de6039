#pragma once

#include <cstdint>
#include <string>

#include "core/config/config.h"
#include "core/config/diagnostics.h"

namespace weir::explain {

// What `weir validate --strict` warns of: a configuration that loads, in which something can never
// happen or will hurt later. Each warning has its place, its reason and, in brackets at its end,
// the name of its rule.
struct StrictOptions {
  int64_t now = 0;          // seconds since 1970
  int64_t least_days = 30;  // certificates that end before are warned of
};

// Adds a warning for each finding to `*warnings`, which has the file's text.
void CheckStrict(const config::Bootstrap& bootstrap, const StrictOptions& options,
                 config::Diagnostics* warnings);

}  // namespace weir::explain
