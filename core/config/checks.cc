#include <map>
#include <string>
#include <utility>

#include "core/config/tables.h"

namespace weir::config {
namespace {

template <class T>
void CheckNames(Context& c, const std::vector<T>& items, const char* what) {
  std::map<std::string, Mark> seen;
  for (const T& item : items) {
    if (item.name.empty()) continue;
    const auto [other, added] = seen.emplace(item.name, item.mark);
    if (added) continue;
    c.Add(item.mark,
          std::string("a ") + what + " named " + Quote(item.name) + " stands already at line " +
              std::to_string(other->second.line),
          "a name of its own");
  }
}

void CheckAddresses(Context& c, const Bootstrap& bootstrap) {
  std::map<std::string, int> seen;
  const auto check = [&](const Address& address, Mark mark) {
    if (address.kind != Address::Kind::kUnix && address.port == 0) return;
    const auto [other, added] = seen.emplace(address.ToString(), mark.line);
    if (added) return;
    c.Add(mark,
          "address " + other->first + " is taken already at line " + std::to_string(other->second),
          "an address of its own");
  };
  for (const Listener& listener : bootstrap.listeners) {
    // After an error the address is not the one in the file.
    if (c.diagnostics().ok()) check(listener.address, listener.mark);
  }
  if (bootstrap.admin && c.diagnostics().ok()) {
    check(bootstrap.admin->address, bootstrap.admin->mark);
  }
}

void CheckDomains(Context& c, const RouteConfiguration& routes) {
  std::map<std::string, std::string> seen;
  std::map<std::string, int> names;
  for (const VirtualHost& host : routes.virtual_hosts) {
    for (const std::string& domain : host.domains) {
      const auto [other, added] = seen.emplace(domain, host.name);
      if (added) continue;
      c.Add(host.mark,
            "domain " + Quote(domain) + " of virtual host " + Quote(host.name) + " belongs to " +
                Quote(other->second) + " already",
            "each domain once");
    }
    if (host.name.empty()) continue;
    const auto [other, added] = names.emplace(host.name, host.mark.line);
    if (!added) {
      c.Add(host.mark,
            "a virtual host named " + Quote(host.name) + " stands already at line " +
                std::to_string(other->second),
            "a name of its own");
    }
  }
}

class ClusterIndex {
 public:
  explicit ClusterIndex(const std::vector<Cluster>& clusters) {
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      if (index_.emplace(clusters[i].name, i).second) names_.push_back(clusters[i].name);
    }
  }

  // Leaves *out alone and reports when there is no such cluster.
  void Find(Context& c, const std::string& name, Mark mark, std::size_t* out) const {
    if (name.empty()) return;
    const auto found = index_.find(name);
    if (found != index_.end()) {
      *out = found->second;
      return;
    }
    c.Add(mark, "there is no cluster " + Quote(name),
          names_.size() <= 5 && !names_.empty() ? JoinNames(names_) : "",
          NearestName(name, names_));
  }

 private:
  std::map<std::string, std::size_t> index_;
  std::vector<std::string_view> names_;
};

// RFC 9110 §15.3.5, §15.3.6 and §15.4.5.
bool MayHaveBody(std::uint32_t status) {
  return status != 204 && status != 205 && status != 304;
}

void CheckRoutes(Context& c, const ClusterIndex& clusters, RouteConfiguration* routes) {
  for (VirtualHost& host : routes->virtual_hosts) {
    for (Route& route : host.routes) {
      if (auto* forward = std::get_if<RouteAction>(&route.action)) {
        clusters.Find(c, forward->cluster, forward->cluster_mark, &forward->cluster_index);
      }
      const auto* direct = std::get_if<DirectResponseAction>(&route.action);
      if (direct != nullptr && !direct->body.empty() && !MayHaveBody(direct->status)) {
        c.Add(route.mark,
              "the direct_response has a body, and status " + std::to_string(direct->status) +
                  " has none",
              "no body, or another status");
      }
      if (direct != nullptr && direct->body.size() > routes->max_direct_response_body_size_bytes) {
        c.Add(route.mark,
              "the direct_response has a body of " + std::to_string(direct->body.size()) + " bytes",
              "at most max_direct_response_body_size_bytes (" +
                  std::to_string(routes->max_direct_response_body_size_bytes) + ")");
      }
    }
  }
}

}  // namespace

void CheckBootstrap(Context& c, const Bootstrap& bootstrap) {
  CheckNames(c, bootstrap.listeners, "listener");
  CheckNames(c, bootstrap.clusters, "cluster");
  const ClusterIndex clusters(bootstrap.clusters);
  for (const auto& routes : c.route_configs) {
    CheckDomains(c, *routes);
    CheckRoutes(c, clusters, routes.get());
  }
  for (const auto& tcp : c.tcp_proxies) {
    clusters.Find(c, tcp->cluster, tcp->cluster_mark, &tcp->cluster_index);
  }
  CheckAddresses(c, bootstrap);
}

}  // namespace weir::config
