#pragma once

#include "core/config/config.h"
#include "core/config/diagnostics.h"
#include "core/http/route/route_table.h"

namespace weir::explain {

// The rules of strict.h about routes: shadowed-route, unreachable-route, unreachable-domain,
// empty-virtual-host, redirect-loop, unbounded-wait, unused-filter.
void CheckStrictRoutes(const config::Listener& listener, const config::HttpConnectionManager& http,
                       config::Diagnostics* warnings);

// Whether every request that `later` takes is taken by `earlier`, as far as the two matches tell;
// false where that is not sure. Both routes are of one table.
bool Covers(const http::Route& earlier, const http::Route& later);

}  // namespace weir::explain
