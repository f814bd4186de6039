// From a request to its route. A virtual host is found by the authority (domain_index.h), at a cost
// that does not depend on how many there are; within it the first route that matches wins. No
// route, or no virtual host, is a 404.
//
// Built once per configuration, immutable after, safe to read from any thread. Find allocates
// nothing (a regular expression's own cache aside, path_regex.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/config/route_config.h"
#include "core/http/route/domain_index.h"
#include "core/http/route/route.h"

namespace weir::http {

// How the server ties routes to what it runs. All of it is used during Build only.
struct RouteTableHooks {
  // Names of the HTTP filters, in chain order: what PerFilterConfig::filter refers to.
  std::vector<std::string> filters;
  // Called once for each entry of a typed_per_filter_config that is not merely "disabled". The
  // result is handed out as FilterOverride::config and must outlive the table. On a mistake it sets
  // `*error` and returns null.
  std::function<const void*(size_t filter, const config::PerFilterConfig&, std::string* error)>
      compile_filter;
  // Called once for each route that forwards; the result is Route::cluster().
  std::function<void*(const config::RouteAction&)> find_cluster;
};

struct RouteError {
  config::Mark mark;
  std::string message;
};

class RouteTable {
 public:
  // Null when there were mistakes; all of them are then in `*errors`, in file order as far as
  // virtual hosts go.
  static std::unique_ptr<const RouteTable> Build(
      std::shared_ptr<const config::RouteConfiguration> configuration, const RouteTableHooks& hooks,
      std::vector<RouteError>* errors);

  // The request's route, or null. It lives as long as the table.
  const Route* Find(const RequestView& request, LookupCost* cost = nullptr) const;

  const config::RouteConfiguration& configuration() const { return *configuration_; }

  // The parts of Find, for whoever wants to know why it found what it did.

  // What of an authority is looked up among the domains.
  std::string_view HostOf(std::string_view authority) const;
  // The index in configuration().virtual_hosts of the host's virtual host, or DomainIndex::kNone.
  uint32_t FindVirtualHost(std::string_view host, LookupCost* cost = nullptr) const {
    return domains_.Find(host, cost);
  }
  // A virtual host's routes, in the order in which they are asked.
  struct Routes {
    const Route* first = nullptr;
    size_t count = 0;
  };
  Routes RoutesOf(uint32_t virtual_host) const;

 private:
  friend class RouteTableBuilder;

  // A virtual host's part of routes_.
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  RouteTable() = default;

  std::shared_ptr<const config::RouteConfiguration> configuration_;
  DomainIndex domains_;
  std::vector<Range> hosts_;
  std::vector<Route> routes_;
  // One block for each level that overrides something; routes share the nearest.
  std::vector<std::unique_ptr<FilterOverride[]>> overrides_;
};

}  // namespace weir::http
