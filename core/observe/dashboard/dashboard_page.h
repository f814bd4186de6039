#pragma once

#include <string>
#include <string_view>

namespace weir::observe {

// The dashboard's page: one HTML document that loads nothing else, and asks for dashboard.json.
// Made when it is first asked for; any thread.
std::string_view DashboardPage();

// The content-security-policy that belongs to it: the page's own style and script, by their
// digests, and answers of the same origin. Alive as long as the program.
std::string_view DashboardPolicy();

}  // namespace weir::observe
