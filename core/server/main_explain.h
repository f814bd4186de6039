#pragma once

#include "core/server/options.h"
#include "core/server/wiring.h"

namespace weir::server {

// `weir explain`: prints what would become of one request, by the compiled configuration and the
// rules that connection managers use; nothing is sent. The program's exit code.
int RunExplain(const ServerContext& context, const ExplainOptions& options);

}  // namespace weir::server
