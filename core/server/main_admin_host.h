#pragma once

#include <memory>

#include "core/admin/host.h"
#include "core/server/wiring.h"

namespace weir::server {

// What the admin pages see of this process.
std::shared_ptr<admin::Host> MakeAdminHost(const ServerContext& context);

}  // namespace weir::server
