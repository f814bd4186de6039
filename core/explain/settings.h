#pragma once

#include <string>
#include <vector>

#include "core/explain/explanation.h"

namespace weir::explain {

// The times and limits that hold for a request on its route, each with the level that says so.
std::vector<Setting> SettingsOf(const config::HttpConnectionManager& http,
                                const http::Route& route);

// "15s", "1m30s", "250ms"; "none" for 0.
std::string TimeText(config::Milliseconds time);

}  // namespace weir::explain
