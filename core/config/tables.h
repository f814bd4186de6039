#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/address.h"
#include "core/config/config.h"
#include "core/config/context.h"
#include "core/config/keys.h"

// The tables of keys, one per struct, and the readers that several of them share.

namespace weir::config {

const Keys<Bootstrap>& BootstrapKeys();
const Keys<Limits>& LimitsKeys();
const Keys<Admin>& AdminKeys();
const Keys<Listener>& ListenerKeys();
const Keys<HttpConnectionManager>& HttpConnectionManagerKeys();
const Keys<TcpProxy>& TcpProxyKeys();
const Keys<RouteConfiguration>& RouteConfigurationKeys();
const Keys<VirtualHost>& VirtualHostKeys();
const Keys<Route>& RouteKeys();
const Keys<RouteMatch>& RouteMatchKeys();
const Keys<RouteAction>& RouteActionKeys();
const Keys<RedirectAction>& RedirectActionKeys();
const Keys<DirectResponseAction>& DirectResponseActionKeys();
const Keys<UpgradeConfig>& UpgradeConfigKeys();
const Keys<LocalReplyConfig>& LocalReplyConfigKeys();
const Keys<LocalReplyMapper>& LocalReplyMapperKeys();
const Keys<BodyFormat>& BodyFormatKeys();
const Keys<Cluster>& ClusterKeys();
const Keys<CircuitBreakers>& CircuitBreakersKeys();
const Keys<Endpoint>& EndpointKeys();
const Keys<TlsContext>& DownstreamTlsKeys();
const Keys<TlsContext>& UpstreamTlsKeys();

// --- addresses ---

// A short text or Envoy's socket_address or pipe. Nothing after an error. ipv4_compat may be null.
std::optional<AddressText> ReadAddressText(Context& c, const Field& field, bool* ipv4_compat);
// The same for a place that takes no host name.
void ReadLiteralAddress(Context& c, const Field& field, Address* out, bool* ipv4_compat);
std::shared_ptr<const Node> PrintAddress(const Address& address, bool ipv4_compat);
std::shared_ptr<const Node> PrintHostAndPort(const std::string& host, std::uint16_t port);

// --- endpoints of a cluster ---

void ReadShortEndpoints(Context& c, const Field& field, Cluster* out);
void ReadLoadAssignment(Context& c, const Field& field, Cluster* out);
std::shared_ptr<const Node> PrintLoadAssignment(const Cluster& cluster);

// --- names that are looked up ---

Keys<Cluster> DnsRows();
Keys<Bootstrap> DnsBootstrapRows();
void CheckDnsCluster(Context& c, const Field& field, const Cluster& cluster);

// --- filters ---

void ReadFilterChain(Context& c, const Field& field, FilterChain* out);
void ReadNetworkFilters(Context& c, const Field& field, std::vector<NetworkFilter>* out);
std::shared_ptr<const Node> PrintFilterChain(const FilterChain& chain);
// A connection manager from its keys, completed and checked. `name` is its stat_prefix when none is
// given; empty: one must be given. Never null.
std::shared_ptr<HttpConnectionManager> ReadHttpConnectionManager(Context& c, const Field& field,
                                                                 const std::string& name);
std::shared_ptr<TcpProxy> ReadTcpProxy(Context& c, const Field& field, const std::string& name);
void ReadHttpFilters(Context& c, const Field& field, std::vector<HttpFilter>* out);
std::shared_ptr<const Node> PrintHttpFilters(const std::vector<HttpFilter>& filters);
void ReadListenerFilters(Context& c, const Field& field, std::vector<ListenerFilter>* out);
std::shared_ptr<const Node> PrintListenerFilters(const std::vector<ListenerFilter>& filters);
void ReadPerFilterConfigs(Context& c, const Field& field, std::vector<PerFilterConfig>* out);
std::shared_ptr<const Node> PrintPerFilterConfigs(const std::vector<PerFilterConfig>& configs);
// Checks that each names a filter of the chain, and makes the name the chain's own.
void MatchPerFilterConfigs(Context& c, const std::vector<HttpFilter>& filters,
                           RouteConfiguration* routes);

// --- TLS ---

// transport_socket_connect_timeout, of a filter chain or in short of its listener.
inline constexpr const char* kHandshakeTimeoutDoc =
    "For the TLS handshake; then the connection is closed.";
// Puts what the short keys of a listener say into its chain.
void CompleteChains(Listener* listener);

// `tls` of a listener or a cluster: the short form of transport_socket. Never null.
std::shared_ptr<const TlsContext> ReadShortTls(Context& c, const Field& field, bool upstream);
// Null without TLS, and after an error.
std::shared_ptr<const TlsContext> ReadTransportSocket(Context& c, const Field& field,
                                                      bool upstream);
std::shared_ptr<const Node> PrintTransportSocket(const TlsContext* tls, bool upstream);

// --- shared parts ---

void ReadAccessLogs(Context& c, const Field& field, std::vector<AccessLog>* out);
std::shared_ptr<const Node> PrintAccessLogs(const std::vector<AccessLog>& logs);
void ReadUpgradeConfigs(Context& c, const Field& field, std::vector<UpgradeConfig>* out);
std::shared_ptr<const Node> PrintUpgradeConfigs(const std::vector<UpgradeConfig>& upgrades);
// A text written as it is, or Envoy's DataSource: inline_string, filename, environment_variable.
void ReadDataSource(Context& c, const Field& field, std::string* out);
void ReadAdmin(Context& c, const Field& field, Bootstrap* out);
void ReadRoutes(Context& c, const Field& field, std::vector<Route>* out);
void ReadVirtualHosts(Context& c, const Field& field, std::vector<VirtualHost>* out);
void ReadRouteConfiguration(Context& c, const Field& field, RouteConfiguration* out);

// Envoy's only ways to say limits.max_connections and a listener's connection_limit.
void ReadLayeredRuntime(Context& c, const Field& field, Bootstrap* out);
void ReadOverloadManager(Context& c, const Field& field, Bootstrap* out);
void ApplyListenerLimits(Context& c, Bootstrap* bootstrap);

// --- checks of the whole ---

// Names that must be unique, references that must resolve; fills in the cluster indices.
void CheckBootstrap(Context& c, const Bootstrap& bootstrap);
// Empty when RE2 takes the pattern, else the reason.
std::string CheckRegex(const std::string& pattern);

}  // namespace weir::config
