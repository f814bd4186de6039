#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/observe/stats.h"

// The stats in Prometheus' text format 0.0.4, under the names and labels that Envoy gives them.

namespace weir::admin {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// A stat's name taken apart as Envoy's default tags do it.
//
//   cluster.app.upstream_rq_5xx -> envoy_cluster_upstream_rq_xx
//                                  {envoy_response_code_class="5",envoy_cluster_name="app"}
struct MetricName {
  std::string family;   // "envoy_cluster_upstream_rq_xx"
  std::string pattern;  // where it comes from: "cluster.*.upstream_rq_*xx"
  std::string labels;   // what stands between the braces; empty: none
};

// `scopes` are StatRegistry::Scopes(): they say where a name with dots in it ends.
MetricName NameMetric(std::string_view name, const std::vector<std::string>& scopes);

// All stats that `keep` keeps (null: all), family by family: each has its HELP and TYPE line once,
// and no series stands there twice.
std::string PrometheusText(const observe::StatRegistry& stats,
                           const observe::StatFilter& keep = nullptr);

}  // namespace weir::admin
