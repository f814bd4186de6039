#pragma once

#include <cstdint>
#include <string_view>

#include "core/observe/stats.h"

// The stats that the proxy itself writes, as tables: a struct of cells is bound once per worker and
// then costs a load, an add and a store each. COUNTER(name) and GAUGE(name) are the last part of
// the stat's name, and the struct's member.

namespace weir::observe {

// http.<stat_prefix>. downstream_cx_ssl_total counts those of downstream_cx_total that came over
// TLS; the manager sees no connection before its handshake is over.
#define WEIR_HTTP_STATS(COUNTER, GAUGE)                  \
  COUNTER(downstream_cx_total)                           \
  COUNTER(downstream_cx_ssl_total)                       \
  GAUGE(downstream_cx_active)                            \
  COUNTER(downstream_cx_destroy)                         \
  COUNTER(downstream_cx_protocol_error)                  \
  COUNTER(downstream_cx_idle_timeout)                    \
  COUNTER(downstream_cx_max_duration_reached)            \
  COUNTER(downstream_cx_max_requests_reached)            \
  COUNTER(downstream_cx_drain_close)                     \
  COUNTER(downstream_cx_rx_bytes_total)                  \
  COUNTER(downstream_cx_tx_bytes_total)                  \
  COUNTER(downstream_cx_upgrades_total)                  \
  GAUGE(downstream_cx_upgrades_active)                   \
  COUNTER(downstream_flow_control_paused_reading_total)  \
  COUNTER(downstream_flow_control_resumed_reading_total) \
  COUNTER(downstream_rq_total)                           \
  GAUGE(downstream_rq_active)                            \
  COUNTER(downstream_rq_completed)                       \
  COUNTER(downstream_rq_1xx)                             \
  COUNTER(downstream_rq_2xx)                             \
  COUNTER(downstream_rq_3xx)                             \
  COUNTER(downstream_rq_4xx)                             \
  COUNTER(downstream_rq_5xx)                             \
  COUNTER(downstream_rq_rx_reset)                        \
  COUNTER(downstream_rq_tx_reset)                        \
  COUNTER(downstream_rq_too_large)                       \
  COUNTER(downstream_rq_timeout)                         \
  COUNTER(downstream_rq_header_timeout)                  \
  COUNTER(downstream_rq_idle_timeout)                    \
  COUNTER(downstream_rq_max_duration_reached)            \
  COUNTER(downstream_rq_overload_close)                  \
  COUNTER(downstream_rq_ws_on_non_ws_route)              \
  COUNTER(downstream_rq_failed_path_normalization)       \
  COUNTER(downstream_rq_rejected_underscore)             \
  COUNTER(downstream_rq_slow_body)                       \
  COUNTER(no_route)                                      \
  COUNTER(rq_total)                                      \
  COUNTER(rq_redirect)                                   \
  COUNTER(rq_direct_response)                            \
  COUNTER(rs_too_large)                                  \
  COUNTER(filter_failures)

// cluster.<name>.
#define WEIR_CLUSTER_STATS(COUNTER, GAUGE)             \
  COUNTER(upstream_cx_total)                           \
  GAUGE(upstream_cx_active)                            \
  COUNTER(upstream_cx_connect_fail)                    \
  COUNTER(upstream_cx_connect_timeout)                 \
  COUNTER(upstream_cx_connect_attempts_exceeded)       \
  COUNTER(upstream_cx_overflow)                        \
  COUNTER(upstream_cx_busy)                            \
  COUNTER(upstream_cx_none_healthy)                    \
  COUNTER(upstream_cx_max_requests)                    \
  COUNTER(upstream_cx_protocol_error)                  \
  COUNTER(upstream_cx_idle_timeout)                    \
  COUNTER(upstream_cx_destroy)                         \
  COUNTER(upstream_cx_rx_bytes_total)                  \
  COUNTER(upstream_cx_tx_bytes_total)                  \
  COUNTER(upstream_flow_control_paused_reading_total)  \
  COUNTER(upstream_flow_control_resumed_reading_total) \
  COUNTER(upstream_rq_total)                           \
  GAUGE(upstream_rq_active)                            \
  COUNTER(upstream_rq_completed)                       \
  COUNTER(upstream_rq_pending_total)                   \
  GAUGE(upstream_rq_pending_active)                    \
  COUNTER(upstream_rq_pending_overflow)                \
  COUNTER(upstream_rq_overflow)                        \
  COUNTER(upstream_rq_cancelled)                       \
  COUNTER(upstream_rq_timeout)                         \
  COUNTER(upstream_rq_retry)                           \
  COUNTER(upstream_rq_retry_success)                   \
  COUNTER(upstream_rq_rx_reset)                        \
  COUNTER(upstream_rq_tx_reset)                        \
  COUNTER(upstream_rq_1xx)                             \
  COUNTER(upstream_rq_2xx)                             \
  COUNTER(upstream_rq_3xx)                             \
  COUNTER(upstream_rq_4xx)                             \
  COUNTER(upstream_rq_5xx)                             \
  GAUGE(membership_total)                              \
  GAUGE(membership_healthy)

// listener.<name>.
#define WEIR_LISTENER_STATS(COUNTER, GAUGE) \
  COUNTER(downstream_cx_total)              \
  GAUGE(downstream_cx_active)               \
  COUNTER(downstream_cx_destroy)            \
  COUNTER(downstream_cx_overflow)           \
  COUNTER(downstream_global_cx_overflow)    \
  COUNTER(downstream_accept_failed)         \
  GAUGE(downstream_pre_cx_active)           \
  COUNTER(downstream_pre_cx_timeout)        \
  COUNTER(downstream_cx_transport_socket_connect_timeout)

// listener.<name>.ssl. and cluster.<name>.ssl. handshake counts those that succeeded,
// connection_error failures that are no failed verification, control_flood connections that asked
// for new keys too often.
#define WEIR_TLS_STATS(COUNTER, GAUGE) \
  COUNTER(handshake)                   \
  COUNTER(connection_error)            \
  COUNTER(session_reused)              \
  COUNTER(no_certificate)              \
  COUNTER(fail_verify_no_cert)         \
  COUNTER(fail_verify_error)           \
  COUNTER(fail_verify_san)             \
  COUNTER(control_flood)

// tcp.<stat_prefix>.
#define WEIR_TCP_STATS(COUNTER, GAUGE)                   \
  COUNTER(downstream_cx_total)                           \
  GAUGE(downstream_cx_active)                            \
  COUNTER(downstream_cx_no_route)                        \
  COUNTER(downstream_cx_drain_close)                     \
  COUNTER(downstream_cx_rx_bytes_total)                  \
  COUNTER(downstream_cx_tx_bytes_total)                  \
  COUNTER(downstream_flow_control_paused_reading_total)  \
  COUNTER(downstream_flow_control_resumed_reading_total) \
  COUNTER(idle_timeout)

// server. Those that describe the process are written on the main thread's block; memory_pinned and
// total_connections are summed over the workers.
#define WEIR_SERVER_STATS(COUNTER, GAUGE) \
  GAUGE(live)                             \
  GAUGE(state)                            \
  GAUGE(uptime)                           \
  GAUGE(concurrency)                      \
  GAUGE(total_connections)                \
  GAUGE(memory_resident)                  \
  GAUGE(memory_pinned)                    \
  COUNTER(overload_stop_accept)           \
  COUNTER(out_of_descriptors)

// access_log. `written` counts lines given to the kernel; `dropped` those for which there was no
// room or no device, `truncated` those with a value cut to its limit; `write_failed` and
// `reopen_failed` count system calls.
#define WEIR_ACCESS_LOG_STATS(COUNTER, GAUGE) \
  COUNTER(logged)                             \
  COUNTER(written)                            \
  COUNTER(dropped)                            \
  COUNTER(truncated)                          \
  COUNTER(write_failed)                       \
  COUNTER(reopen_failed)

#define WEIR_STAT_MEMBER(name) Cell* name = nullptr;

// A histogram of milliseconds. Unbound it takes nothing.
struct TimeStat {
  StatBlock* block = nullptr;
  StatId id;
  void Record(uint64_t ms) const {
    if (block != nullptr) block->Record(id, ms);
  }
};

struct HttpStats {
  WEIR_HTTP_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
  TimeStat downstream_cx_length_ms;  // of a connection's life
  TimeStat downstream_rq_time;       // from a request's head to the end of the answer; no tunnels
  // Adds to downstream_rq_1xx … 5xx.
  void CountResponse(uint32_t status) const;
};
struct ClusterStats {
  WEIR_CLUSTER_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
  TimeStat upstream_cx_connect_ms;  // from the dial until streams can be opened
  TimeStat upstream_cx_length_ms;   // of the life of one that was connected
  TimeStat upstream_rq_time;        // from the first attempt to the end of the answer; no tunnels
  // Adds to upstream_rq_1xx … 5xx.
  void CountResponse(uint32_t status) const;
};
struct ListenerStats {
  WEIR_LISTENER_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
};
struct TlsStats {
  WEIR_TLS_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
};
struct TcpStats {
  WEIR_TCP_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
};
struct ServerStats {
  WEIR_SERVER_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
};
struct AccessLogStats {
  WEIR_ACCESS_LOG_STATS(WEIR_STAT_MEMBER, WEIR_STAT_MEMBER)
};
#undef WEIR_STAT_MEMBER

// Defines the names and finds the cells in `block`. Any thread; the cells live as long as the
// registry. Slow: once per worker and configured object.
HttpStats BindHttpStats(StatRegistry* registry, StatBlock* block, std::string_view stat_prefix);
ClusterStats BindClusterStats(StatRegistry* registry, StatBlock* block, std::string_view cluster);
ListenerStats BindListenerStats(StatRegistry* registry, StatBlock* block,
                                std::string_view listener);
// scope: "listener" or "cluster".
TlsStats BindTlsStats(StatRegistry* registry, StatBlock* block, std::string_view scope,
                      std::string_view name);
TcpStats BindTcpStats(StatRegistry* registry, StatBlock* block, std::string_view stat_prefix);
ServerStats BindServerStats(StatRegistry* registry, StatBlock* block);
AccessLogStats BindAccessLogStats(StatRegistry* registry, StatBlock* block);

}  // namespace weir::observe
