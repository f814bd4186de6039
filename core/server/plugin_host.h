#pragma once

#include "core/observe/stats.h"
#include "plugins/abi/weir.h"

namespace weir::server {

// The functions that every plugin gets (weir_host). There is one table in a process. `registry`
// must outlive every plugin; the calling thread becomes the one that counts on the registry's main
// block.
const weir_host* MakePluginHost(observe::StatRegistry* registry);

// Where this thread's calls of weir_host.count go. A worker sets it before it runs any plugin.
void SetThreadStats(observe::StatBlock* block);

}  // namespace weir::server
