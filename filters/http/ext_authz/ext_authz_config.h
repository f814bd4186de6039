#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "filters/http/ext_authz/name_list.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/host.h"

namespace weir::filters {

// Envoy's BufferSettings: the request's body goes to the service.
struct AuthzBody {
  std::uint64_t max_bytes = 0;  // 0: it does not
  bool allow_partial = false;

  bool Load(const sdk::ConfigNode& node);
};

// Envoy's ExtAuthz with an HTTP service.
struct ExtAuthzConfig {
  std::string cluster;
  std::uint32_t timeout_ms = 200;
  std::string path_prefix;
  NameList request_headers;     // of the client's fields, what the service sees
  NameList disallowed_headers;  // of those, what it does not see
  std::vector<std::pair<std::string, std::string>> headers_to_add;
  NameList upstream_headers;           // of the service's fields, what the backend gets: set
  NameList upstream_headers_append;    // added
  NameList client_headers;             // what a client that is denied gets
  NameList client_headers_on_success;  // what one gets that is not
  AuthzBody body;
  bool failure_mode_allow = false;
  bool failure_mode_header = false;
  bool clear_route_cache = false;
  std::uint32_t status_on_error = 403;
  sdk::Counter passed, denied, error, timeout, failure_allowed, disabled;

  bool Load(const sdk::ConfigLoad& load);

 private:
  bool LoadService(const sdk::ConfigNode& node, const sdk::ConfigNode& allowed);
  bool LoadUri(const sdk::ConfigNode& node);
  bool LoadRequest(const sdk::ConfigNode& node, const sdk::ConfigNode& allowed);
  bool LoadAdded(const sdk::ConfigNode& list);
  bool LoadResponse(const sdk::ConfigNode& node);
  bool LoadFailure(const sdk::ConfigNode& root);
  bool LoadCounters(const sdk::ConfigLoad& load);
};

// Envoy's ExtAuthzPerRoute.
struct ExtAuthzRouteConfig {
  bool disabled = false;
  bool no_body = false;
  std::optional<AuthzBody> body;

  bool Load(const sdk::ConfigLoad& load);
};

}  // namespace weir::filters
