#pragma once

#include <cstddef>
#include <iterator>

#include "core/observe/stats.h"

// Which stats the dashboard follows, as tables; the enums are the places in them.

namespace weir::observe {

struct FollowedStat {
  const char* name;
  StatKind kind;
};

enum HttpStat : size_t {
  kHttpRequests,
  kHttpActive,
  kHttp4xx,
  kHttp5xx,
  kHttpReceived,
  kHttpSent,
  kHttpConnections,
  kHttpNoRoute,
};
inline constexpr FollowedStat kHttpFollowed[] = {
    {"downstream_rq_total", StatKind::kCounter},
    {"downstream_rq_active", StatKind::kGauge},
    {"downstream_rq_4xx", StatKind::kCounter},
    {"downstream_rq_5xx", StatKind::kCounter},
    {"downstream_cx_rx_bytes_total", StatKind::kCounter},
    {"downstream_cx_tx_bytes_total", StatKind::kCounter},
    {"downstream_cx_active", StatKind::kGauge},
    {"no_route", StatKind::kCounter},
};

enum TcpStat : size_t { kTcpReceived, kTcpSent, kTcpNoRoute };
inline constexpr FollowedStat kTcpFollowed[] = {
    {"downstream_cx_rx_bytes_total", StatKind::kCounter},
    {"downstream_cx_tx_bytes_total", StatKind::kCounter},
    {"downstream_cx_no_route", StatKind::kCounter},
};

enum ListenerStat : size_t { kListenerConnections, kListenerAccepted, kListenerOverflow };
inline constexpr FollowedStat kListenerFollowed[] = {
    {"downstream_cx_active", StatKind::kGauge},
    {"downstream_cx_total", StatKind::kCounter},
    {"downstream_cx_overflow", StatKind::kCounter},
};

enum ClusterStat : size_t {
  kClusterRequests,
  kClusterActive,
  kClusterPending,
  kCluster5xx,
  kClusterConnections,
  kClusterConnectFail,
  kClusterConnectTimeout,
  kClusterTimeout,
  kClusterRetry,
  kClusterReset,
  kClusterOverflow,
  kClusterPendingOverflow,
  kClusterMembers,
  kClusterHealthy,
};
inline constexpr FollowedStat kClusterFollowed[] = {
    {"upstream_rq_total", StatKind::kCounter},
    {"upstream_rq_active", StatKind::kGauge},
    {"upstream_rq_pending_active", StatKind::kGauge},
    {"upstream_rq_5xx", StatKind::kCounter},
    {"upstream_cx_active", StatKind::kGauge},
    {"upstream_cx_connect_fail", StatKind::kCounter},
    {"upstream_cx_connect_timeout", StatKind::kCounter},
    {"upstream_rq_timeout", StatKind::kCounter},
    {"upstream_rq_retry", StatKind::kCounter},
    {"upstream_rq_rx_reset", StatKind::kCounter},
    {"upstream_rq_overflow", StatKind::kCounter},
    {"upstream_rq_pending_overflow", StatKind::kCounter},
    {"membership_total", StatKind::kGauge},
    {"membership_healthy", StatKind::kGauge},
};

enum PluginStat : size_t { kPluginSlow };
inline constexpr FollowedStat kPluginFollowed[] = {
    {"slow_hooks", StatKind::kCounter},
};

static_assert(std::size(kHttpFollowed) == kHttpNoRoute + 1);
static_assert(std::size(kTcpFollowed) == kTcpNoRoute + 1);
static_assert(std::size(kListenerFollowed) == kListenerOverflow + 1);
static_assert(std::size(kClusterFollowed) == kClusterHealthy + 1);
static_assert(std::size(kPluginFollowed) == kPluginSlow + 1);

}  // namespace weir::observe
