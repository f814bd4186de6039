#include "core/config/tables.h"

namespace weir::config {
namespace {

using B = Bootstrap;

constexpr std::uint64_t kMiB = 1 << 20;

void ReadListener(Context& c, const Field& field, B* out) {
  Listener listener;
  listener.mark = field.key_mark;
  // The name and address come first, wherever they stand: the short keys borrow them.
  if (field.node().is_map()) {
    for (const Node::Entry& entry : field.node().entries()) {
      if (entry.key == "name" && entry.value->is_scalar()) listener.name = entry.value->text();
      std::string expected;
      if (entry.key != "address" || !entry.value->is_scalar()) continue;
      const auto text = ParseAddress(entry.value->text(), &expected);
      if (text && text->literal) listener.address = *text->literal;
    }
    CheckOneOf(c, field, {"http", "tcp", "filters", "filter_chains"}, true);
    CheckOneOf(c, field, {"tls", "filter_chains"}, false);
  }
  const std::size_t before = c.diagnostics().count();
  ReadMap(c, field, ListenerKeys(), &listener);
  // After an error the address may not be the one in the file; without a name it is left out of
  // further checks.
  const bool good = c.diagnostics().count() == before;
  if (listener.name.empty() && good) listener.name = listener.address.ToString();
  CompleteChains(&listener);
  out->listeners.push_back(std::move(listener));
}

void ReadListeners(Context& c, const Field& field, B* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) ReadListener(c, element, out);
}

void PeekType(const Node& node, Cluster* cluster) {
  for (const Node::Entry& entry : node.entries()) {
    if (entry.key != "type" || !entry.value->is_scalar()) continue;
    if (entry.value->text() == "STRICT_DNS") cluster->type = ClusterType::kStrictDns;
    if (entry.value->text() == "LOGICAL_DNS") cluster->type = ClusterType::kLogicalDns;
  }
}

void ReadClusters(Context& c, const Field& field, B* out) {
  if (!ExpectList(c, field)) return;
  std::vector<std::string> names;
  for (const Field& element : Elements(field, &names)) {
    Cluster cluster;
    cluster.mark = element.key_mark;
    const std::size_t before = c.diagnostics().count();
    CheckOneOf(c, element, {"endpoints", "load_assignment", "hosts"}, element.node().is_map());
    CheckOneOf(c, element, {"tls", "transport_socket"}, false);
    // The type comes first, wherever it stands: it says what becomes of names.
    if (element.node().is_map()) PeekType(element.node(), &cluster);
    ReadMap(c, element, ClusterKeys(), &cluster);
    if (cluster.endpoints.empty() && c.diagnostics().count() == before) {
      c.Add(element.key_mark, std::string(element.key) + " has no endpoints", "at least one");
    }
    if (c.diagnostics().count() == before) CheckDnsCluster(c, element, cluster);
    out->clusters.push_back(std::move(cluster));
  }
}

template <class T>
std::shared_ptr<const Node> PrintAll(const Keys<T>& keys, const std::vector<T>& items) {
  auto list = Node::Sequence({});
  for (const T& item : items) list->Add("", {}, PrintKeys(keys, item));
  return list;
}

Keys<B> StaticRows() {
  return {
      CustomKey<B>(
          "listeners", "list of listeners", ReadListeners,
          [](const B& b) { return PrintAll(ListenerKeys(), b.listeners); },
          "Where clients come in."),
      CustomKey<B>(
          "clusters", "list of clusters", ReadClusters,
          [](const B& b) { return PrintAll(ClusterKeys(), b.clusters); }, "Where requests go."),
      MissingKey<B>("secrets", "TLS"),
  };
}

Keys<B> MissingRows() {
  return {
      MissingKey<B>("dynamic_resources", "configuration by discovery (xDS)"),
      MissingKey<B>("cluster_manager", "options of the cluster manager"),
      MissingKey<B>("hds_config", "health discovery"),
      MissingKey<B>("flags_path", "flag files"),
      MissingKey<B>("stats_sinks", "stats sinks"),
      MissingKey<B>("stats_config", "options of stats"),
      MissingKey<B>("stats_flush_interval", "stats sinks"),
      MissingKey<B>("stats_flush_on_admin", "stats sinks", "false"),
      MissingKey<B>("watchdog", "watchdogs"),
      MissingKey<B>("watchdogs", "watchdogs"),
      MissingKey<B>("tracing", "tracing"),
      MissingKey<B>("enable_dispatcher_stats", "further counters", "false"),
      MissingKey<B>("header_prefix", "another prefix than x-envoy", "x-envoy"),
      MissingKey<B>("bootstrap_extensions", "bootstrap extensions"),
      MissingKey<B>("default_socket_interface", "socket interfaces"),
      MissingKey<B>("default_regex_engine", "a choice of regex engines"),
      MissingKey<B>("application_log_config", "formats of the process's own log"),
      MissingKey<B>("grpc_async_client_manager_config", "gRPC clients"),
      MissingKey<B>("memory_allocator_manager", "options of the allocator"),
      MissingKey<B>("inline_headers", "inline fields"),
      MissingKey<B>("perf_tracing_file_path", "profiles"),
  };
}

}  // namespace

const Keys<Limits>& LimitsKeys() {
  using L = Limits;
  static const Keys<L> keys = {
      IntKey("max_connections", &L::max_connections, 0, UINT32_MAX,
             "Connections of all listeners together; at the limit Weir stops accepting. 0: no "
             "limit.")
          .Limit("listener.*.downstream_global_cx_overflow"),
      BytesKey("max_memory", &L::max_memory_bytes, 0, UINT64_MAX,
               "Memory beyond which new work is refused; 0: the cgroup's limit, else none.")
          .Limit("server.overload_stop_accept"),
      BytesKey("max_body_bytes_per_worker", &L::max_body_bytes_per_worker, kMiB, kMiB * kMiB,
               "Bytes of messages that one worker holds; beyond it new requests get 503.")
          .Limit("http.*.downstream_rq_overload_close"),
      DurationKey("slow_hook", &L::slow_hook,
                  "A plugin's hook that takes longer is counted, and named in the log.")
          .Limit("plugin.*.slow_hooks"),
      DurationKey("dns_warm_timeout", &L::dns_warm_timeout,
                  "How long listeners wait for the first answers of DNS.")
          .Limit("cluster.*.warm_timeout"),
  };
  return keys;
}

const Keys<Bootstrap>& BootstrapKeys() {
  static const Keys<B> keys = [] {
    Keys<B> all = {
        CustomKey<B>(
            "admin", "admin listener", ReadAdmin,
            [](const B& b) -> std::shared_ptr<const Node> {
              return b.admin ? PrintKeys(AdminKeys(), *b.admin) : nullptr;
            },
            "Where the admin pages are served (docs/admin.md); none when absent."),
        CustomKey<B>(
            "limits", "limits",
            [](Context& c, const Field& f, B* b) { ReadMap(c, f, LimitsKeys(), &b->limits); },
            [](const B& b) { return PrintKeys(LimitsKeys(), b.limits); },
            "Limits of the whole process."),
        GroupKey<B>("static_resources", StaticRows(), "Listeners and clusters."),
        CustomKey<B>("listeners", "list of listeners", ReadListeners, nullptr,
                     "Short for static_resources.listeners.")
            .Shorthand(),
        CustomKey<B>("clusters", "list of clusters", ReadClusters, nullptr,
                     "Short for static_resources.clusters.")
            .Shorthand(),
        CustomKey<B>("layered_runtime", "mapping", ReadLayeredRuntime, nullptr,
                     "Envoy's runtime keys: static layers with "
                     "`overload.global_downstream_max_connections` (limits.max_connections) and "
                     "`envoy.resource_limits.listener.NAME.connection_limit` (a listener's).")
            .Shorthand(),
        CustomKey<B>("overload_manager", "mapping", ReadOverloadManager, nullptr,
                     "Envoy's resource monitor of downstream connections (limits.max_connections).")
            .Shorthand(),
        DescriptiveKey<B>("node", "Who this proxy is, for control planes; it has no effect."),
    };
    for (Key<B>& key : DnsBootstrapRows()) all.push_back(std::move(key));
    for (Key<B>& key : MissingRows()) all.push_back(std::move(key));
    return all;
  }();
  return keys;
}

}  // namespace weir::config
