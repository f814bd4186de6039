#include "core/admin/prometheus.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

namespace weir::admin {
namespace {

using observe::HistogramTotals;
using observe::StatKind;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// What Envoy's tags take out of a name is not part of the metric's name.
struct Label {
  std::string_view name;
  std::string_view value;
};

// Which labels stand for the second part of a name, by its first.
struct Scope {
  std::string_view first;
  std::string_view label;
};
constexpr Scope kScopes[] = {
    {"cluster", "envoy_cluster_name"},
    {"http", "envoy_http_conn_manager_prefix"},
    {"listener", "envoy_listener_address"},
    {"tcp", "envoy_tcp_prefix"},
    {"connection_limit", "envoy_connection_limit_prefix"},
    {"local_rate_limit", "envoy_local_network_ratelimit_prefix"},
    {"ratelimit", "envoy_ratelimit_prefix"},
    {"plugin", "weir_plugin"},
};
constexpr std::string_view kHttpLocalLimit = ".http_local_rate_limit.";

void AppendSanitized(std::string_view text, std::string* out) {
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_';
    *out += good ? c : '_';
  }
}

void AppendLabel(const Label& label, std::string* out) {
  if (!out->empty()) *out += ',';
  out->append(label.name);
  *out += "=\"";
  for (const char c : label.value) {
    if (c == '"' || c == '\\') *out += '\\';
    *out += c;
  }
  *out += '"';
}

// How much of `name`, behind its first part, is the name of the thing that it counts for: up to the
// end of the longest known scope, else up to the next dot.
size_t ScopeEnd(std::string_view name, size_t first, const std::vector<std::string>& scopes) {
  for (size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > first;
       dot = name.rfind('.', dot - 1)) {
    if (std::binary_search(scopes.begin(), scopes.end(), name.substr(0, dot + 1))) return dot;
  }
  return name.find('.', first + 1);
}

// Cuts "upstream_rq_5xx" and "upstream_rq_503" into the family's part and the label.
std::optional<Label> CutResponseCode(std::string_view* rest) {
  const size_t size = rest->size();
  if (size < 7 || rest->substr(size - 7, 4) != "_rq_" || !IsDigit((*rest)[size - 3]))
    return std::nullopt;
  const std::string_view code = rest->substr(size - 3);
  if (code.substr(1) == "xx") {
    rest->remove_suffix(3);
    return Label{"envoy_response_code_class", code.substr(0, 1)};
  }
  if (!IsDigit(code[1]) || !IsDigit(code[2])) return std::nullopt;
  rest->remove_suffix(4);
  return Label{"envoy_response_code", code};
}

void FinishName(std::string_view first, std::string_view rest, const Label* scope,
                MetricName* metric) {
  const std::optional<Label> code = CutResponseCode(&rest);
  const bool by_class = code && code->name == "envoy_response_code_class";
  if (code) AppendLabel(*code, &metric->labels);
  if (scope != nullptr) AppendLabel(*scope, &metric->labels);
  metric->family = "envoy_";
  if (!first.empty()) {
    AppendSanitized(first, &metric->family);
    metric->family += '_';
  }
  AppendSanitized(rest, &metric->family);
  metric->pattern += rest;
  if (by_class) {
    metric->family += "xx";
    metric->pattern += "*xx";
  } else if (code) {
    metric->pattern += "_*";
  }
}

// One metric and its series, by their labels.
struct Series {
  uint64_t value = 0;
  std::optional<HistogramTotals> histogram;
};
struct Family {
  StatKind kind = StatKind::kCounter;
  std::string pattern;
  std::map<std::string, Series> series;
};

const char* TypeName(StatKind kind) {
  switch (kind) {
    case StatKind::kCounter:
      return "counter";
    case StatKind::kGauge:
      return "gauge";
    case StatKind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

void AppendSample(const std::string& name, std::string_view suffix, const std::string& labels,
                  uint64_t value, std::string* out) {
  *out += name;
  *out += suffix;
  *out += '{';
  *out += labels;
  *out += "} ";
  *out += std::to_string(value);
  *out += '\n';
}

void AppendHistogram(const std::string& name, const std::string& labels,
                     const HistogramTotals& totals, std::string* out) {
  const std::string before = labels.empty() ? "" : labels + ",";
  uint64_t below = 0;
  for (size_t i = 0; i < observe::kHistogramBounds.size(); ++i) {
    below += totals.buckets[i];
    char bound[40];
    std::snprintf(bound, sizeof(bound), "le=\"%.7g\"", observe::kHistogramBounds[i]);
    AppendSample(name, "_bucket", before + bound, below, out);
  }
  AppendSample(name, "_bucket", before + "le=\"+Inf\"", totals.count(), out);
  AppendSample(name, "_sum", labels, totals.sum, out);
  AppendSample(name, "_count", labels, totals.count(), out);
}

void AppendFamily(const std::string& name, const Family& family, std::string* out) {
  *out += "# HELP " + name + " " + family.pattern + "\n";
  *out += "# TYPE " + name + " " + TypeName(family.kind) + "\n";
  for (const auto& [labels, series] : family.series) {
    if (series.histogram) {
      AppendHistogram(name, labels, *series.histogram, out);
    } else {
      AppendSample(name, "", labels, series.value, out);
    }
  }
}

}  // namespace

MetricName NameMetric(std::string_view name, const std::vector<std::string>& scopes) {
  MetricName metric;
  const size_t dot = name.find('.');
  const std::string_view first = name.substr(0, dot);
  const auto* scope = std::find_if(std::begin(kScopes), std::end(kScopes),
                                   [first](const Scope& s) { return s.first == first; });
  const size_t end = scope == std::end(kScopes) || dot == std::string_view::npos
                         ? std::string_view::npos
                         : ScopeEnd(name, dot, scopes);
  if (end != std::string_view::npos) {
    const Label label{scope->label, name.substr(dot + 1, end - dot - 1)};
    metric.pattern = std::string(first) + ".*.";
    FinishName(first, name.substr(end + 1), &label, &metric);
    return metric;
  }
  if (const size_t limit = name.find(kHttpLocalLimit); limit != std::string_view::npos) {
    const Label label{"envoy_local_http_ratelimit_prefix", name.substr(0, limit)};
    metric.pattern = "*.";
    FinishName("", name.substr(limit + 1), &label, &metric);
    return metric;
  }
  FinishName("", name, nullptr, &metric);
  return metric;
}

std::string PrometheusText(const observe::StatRegistry& stats, const observe::StatFilter& keep) {
  const std::vector<std::string> scopes = stats.Scopes();
  std::map<std::string, Family> families;
  stats.ForEachInFull([&](const std::string& name, StatKind kind, uint64_t value,
                          const HistogramTotals* histogram) {
    if (keep && !keep(name, value)) return;
    MetricName metric = NameMetric(name, scopes);
    auto found = families.try_emplace(metric.family, Family{kind, metric.pattern, {}}).first;
    // One name has one type: where two stats differ only in what the sanitizing took away, the
    // second one's kind is in its name.
    if (found->second.kind != kind) {
      found =
          families
              .try_emplace(metric.family + "_" + TypeName(kind), Family{kind, metric.pattern, {}})
              .first;
    }
    Series& series = found->second.series[metric.labels];
    if (histogram == nullptr) {
      series.value += value;
    } else if (!series.histogram) {
      series.histogram = *histogram;
    }
  });
  std::string text;
  for (const auto& [name, family] : families) AppendFamily(name, family, &text);
  return text;
}

}  // namespace weir::admin
