#pragma once

#include <string>

#include "core/config/config.h"
#include "core/explain/explanation.h"

namespace weir::explain {

// Which listener a client of the request's URL reaches: by its name where one is given, else by
// scheme, port and, as far as the URL has one, address. Fills listeners and listener. A URL without
// a port reaches the only listener of its scheme too: a load balancer or a container may map ports.
// Returns what the user must say more clearly (a name that is none, several listeners), or nothing.
std::string ChooseListener(const config::Bootstrap& bootstrap, const std::string& name,
                           Explanation* out);

}  // namespace weir::explain
