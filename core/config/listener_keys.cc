#include "core/config/tables.h"

namespace weir::config {
namespace {

using L = Listener;

void ReadFilterChains(Context& c, const Field& field, L* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    FilterChain chain;
    ReadFilterChain(c, element, &chain);
    out->filter_chains.push_back(std::move(chain));
  }
  if (field.node().size() == 0) {
    c.Add(field.key_mark, "filter_chains is empty", "one filter chain");
  }
  if (field.node().size() > 1) {
    c.Add(field.node().KeyMarkAt(1),
          "several filter_chains ask for a feature that Weir does not have: choosing a filter "
          "chain by what a connection looks like",
          "one filter chain");
  }
}

std::shared_ptr<const Node> PrintFilterChains(const L& listener) {
  auto list = Node::Sequence({});
  for (const FilterChain& chain : listener.filter_chains)
    list->Add("", {}, PrintFilterChain(chain));
  return list;
}

// The short keys need the listener's name for stat_prefix, which may come after them in the file.
std::string ShortName(const L& listener) {
  return listener.name.empty() ? listener.address.ToString() : listener.name;
}

void AddBuiltIn(L* out, NetworkFilter filter) {
  filter.name = filter.type;
  FilterChain chain;
  chain.filters.push_back(std::move(filter));
  out->filter_chains.push_back(std::move(chain));
}

void ReadHttp(Context& c, const Field& field, L* out) {
  NetworkFilter filter;
  filter.type = "http_connection_manager";
  filter.mark = field.key_mark;
  filter.http = ReadHttpConnectionManager(c, field, ShortName(*out));
  AddBuiltIn(out, std::move(filter));
}

void ReadTcp(Context& c, const Field& field, L* out) {
  NetworkFilter filter;
  filter.type = "tcp_proxy";
  filter.mark = field.key_mark;
  filter.tcp_proxy = ReadTcpProxy(c, field, ShortName(*out));
  AddBuiltIn(out, std::move(filter));
}

void ReadFilters(Context& c, const Field& field, L* out) {
  FilterChain chain;
  ReadNetworkFilters(c, field, &chain.filters);
  out->filter_chains.push_back(std::move(chain));
}

Keys<L> BasicRows() {
  return {
      TextKey("name", &L::name, "A name; default: the address."),
      CustomKey<L>(
          "address", "address",
          [](Context& c, const Field& f, L* l) {
            ReadLiteralAddress(c, f, &l->address, &l->ipv4_compat);
          },
          [](const L& l) { return PrintAddress(l.address, l.ipv4_compat); },
          "Where it listens: 127.0.0.1:8080, [::1]:8080, :8080, unix:/path, or Envoy's "
          "socket_address or pipe.")
          .Required(),
      IntKey("per_connection_buffer_limit_bytes", &L::per_connection_buffer_limit_bytes, 16 * 1024,
             1U << 30,
             "What is buffered for one connection, each way; a filter that needs a longer body: "
             "413.")
          .Limit("http.*.downstream_flow_control_paused_reading_total"),
      IntKey("tcp_backlog_size", &L::tcp_backlog_size, 0, 1U << 20,
             "The queue of connections not yet accepted; 0: what the system allows.")
          .Limit(""),
      IntKey("connection_limit", &L::connection_limit, 0, UINT32_MAX,
             "Connections at once; beyond it new ones wait. 0: no limit.")
          .Limit("listener.*.downstream_cx_overflow"),
      BoolKey("enable_reuse_port", &L::enable_reuse_port, "A socket for each worker."),
  };
}

Keys<L> ChainRows() {
  return {
      CustomKey<L>("filter_chains", "list of one filter chain", ReadFilterChains, PrintFilterChains,
                   "The network filters."),
      CustomKey<L>("filters", "list of network filters", ReadFilters, nullptr,
                   "Short for filter_chains with these filters.")
          .Shorthand(),
      CustomKey<L>("http", "connection manager", ReadHttp, nullptr,
                   "Short for filter_chains with one http_connection_manager.")
          .Shorthand(),
      CustomKey<L>("tcp", "TCP proxy", ReadTcp, nullptr,
                   "Short for filter_chains with one tcp_proxy.")
          .Shorthand(),
      CustomKey<L>(
          "tls", "TLS in short",
          [](Context& c, const Field& f, L* l) { l->short_tls = ReadShortTls(c, f, false); },
          nullptr,
          "Short for transport_socket of the filter chain: certificates [{cert, key}], ca, and "
          "keys "
          "of DownstreamTlsContext.")
          .Shorthand(),
      OptionalDurationKey("transport_socket_connect_timeout", &L::transport_socket_connect_timeout,
                          "For the TLS handshake; then the connection is closed. Default 10s.")
          .Limit("listener.*.downstream_cx_transport_socket_connect_timeout")
          .Shorthand(),
  };
}

Keys<L> ListenerFilterRows() {
  return {
      CustomKey<L>(
          "listener_filters", "list of listener filters",
          [](Context& c, const Field& f, L* l) { ReadListenerFilters(c, f, &l->listener_filters); },
          [](const L& l) { return PrintListenerFilters(l.listener_filters); },
          "They see the first bytes of a connection, in order, before its filter chain and TLS "
          "do."),
      DurationKey("listener_filters_timeout", &L::listener_filters_timeout,
                  "For all listener filters of a connection; then it is closed.")
          .Limit("listener.*.downstream_pre_cx_timeout"),
      BoolKey("continue_on_listener_filters_timeout", &L::continue_on_listener_filters_timeout,
              "It goes to the filter chain then, as it is."),
  };
}

Keys<L> MissingRows() {
  return {
      MissingKey<L>("additional_addresses", "several addresses of a listener"),
      MissingKey<L>("stat_prefix", "another name in counters"),
      MissingKey<L>("default_filter_chain", "choosing a filter chain"),
      MissingKey<L>("filter_chain_matcher", "choosing a filter chain"),
      MissingKey<L>("use_original_dst", "original destinations", "false"),
      MissingKey<L>("transparent", "transparent sockets", "false"),
      MissingKey<L>("freebind", "free binding", "false"),
      MissingKey<L>("socket_options", "socket options"),
      MissingKey<L>("tcp_fast_open_queue_length", "TCP fast open"),
      MissingKey<L>("tcp_keepalive", "TCP keep-alive"),
      MissingKey<L>("traffic_direction", "traffic directions", "UNSPECIFIED"),
      MissingKey<L>("udp_listener_config", "UDP"),
      MissingKey<L>("api_listener", "API listeners"),
      MissingKey<L>("internal_listener", "internal listeners"),
      MissingKey<L>("connection_balance_config", "balancing of connections"),
      MissingKey<L>("reuse_port", "this key; enable_reuse_port is its newer name"),
      MissingKey<L>("bind_to_port", "listeners without a socket", "true"),
      MissingKey<L>("drain_type", "a choice of draining", "DEFAULT"),
      MissingKey<L>("access_log", "access logs of connections"),
      MissingKey<L>("metadata", "metadata of listeners"),
      MissingKey<L>("ignore_global_conn_limit", "listeners outside of the limits", "false"),
      MissingKey<L>("bypass_overload_manager", "listeners outside of the limits", "false"),
      MissingKey<L>("max_connections_to_accept_per_socket_event", "this limit"),
      MissingKey<L>("enable_mptcp", "MPTCP", "false"),
  };
}

}  // namespace

const Keys<Listener>& ListenerKeys() {
  static const Keys<L> keys = [] {
    Keys<L> all = BasicRows();
    for (Key<L>& key : ChainRows()) all.push_back(std::move(key));
    for (Key<L>& key : ListenerFilterRows()) all.push_back(std::move(key));
    for (Key<L>& key : MissingRows()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

void CompleteChains(L* listener) {
  for (FilterChain& chain : listener->filter_chains) {
    if (listener->short_tls != nullptr) chain.tls = listener->short_tls;
    if (listener->transport_socket_connect_timeout)
      chain.transport_socket_connect_timeout = *listener->transport_socket_connect_timeout;
  }
}

const Keys<TcpProxy>& TcpProxyKeys() {
  using T = TcpProxy;
  static const Keys<T> keys = {
      CustomKey<T>(
          "@type", "string", [](Context&, const Field&, T*) {}, nullptr,
          "Checked against the filter's name.")
          .Shorthand(),
      TextKey("stat_prefix", &T::stat_prefix, "The prefix of its counters: tcp.<stat_prefix>."),
      CustomKey<T>(
          "cluster", "cluster name",
          [](Context& c, const Field& f, T* t) {
            ReadText(c, f, &t->cluster);
            t->cluster_mark = f.node().mark();
          },
          [](const T& t) { return PrintText(t.cluster); }, "Where the connections go.")
          .Required(),
      DurationKey("idle_timeout", &T::idle_timeout, "No byte either way; the connection is closed.")
          .Limit("tcp.*.idle_timeout"),
      IntKey("max_connect_attempts", &T::max_connect_attempts, 1, 10, "Attempts to connect.")
          .Limit("cluster.*.upstream_cx_connect_attempts_exceeded"),
      CustomKey<T>(
          "access_log", "list of access logs",
          [](Context& c, const Field& f, T* t) { ReadAccessLogs(c, f, &t->access_log); },
          [](const T& t) { return PrintAccessLogs(t.access_log); },
          "Where each connection's line goes."),
      MissingKey<T>("weighted_clusters", "weighted clusters"),
      MissingKey<T>("metadata_match", "subsets of a cluster"),
      MissingKey<T>("hash_policy", "hash policies"),
      MissingKey<T>("tunneling_config", "tunnels through HTTP"),
      MissingKey<T>("max_downstream_connection_duration", "the age of connections"),
      MissingKey<T>("access_log_options", "access log options"),
      MissingKey<T>("on_demand", "clusters on demand"),
      MissingKey<T>("backoff_options", "waiting between attempts"),
      MissingKey<T>("upstream_connect_mode", "a choice of when to connect", "IMMEDIATE"),
      MissingKey<T>("downstream_idle_timeout", "idle timeouts by side"),
      MissingKey<T>("upstream_idle_timeout", "idle timeouts by side"),
      MissingKey<T>("proxy_protocol_tlvs", "the PROXY protocol"),
  };
  return keys;
}

std::shared_ptr<TcpProxy> ReadTcpProxy(Context& c, const Field& field, const std::string& name) {
  auto tcp = std::make_shared<TcpProxy>();
  tcp->mark = field.key_mark;
  tcp->stat_prefix = name;
  c.tcp_proxies.push_back(tcp);
  const std::size_t before = c.diagnostics().count();
  ReadMap(c, field, TcpProxyKeys(), tcp.get());
  if (tcp->stat_prefix.empty() && c.diagnostics().count() == before) {
    c.Add(field.key_mark, std::string(field.key) + " has no stat_prefix", "stat_prefix (string)");
  }
  return tcp;
}

}  // namespace weir::config
