#pragma once

#include "core/explain/explanation.h"
#include "core/http/route/route_table.h"

namespace weir::explain {

// Asks the table as a request does, step by step, and keeps each step's answer: fills
// virtual_hosts, routes and route. The request is one that has passed the connection manager's
// rules (normalised authority and path).
void WalkRoutes(const http::RouteTable& table, const http::RequestView& request, Explanation* out);

// The match of a route in the configuration's words: "prefix /api".
std::string MatchText(const config::RouteMatch& match);

}  // namespace weir::explain
