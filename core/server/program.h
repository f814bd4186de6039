#pragma once

#include "core/server/options.h"
#include "core/server/wiring.h"

namespace weir::server {

// What the program does, from its command line to its exit code.
int RunProgram(int argc, const char* const* argv, const Wiring& wiring);

}  // namespace weir::server
