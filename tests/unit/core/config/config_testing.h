#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/config/loader.h"

namespace weir::config::testing {

// A resolver that knows four names, and an environment of its own: no test asks the network or the
// machine.
inline LoadOptions TestOptions(std::map<std::string, std::string> environment = {}) {
  LoadOptions options;
  options.resolve = [](const std::string& host, std::uint16_t port, std::string* error) {
    std::vector<Address> found;
    if (host == "six.example" || host == "both.example")
      found.push_back(*ParseIp("2001:db8::7", port));
    if (host == "four.example" || host == "both.example")
      found.push_back(*ParseIp("192.0.2.7", port));
    if (found.empty()) *error = "no such host";
    return found;
  };
  options.environment = [environment](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  return options;
}

inline LoadResult Load(std::string_view text, std::map<std::string, std::string> environment = {}) {
  return LoadString(text, "test.yaml", TestOptions(std::move(environment)));
}

// The configuration of a text that must be right.
inline std::shared_ptr<const Bootstrap> MustLoad(std::string_view text) {
  LoadResult result = Load(text);
  EXPECT_TRUE(result.ok()) << result.diagnostics.Print();
  return result.bootstrap != nullptr ? result.bootstrap : std::make_shared<const Bootstrap>();
}

// Every mistake as "line:column message; expected ...; did you mean ...", in file order.
inline std::vector<std::string> Mistakes(std::string_view text) {
  std::vector<std::string> lines;
  for (const Diagnostic& item : Load(text).diagnostics.Sorted()) {
    std::string line = std::to_string(item.mark.line) + ":" + std::to_string(item.mark.column) +
                       " " + item.message;
    if (!item.expected.empty()) line += "; expected " + item.expected;
    if (!item.nearest.empty()) line += "; did you mean " + item.nearest;
    lines.push_back(line);
  }
  return lines;
}

// A whole file around the keys of one connection manager, route or cluster, each given on one line.
inline std::string WithHttp(std::string_view keys) {
  return "listeners: [{address: ':80', http: {" + std::string(keys) +
         "}}]\nclusters: [{name: app, endpoints: ['127.0.0.1:90']}]\n";
}
inline std::string WithRoute(std::string_view keys) {
  return WithHttp("routes: [{" + std::string(keys) + "}]");
}
inline std::string WithCluster(std::string_view keys) {
  return "listeners: [{address: ':80', tcp: {cluster: app}}]\nclusters: [{name: app, " +
         std::string(keys) + "}]\n";
}

inline const HttpConnectionManager& FirstHttp(const Bootstrap& bootstrap) {
  return *bootstrap.listeners.at(0).filter_chains.at(0).filters.back().http;
}
inline const Route& FirstRoute(const Bootstrap& bootstrap) {
  return FirstHttp(bootstrap).route_config->virtual_hosts.at(0).routes.at(0);
}

}  // namespace weir::config::testing
