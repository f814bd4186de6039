#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/config/node.h"

// What a route configuration holds. Plain values, immutable once loaded, every reference checked.

namespace weir::config {

using Milliseconds = std::chrono::milliseconds;

// A filter's configuration for one route, virtual host or route configuration
// (typed_per_filter_config).
struct PerFilterConfig {
  // The name of the HTTP filter in the chain that it is for, as HttpFilter::name.
  std::string filter;
  // The filter's own keys; null when only `disabled` was given.
  std::shared_ptr<const Node> typed_config;
  // The filter is skipped for these requests.
  bool disabled = false;
  Mark mark;
};

// upgrade_configs of a connection manager or a route.
struct UpgradeConfig {
  // Lower case: "websocket", "connect", or another token of the Upgrade field.
  std::string upgrade_type;
  bool enabled = true;
  Mark mark;
};

// Which requests a route takes. The path is the normalised one, without the query.
struct RouteMatch {
  enum class Kind {
    kPath,                 // equal
    kPrefix,               // starts with
    kPathSeparatedPrefix,  // starts with, and ends there or goes on with '/'
    kSafeRegex,            // RE2, the whole path
    kConnect,              // any CONNECT request (connect_matcher)
  };
  Kind kind = Kind::kPrefix;
  // The path, prefix or pattern; empty for kConnect. Patterns were compiled once to check them.
  std::string value;
  // Default true. Compared in ASCII without case when false; not for regex.
  bool case_sensitive = true;
};

// Forward to a cluster.
struct RouteAction {
  // The name of a cluster of the same file (checked).
  std::string cluster;
  Mark cluster_mark;
  // Index of it in Bootstrap::clusters.
  std::size_t cluster_index = 0;
  // The matched path or prefix is replaced by this; empty: none. Not together with kSafeRegex or
  // kConnect.
  std::string prefix_rewrite;
  // The authority sent to the backend; empty: as received.
  std::string host_rewrite_literal;
  // From the end of the request to the end of the response; 504. Default 15s; 0: none.
  Milliseconds timeout{15000};
  // Overrides HttpConnectionManager::stream_idle_timeout for the route; unset: not; 0: none.
  std::optional<Milliseconds> idle_timeout;
  // Overrides HttpConnectionManager::max_stream_duration for the route; unset: not; 0: none.
  std::optional<Milliseconds> max_stream_duration;
  // A gRPC request's own grpc-timeout takes the place of max_stream_duration, up to this; 0:
  // whatever it is. Unset: it is only passed on.
  std::optional<Milliseconds> grpc_timeout_header_max;
  // So much earlier than the client asked for. Only with grpc_timeout_header_max. Default 0.
  std::optional<Milliseconds> grpc_timeout_header_offset;
  // Overrides the connection manager's, type by type.
  std::vector<UpgradeConfig> upgrade_configs;
};

// Answer with a redirect. At most one of https_redirect and scheme_redirect, and of path_redirect
// and prefix_rewrite.
struct RedirectAction {
  bool https_redirect = false;
  std::string scheme_redirect;  // "http" or "https"; empty: as received
  std::string host_redirect;    // empty: as received
  std::uint32_t port_redirect =
      0;  // 0: as received (dropped when the scheme changes from its default port)
  std::string path_redirect;          // may carry its own query; empty: as received
  std::string prefix_rewrite;         // the matched prefix is replaced; empty: none
  std::uint32_t response_code = 301;  // 301, 302, 303, 307 or 308
  bool strip_query = false;
};

// Answer with a fixed response.
struct DirectResponseAction {
  std::uint32_t status = 200;  // 200 … 599
  // At most RouteConfiguration::max_direct_response_body_size_bytes; read from a file at load where
  // one was named.
  std::string body;
};

using RouteActionVariant = std::variant<RouteAction, RedirectAction, DirectResponseAction>;

struct Route {
  std::string name;  // may be empty
  RouteMatch match;
  RouteActionVariant action;
  // A longer request body is refused with 413. Unset: the virtual host's.
  std::optional<std::uint64_t> max_request_bytes;
  std::vector<PerFilterConfig> typed_per_filter_config;
  Mark mark;
};

struct VirtualHost {
  std::string name;
  // Lower case; exact, "*.suffix", "prefix.*" or "*". Unique in the route configuration. Ports are
  // part of the name.
  std::vector<std::string> domains;
  // The first that matches wins.
  std::vector<Route> routes;
  // A longer request body is refused with 413. Unset: no limit.
  std::optional<std::uint64_t> max_request_bytes;
  std::vector<PerFilterConfig> typed_per_filter_config;
  Mark mark;
};

struct RouteConfiguration {
  std::string name;
  std::vector<VirtualHost> virtual_hosts;
  std::vector<PerFilterConfig> typed_per_filter_config;
  // Default 4096, range 0 … 16 MiB.
  std::uint32_t max_direct_response_body_size_bytes = 4096;
  // "host:port" matches domain "host". Default false.
  bool ignore_port_in_host_matching = false;
};

}  // namespace weir::config
