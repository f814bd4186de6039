// Builds a RouteTable and collects every mistake on the way. Config time only; used by
// RouteTable::Build.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/route/route_table.h"

namespace weir::http {

class RouteTableBuilder {
 public:
  RouteTableBuilder(std::shared_ptr<const config::RouteConfiguration> configuration,
                    const RouteTableHooks& hooks, std::vector<RouteError>* errors);

  std::unique_ptr<const RouteTable> Build();

 private:
  void AddVirtualHost(const config::VirtualHost& host, const FilterOverride* inherited);
  void AddDomains(const config::VirtualHost& host, uint32_t number);
  void AddRoute(const config::VirtualHost& host, const config::Route& route,
                const FilterOverride* inherited);
  void CheckMatch(const config::Route& route, Route* compiled);
  void CheckForward(const config::Route& route, const config::RouteAction& action);
  void CheckRedirect(const config::Route& route, const config::RedirectAction& action);
  void CheckPrefixRewrite(const config::Route& route, std::string_view rewrite);
  // The overrides below `inherited`, which is returned where there are none.
  const FilterOverride* Override(const std::vector<config::PerFilterConfig>& configs,
                                 const FilterOverride* inherited);
  void Apply(const config::PerFilterConfig& config, FilterOverride* all);
  void Fail(config::Mark mark, std::string message);

  std::unique_ptr<RouteTable> table_;
  const RouteTableHooks& hooks_;
  std::vector<RouteError>* errors_;
  size_t errors_before_;
};

}  // namespace weir::http
