#include "core/observe/stat_names.h"

#include <string>

namespace weir::observe {
namespace {

struct Binder {
  StatRegistry* registry;
  StatBlock* block;
  std::string prefix;

  Cell* Bind(std::string_view name, StatKind kind) const {
    return block->Get(registry->Define(prefix + std::string(name), kind));
  }
  TimeStat BindTime(std::string_view name) const {
    return {block, registry->Define(prefix + std::string(name), StatKind::kHistogram)};
  }
};

Binder BinderFor(StatRegistry* registry, StatBlock* block, std::string_view scope,
                 std::string_view name) {
  std::string prefix(scope);
  prefix += '.';
  if (!name.empty()) prefix.append(name).append(".");
  return Binder{registry, block, std::move(prefix)};
}

// A status outside 100 … 599 has no class, and is counted nowhere.
void Count(uint32_t status, Cell* const (&classes)[5]) {
  const uint32_t at = status / 100 - 1;
  if (at < 5) classes[at]->Add();
}

}  // namespace

#define WEIR_BIND_COUNTER(name) stats.name = binder.Bind(#name, StatKind::kCounter);
#define WEIR_BIND_GAUGE(name) stats.name = binder.Bind(#name, StatKind::kGauge);

HttpStats BindHttpStats(StatRegistry* registry, StatBlock* block, std::string_view stat_prefix) {
  registry->NoteScope("http", stat_prefix);
  const Binder binder = BinderFor(registry, block, "http", stat_prefix);
  HttpStats stats;
  WEIR_HTTP_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  stats.downstream_cx_length_ms = binder.BindTime("downstream_cx_length_ms");
  stats.downstream_rq_time = binder.BindTime("downstream_rq_time");
  return stats;
}

ClusterStats BindClusterStats(StatRegistry* registry, StatBlock* block, std::string_view cluster) {
  registry->NoteScope("cluster", cluster);
  const Binder binder = BinderFor(registry, block, "cluster", cluster);
  ClusterStats stats;
  WEIR_CLUSTER_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  stats.upstream_cx_connect_ms = binder.BindTime("upstream_cx_connect_ms");
  stats.upstream_cx_length_ms = binder.BindTime("upstream_cx_length_ms");
  stats.upstream_rq_time = binder.BindTime("upstream_rq_time");
  return stats;
}

ListenerStats BindListenerStats(StatRegistry* registry, StatBlock* block,
                                std::string_view listener) {
  registry->NoteScope("listener", listener);
  const Binder binder = BinderFor(registry, block, "listener", listener);
  ListenerStats stats;
  WEIR_LISTENER_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  return stats;
}

TlsStats BindTlsStats(StatRegistry* registry, StatBlock* block, std::string_view scope,
                      std::string_view name) {
  const Binder binder = BinderFor(registry, block, scope, std::string(name) + ".ssl");
  TlsStats stats;
  WEIR_TLS_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  return stats;
}

TcpStats BindTcpStats(StatRegistry* registry, StatBlock* block, std::string_view stat_prefix) {
  registry->NoteScope("tcp", stat_prefix);
  const Binder binder = BinderFor(registry, block, "tcp", stat_prefix);
  TcpStats stats;
  WEIR_TCP_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  return stats;
}

ServerStats BindServerStats(StatRegistry* registry, StatBlock* block) {
  const Binder binder = BinderFor(registry, block, "server", "");
  ServerStats stats;
  WEIR_SERVER_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  return stats;
}

AccessLogStats BindAccessLogStats(StatRegistry* registry, StatBlock* block) {
  const Binder binder = BinderFor(registry, block, "access_log", "");
  AccessLogStats stats;
  WEIR_ACCESS_LOG_STATS(WEIR_BIND_COUNTER, WEIR_BIND_GAUGE)
  return stats;
}

#undef WEIR_BIND_COUNTER
#undef WEIR_BIND_GAUGE

void HttpStats::CountResponse(uint32_t status) const {
  Count(status, {downstream_rq_1xx, downstream_rq_2xx, downstream_rq_3xx, downstream_rq_4xx,
                 downstream_rq_5xx});
}

void ClusterStats::CountResponse(uint32_t status) const {
  Count(status,
        {upstream_rq_1xx, upstream_rq_2xx, upstream_rq_3xx, upstream_rq_4xx, upstream_rq_5xx});
}

}  // namespace weir::observe
