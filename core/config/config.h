#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config/address.h"
#include "core/config/admin_config.h"
#include "core/config/dns_config.h"
#include "core/config/http_config.h"
#include "core/config/node.h"
#include "core/config/route_config.h"
#include "core/config/tls_config.h"

// The configuration that a worker runs on: plain values, complete (every default filled in),
// checked (every reference resolved, every range held) and immutable, shared as
// std::shared_ptr<const Bootstrap>. Made by loader.h; nothing here knows YAML. A duration of 0
// means "none"; sizes are bytes unless the name says kb.

namespace weir::config {

// Network filter tcp_proxy.
struct TcpProxy {
  std::string stat_prefix;  // the prefix of its counters: tcp.<stat_prefix>
  std::string cluster;      // the name of a cluster of the same file (checked)
  Mark cluster_mark;
  std::size_t cluster_index = 0;           // index of it in Bootstrap::clusters
  Milliseconds idle_timeout{3'600'000};    // no byte either way. Default 1h
  std::uint32_t max_connect_attempts = 1;  // Default 1, range 1 … 10
  std::vector<AccessLog> access_log;
  Mark mark;
};

// One network filter of a chain, in file order.
struct NetworkFilter {
  // As written in the file, `envoy.filters.network.` removed.
  std::string name;
  // Which filter it is: "http_connection_manager", "tcp_proxy", "echo", "direct_response" or a
  // plugin's name.
  std::string type;
  // The filter's keys; null when none were given. Keys that nobody reads are errors
  // (Diagnostics::AddUnread).
  std::shared_ptr<const Node> typed_config;
  // Set when type is http_connection_manager, or tcp_proxy; their keys were read by the loader.
  std::shared_ptr<const HttpConnectionManager> http;
  std::shared_ptr<const TcpProxy> tcp_proxy;
  Mark mark;
};

struct FilterChain {
  std::string name;
  // DownstreamTlsContext; null: no TLS.
  std::shared_ptr<const TlsContext> tls;
  // For the TLS handshake. Default 10s; 0: none.
  Milliseconds transport_socket_connect_timeout{10'000};
  // Never empty; the last is terminal, and only the last.
  std::vector<NetworkFilter> filters;
};

// One listener filter, in file order.
struct ListenerFilter {
  // As written in the file, `envoy.filters.listener.` removed.
  std::string name;
  // Which plugin it is.
  std::string type;
  // The filter's keys; null when none were given. Keys that nobody reads are errors
  // (Diagnostics::AddUnread).
  std::shared_ptr<const Node> typed_config;
  Mark mark;
};

struct Listener {
  std::string name;  // unique. Default: the address's text
  Address address;
  // Soft limit of what is buffered for one connection, each way; also what a filter that buffers a
  // body may hold (413). Default 256 KiB, range 16 KiB … 1 GiB.
  std::uint32_t per_connection_buffer_limit_bytes = 262'144;
  // Default 0: net.core.somaxconn.
  std::uint32_t tcp_backlog_size = 0;
  // Connections open at once, all workers together; beyond it new ones wait in the backlog. Default
  // 10000; 0: none.
  std::uint32_t connection_limit = 10'000;
  // A socket per worker (SO_REUSEPORT). Default true. Unix sockets are always shared.
  bool enable_reuse_port = true;
  // IPv6 addresses take IPv4 connections too. Default false.
  bool ipv4_compat = false;
  // The short forms, until the loader has put them into the chain.
  std::shared_ptr<const TlsContext> short_tls;
  std::optional<Milliseconds> transport_socket_connect_timeout;
  // They see a connection's first bytes before its filter chain does.
  std::vector<ListenerFilter> listener_filters;
  // For all of them together; then the connection is closed. Default 15s; 0: none.
  Milliseconds listener_filters_timeout{15'000};
  // ... or goes to its filter chain as it is. Default false.
  bool continue_on_listener_filters_timeout = false;
  // Exactly one for now.
  std::vector<FilterChain> filter_chains;
  Mark mark;
};

// One backend of a cluster.
struct Endpoint {
  // What has to be looked up while the proxy runs, in a cluster that is not STATIC. kAddress: the
  // addresses of `hostname`; of `address` the port alone says something then. kService: the SRV
  // records of `service` say hosts, ports and weights.
  enum class Lookup { kNone, kAddress, kService };

  Address address;
  // Further addresses of the same host name, tried when the first cannot be connected. IPv4 before
  // IPv6.
  std::vector<Address> additional_addresses;
  // As written, without the port; for messages and the admin page. Of a service without its first
  // two labels.
  std::string hostname;
  Lookup lookup = Lookup::kNone;
  std::string service;       // "_http._tcp.example.com"
  std::uint32_t weight = 1;  // load_balancing_weight. Default 1, range 1 … 1000000
  Mark mark;
};

// The header with which a connection to a backend begins: who its client is.
enum class ProxyProtocol { kNone, kV1, kV2 };

enum class LbPolicy { kRoundRobin, kLeastRequest };

// circuit_breakers.thresholds of priority DEFAULT. All workers together.
struct CircuitBreakers {
  std::uint32_t max_connections = 1024;  // open connections; a request beyond waits
  std::uint32_t max_pending_requests =
      1024;  // requests waiting for a connection; 503 beyond. 0: none may wait
  std::uint32_t max_requests = 1024;  // requests in flight; 503 beyond
};

struct Cluster {
  std::string name;  // unique
  ClusterType type = ClusterType::kStatic;
  // Of the types that look names up.
  Milliseconds dns_refresh_rate{5'000};  // Default 5s, at least 1ms
  Milliseconds dns_failure_base{0};      // 0: dns_refresh_rate
  Milliseconds dns_failure_max{0};       // 0: 10 times the base
  bool respect_dns_ttl = false;
  Milliseconds dns_min_refresh_rate{1'000};  // of a TTL. Default 1s
  Milliseconds dns_jitter{0};
  DnsFamily dns_lookup_family = DnsFamily::kAuto;
  std::uint32_t max_dns_hosts = 1'000;  // Default 1000, range 1 … 4096
  bool wait_for_warm_on_init = true;
  // The bootstrap's where the cluster has none; nothing: the system's servers.
  std::optional<DnsResolver> dns_resolver;
  LbPolicy lb_policy = LbPolicy::kRoundRobin;
  std::uint32_t choice_count = 2;       // least_request_lb_config. Default 2, range 2 … 100
  Milliseconds connect_timeout{5'000};  // Default 5s, range 1ms … 1h
  // Attempts to connect for one request, then 503. Default 3, range 1 … 10.
  std::uint32_t max_connect_attempts = 3;
  std::vector<Endpoint> endpoints;  // never empty
  CircuitBreakers circuit_breakers;
  // The codec plugin that speaks to the backends (short key `protocol`), "auto" or "downstream"
  // (names.h: CodecsOfProtocol). Default: the HTTP/1.1 codec.
  std::string protocol;
  // One entry per codec at most; each names a codec of `protocol` (checked when they are made).
  std::vector<CodecOptions> codec_options;
  // Streams of one connection at once, where its codec takes several; the backend may allow fewer.
  // Default 100, range 1 … 1000000.
  std::uint32_t max_concurrent_streams = 100;
  // Of those that share connections: how many an endpoint gets on one worker because the present
  // ones are busy. Default 4, range 1 … 1000.
  std::uint32_t max_busy_connections = 4;
  // UpstreamTlsContext; null: no TLS.
  std::shared_ptr<const TlsContext> tls;
  // Each connection then belongs to one downstream connection. Default kNone.
  ProxyProtocol proxy_protocol = ProxyProtocol::kNone;
  // An idle kept connection is closed after this. Default 60s: below what most servers keep.
  Milliseconds idle_timeout{60'000};
  std::uint32_t max_requests_per_connection = 0;  // 0: no limit
  std::uint32_t max_response_headers_kb = 60;     // 502. Default 60, range 1 … 8192
  std::uint32_t max_headers_count = 100;  // of a response; 502. Default 100, range 1 … 10000
  // Soft limit of what is buffered for one connection, each way. Default 256 KiB, range 16 KiB … 1
  // GiB.
  std::uint32_t per_connection_buffer_limit_bytes = 262'144;
  Mark mark;
};

// Limits of the whole process (short key `limits`).
struct Limits {
  // Downstream connections of all listeners together; at the limit Weir stops accepting. Default
  // 50000; 0: none.
  std::uint32_t max_connections = 50'000;
  // Resident memory beyond which new work is refused. Default 0: the cgroup's limit, else none.
  // --max-memory wins.
  std::uint64_t max_memory_bytes = 0;
  // Bytes of messages that one worker may hold; while it holds more, new requests get 503. Default
  // 256 MiB, range 1 MiB … 1 TiB.
  std::uint64_t max_body_bytes_per_worker = 268'435'456;
  // A plugin's hook that takes longer is counted and logged. Default 50ms.
  Milliseconds slow_hook{50};
  // How long listeners wait for the first answers of DNS. Default 10s; 0: they do not.
  Milliseconds dns_warm_timeout{10'000};
};

struct Bootstrap {
  std::vector<Listener> listeners;
  std::vector<Cluster> clusters;
  std::optional<Admin> admin;
  Limits limits;
  std::optional<DnsResolver> dns_resolver;  // of clusters that name none
};

}  // namespace weir::config
