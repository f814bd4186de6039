#pragma once

#include "core/server/wiring.h"

namespace weir::server {

// The terminal filters that are linked into the program, and what they share.
Wiring MainWiring();

}  // namespace weir::server
