// Short ways to write the configuration structs that route tests need.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/http/route/route_table.h"

namespace weir::http::test {

using Kind = config::RouteMatch::Kind;

inline config::Route MakeRoute(Kind kind, std::string value, std::string cluster) {
  config::Route route;
  route.name = cluster;
  route.match.kind = kind;
  route.match.value = std::move(value);
  config::RouteAction action;
  action.cluster = std::move(cluster);
  route.action = std::move(action);
  return route;
}

template <typename Action>
config::Route MakeActionRoute(Kind kind, std::string value, Action action) {
  config::Route route;
  route.match.kind = kind;
  route.match.value = std::move(value);
  route.action = std::move(action);
  return route;
}

inline config::VirtualHost MakeHost(std::string name, std::vector<std::string> domains) {
  config::VirtualHost host;
  host.routes.push_back(MakeRoute(Kind::kPrefix, "/", name));
  host.name = std::move(name);
  host.domains = std::move(domains);
  return host;
}

inline std::unique_ptr<const RouteTable> BuildTable(config::RouteConfiguration configuration,
                                                    const RouteTableHooks& hooks = {}) {
  std::vector<RouteError> errors;
  auto table = RouteTable::Build(
      std::make_shared<const config::RouteConfiguration>(std::move(configuration)), hooks, &errors);
  for (const RouteError& error : errors) ADD_FAILURE() << error.message;
  return table;
}

// One virtual host for every domain, with these routes.
inline std::unique_ptr<const RouteTable> BuildTable(std::vector<config::Route> routes) {
  config::RouteConfiguration configuration;
  config::VirtualHost host = MakeHost("all", {"*"});
  host.routes = std::move(routes);
  configuration.virtual_hosts.push_back(std::move(host));
  return BuildTable(std::move(configuration));
}

// The messages of a configuration that is wrong.
inline std::vector<std::string> BuildErrors(config::RouteConfiguration configuration,
                                            const RouteTableHooks& hooks = {}) {
  std::vector<RouteError> errors;
  const auto table = RouteTable::Build(
      std::make_shared<const config::RouteConfiguration>(std::move(configuration)), hooks, &errors);
  EXPECT_EQ(table == nullptr, !errors.empty());
  std::vector<std::string> messages;
  for (const RouteError& error : errors) messages.push_back(error.message);
  return messages;
}

inline RequestView Request(std::string_view authority, std::string_view path) {
  RequestView request;
  request.authority = authority;
  request.path = path;
  request.method = "GET";
  return request;
}

// The cluster that a request goes to; "404" without a route.
inline std::string ClusterOf(const RouteTable& table, const RequestView& request) {
  const Route* route = table.Find(request);
  if (route == nullptr) return "404";
  return route->forward() == nullptr ? "not forwarded" : route->forward()->cluster;
}

}  // namespace weir::http::test
