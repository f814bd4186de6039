#include "core/http/route/route_table.h"

#include "core/http/path.h"
#include "core/http/route/route_table_builder.h"

namespace weir::http {
namespace {

// Of a valid authority; an IPv6 address keeps its brackets.
std::string_view WithoutPort(std::string_view authority) {
  const size_t from = authority.starts_with('[') ? authority.find(']') : 0;
  return from == authority.npos ? authority : authority.substr(0, authority.find(':', from));
}

}  // namespace

std::unique_ptr<const RouteTable> RouteTable::Build(
    std::shared_ptr<const config::RouteConfiguration> configuration, const RouteTableHooks& hooks,
    std::vector<RouteError>* errors) {
  return RouteTableBuilder(std::move(configuration), hooks, errors).Build();
}

std::string_view RouteTable::HostOf(std::string_view authority) const {
  return configuration_->ignore_port_in_host_matching ? WithoutPort(authority) : authority;
}

RouteTable::Routes RouteTable::RoutesOf(uint32_t virtual_host) const {
  const Range range = hosts_[virtual_host];
  return {routes_.data() + range.begin, range.end - range.begin};
}

const Route* RouteTable::Find(const RequestView& request, LookupCost* cost) const {
  const uint32_t number = FindVirtualHost(HostOf(request.authority), cost);
  if (number == DomainIndex::kNone) return nullptr;
  const std::string_view path = PathWithoutQuery(request.path);
  const Range range = hosts_[number];
  for (uint32_t i = range.begin; i < range.end; ++i) {
    if (routes_[i].Matches(request, path)) return &routes_[i];
  }
  return nullptr;
}

}  // namespace weir::http
