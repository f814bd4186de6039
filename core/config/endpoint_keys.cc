#include <utility>

#include "core/config/tables.h"

namespace weir::config {
namespace {

// "_service._proto.name": what SRV records are asked for (RFC 2782).
bool IsServiceName(std::string_view text) {
  if (!IsHostName(text) || text.front() != '_') return false;
  const std::size_t second = text.find('.');
  if (second == std::string_view::npos || second + 1 >= text.size() || text[second + 1] != '_')
    return false;
  const std::size_t third = text.find('.', second + 1);
  return third != std::string_view::npos && third + 1 < text.size();
}

void SetService(std::string_view name, Endpoint* out) {
  out->lookup = Endpoint::Lookup::kService;
  out->service = name;
  const std::size_t second = name.find('.') + 1;
  out->hostname = name.substr(name.find('.', second) + 1);
}

// The names of a cluster that is not STATIC are looked up while the proxy runs.
void SetLookup(Context& c, const Field& field, const AddressText& text, Endpoint* out) {
  if (IsServiceName(text.host) && text.port == 0) return SetService(text.host, out);
  out->lookup = Endpoint::Lookup::kAddress;
  out->address.port = text.port;
  if (text.port == 0) {
    c.Add(field.node().mark(), std::string(field.key) + " has port 0",
          "a port from 1 to 65535; or a name such as _http._tcp.example.com");
  }
}

// What a cluster's type says of its endpoints' names.
Endpoint NewEndpoint(const Cluster& cluster, Mark mark) {
  Endpoint endpoint;
  endpoint.mark = mark;
  if (cluster.type != ClusterType::kStatic) endpoint.lookup = Endpoint::Lookup::kAddress;
  return endpoint;
}

void ReadEndpointAddress(Context& c, const Field& field, Endpoint* out) {
  const bool later = std::exchange(out->lookup, Endpoint::Lookup::kNone) != Endpoint::Lookup::kNone;
  if (later && field.node().is_scalar() && IsServiceName(field.node().text()))
    return SetService(field.node().text(), out);
  const auto text = ReadAddressText(c, field, nullptr);
  if (!text) return;
  if (text->literal) {
    out->address = *text->literal;
    const bool ip = out->address.kind != Address::Kind::kUnix;
    if (ip && out->address.port == 0) {
      c.Add(field.node().mark(), std::string(field.key) + " has port 0", "a port from 1 to 65535");
    }
    out->hostname = out->address.ToString();
    if (ip) out->hostname.resize(out->hostname.rfind(':'));
    if (out->hostname.front() == '[') {
      out->hostname = out->hostname.substr(1, out->hostname.size() - 2);
    }
    return;
  }
  out->hostname = text->host;
  if (later) return SetLookup(c, field, *text, out);
  std::string error;
  std::vector<Address> addresses = c.Resolve(text->host, text->port, &error);
  if (addresses.empty()) {
    c.Add(field.node().mark(), "host name " + Quote(text->host) + " cannot be resolved: " + error,
          "a name that resolves, or an IP address");
    return;
  }
  out->address = addresses.front();
  out->additional_addresses.assign(addresses.begin() + 1, addresses.end());
}

std::shared_ptr<const Node> PrintEndpointAddress(const Endpoint& endpoint) {
  if (endpoint.address.kind == Address::Kind::kUnix) return PrintAddress(endpoint.address, false);
  if (endpoint.lookup == Endpoint::Lookup::kService) return PrintHostAndPort(endpoint.service, 0);
  return PrintHostAndPort(endpoint.hostname, endpoint.address.port);
}

// A short address, or {address, weight}.
void ReadShortEndpoint(Context& c, const Field& field, Cluster* out) {
  Endpoint endpoint = NewEndpoint(*out, field.key_mark);
  if (field.node().is_scalar()) {
    ReadEndpointAddress(c, field, &endpoint);
  } else {
    ReadMap(c, field, EndpointKeys(), &endpoint);
  }
  out->endpoints.push_back(std::move(endpoint));
}

// Envoy's lb_endpoints[].endpoint.
const Keys<Endpoint>& EnvoyEndpointKeys() {
  static const Keys<Endpoint> keys = {
      CustomKey<Endpoint>("address", "address", ReadEndpointAddress, nullptr, "").Required(),
      MissingKey<Endpoint>("hostname", "host names of endpoints beside their address"),
      MissingKey<Endpoint>("health_check_config", "active health checks"),
      MissingKey<Endpoint>("additional_addresses", "further addresses of an endpoint"),
  };
  return keys;
}

const Keys<Endpoint>& LbEndpointKeys() {
  static const Keys<Endpoint> keys = {
      CustomKey<Endpoint>(
          "endpoint", "mapping",
          [](Context& c, const Field& f, Endpoint* e) { ReadMap(c, f, EnvoyEndpointKeys(), e); },
          nullptr, "")
          .Required(),
      IntKey("load_balancing_weight", &Endpoint::weight, 1, 1'000'000, ""),
      MissingKey<Endpoint>("health_status", "health states in the file", "UNKNOWN"),
      MissingKey<Endpoint>("metadata", "metadata of endpoints"),
      MissingKey<Endpoint>("endpoint_name", "endpoints by name"),
  };
  return keys;
}

const Keys<Cluster>& LocalityKeys() {
  static const Keys<Cluster> keys = {
      CustomKey<Cluster>(
          "lb_endpoints", "list of endpoints",
          [](Context& c, const Field& f, Cluster* cluster) {
            if (!ExpectList(c, f)) return;
            std::vector<std::string> names;
            for (const Field& element : Elements(f, &names)) {
              Endpoint endpoint = NewEndpoint(*cluster, element.key_mark);
              ReadMap(c, element, LbEndpointKeys(), &endpoint);
              cluster->endpoints.push_back(std::move(endpoint));
            }
          },
          nullptr, ""),
      MissingKey<Cluster>("priority", "priorities of endpoints", "0"),
      MissingKey<Cluster>("load_balancing_weight", "weights of localities"),
      DescriptiveKey<Cluster>("locality", ""),
      MissingKey<Cluster>("proximity", "priorities of endpoints", "0"),
      MissingKey<Cluster>("metadata", "metadata of endpoints"),
  };
  return keys;
}

const Keys<Cluster>& LoadAssignmentKeys() {
  static const Keys<Cluster> keys = {
      DescriptiveKey<Cluster>("cluster_name", "The cluster's name again."),
      CustomKey<Cluster>(
          "endpoints", "list of localities",
          [](Context& c, const Field& f, Cluster* cluster) {
            if (!ExpectList(c, f)) return;
            std::vector<std::string> names;
            for (const Field& element : Elements(f, &names)) {
              ReadMap(c, element, LocalityKeys(), cluster);
            }
          },
          nullptr, ""),
      MissingKey<Cluster>("policy", "policies of load assignment"),
      MissingKey<Cluster>("named_endpoints", "endpoints by name"),
  };
  return keys;
}

}  // namespace

const Keys<Endpoint>& EndpointKeys() {
  static const Keys<Endpoint> keys = {
      CustomKey<Endpoint>(
          "address", "address", ReadEndpointAddress, PrintEndpointAddress,
          "An IP address and port, host:port or unix:/path; in a STRICT_DNS cluster "
          "also a service whose SRV records are looked up, as "
          "_http._tcp.example.com.")
          .Required(),
      IntKey("weight", &Endpoint::weight, 1, 1'000'000, "Its share among the endpoints."),
  };
  return keys;
}

void ReadShortEndpoints(Context& c, const Field& field, Cluster* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) ReadShortEndpoint(c, element, out);
}

void ReadLoadAssignment(Context& c, const Field& field, Cluster* out) {
  ReadMap(c, field, LoadAssignmentKeys(), out);
}

std::shared_ptr<const Node> PrintLoadAssignment(const Cluster& cluster) {
  auto endpoints = Node::Sequence({});
  for (const Endpoint& endpoint : cluster.endpoints) {
    endpoints->Add("", {},
                   PrintMap({{"endpoint", PrintMap({{"address", PrintEndpointAddress(endpoint)}})},
                             {"load_balancing_weight", PrintInt(endpoint.weight)}}));
  }
  auto localities = Node::Sequence({});
  localities->Add("", {}, PrintMap({{"lb_endpoints", endpoints}}));
  return PrintMap({{"cluster_name", PrintText(cluster.name)}, {"endpoints", localities}});
}

}  // namespace weir::config
