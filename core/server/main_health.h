#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/server/options.h"

namespace weir::server {

// `weir health`: asks the process that runs on a configuration whether it is ready, and prints what
// it says. 0: it answered 200. 1: anything else, with the reason on stderr. Waits 5 seconds at most
// for each step. A container's HEALTHCHECK.
int RunHealth(const HealthQuestion& question);

// An http URL, taken apart.
struct HttpUrl {
  std::string host;  // a name, or an address without brackets
  std::string port;
  std::string target;  // "/ready"
};
// Nothing when it is none, or has what is not needed here (user information, a fragment).
std::optional<HttpUrl> ParseHttpUrl(std::string_view url);

}  // namespace weir::server
