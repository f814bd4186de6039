#include <utility>

#include "core/admin/json_writer.h"
#include "core/admin/pages.h"
#include "core/admin/prometheus.h"
#include "core/admin/stats_query.h"

namespace weir::admin {
namespace {

void WriteHistogram(const std::string& name, const observe::HistogramTotals& totals,
                    JsonWriter* out) {
  out->BeginObject();
  out->Field("name", name);
  out->Field("count", totals.count());
  out->Field("sum", totals.sum);
  constexpr std::pair<const char*, double> kShown[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}};
  for (const auto& [key, fraction] : kShown) {
    out->Key(key);
    out->Real(totals.Percentile(fraction));
  }
  out->Key("buckets");
  out->BeginArray();
  uint64_t below = 0;
  for (size_t i = 0; i < observe::kHistogramBounds.size(); ++i) {
    below += totals.buckets[i];
    out->BeginObject();
    out->Key("le");
    out->Real(observe::kHistogramBounds[i]);
    out->Field("count", below);
    out->EndObject();
  }
  out->EndArray();
  out->EndObject();
}

std::string JsonOf(const observe::StatRegistry& stats, const StatsQuery& wanted) {
  std::string text;
  std::string histograms;
  JsonWriter out(&text);
  JsonWriter histogram_out(&histograms);
  out.BeginObject();
  out.Key("stats");
  out.BeginArray();
  histogram_out.BeginArray();
  stats.ForEachInFull([&](const std::string& name, observe::StatKind kind, uint64_t value,
                          const observe::HistogramTotals* histogram) {
    if (!wanted.Keeps(name, value)) return;
    if (histogram != nullptr) return WriteHistogram(name, *histogram, &histogram_out);
    out.BeginObject();
    out.Field("name", name);
    out.Field("type", kind == observe::StatKind::kGauge ? "gauge" : "counter");
    out.Field("value", value);
    out.EndObject();
  });
  out.EndArray();
  histogram_out.EndArray();
  out.Key("histograms");
  out.Raw(histograms);
  out.EndObject();
  return text + "\n";
}

Reply PrometheusOf(const observe::StatRegistry& stats, const StatsQuery& wanted) {
  Reply reply;
  reply.content_type = kPrometheusType;
  reply.body = PrometheusText(stats, [&wanted](const std::string& name, uint64_t value) {
    return wanted.Keeps(name, value);
  });
  return reply;
}

}  // namespace

Reply StatsPage(std::string_view query, Host* host) {
  StatsQuery wanted;
  std::string error = wanted.Parse(query, {"filter", "usedonly", "format"});
  if (!error.empty()) return Answer(400, std::move(error));
  const std::string& format = wanted.query.Get("format");
  if (format == "prometheus") return PrometheusOf(host->Stats(), wanted);
  const bool json = wanted.query.WantsJson(&error);
  if (!error.empty()) return Answer(400, std::move(error));
  if (json) return AnswerJson(JsonOf(host->Stats(), wanted));
  return Answer(
      200, observe::StatsText(host->Stats(), [&wanted](const std::string& name, uint64_t value) {
        return wanted.Keeps(name, value);
      }));
}

Reply PrometheusPage(std::string_view query, Host* host) {
  StatsQuery wanted;
  std::string error = wanted.Parse(query, {"filter", "usedonly"});
  if (!error.empty()) return Answer(400, std::move(error));
  return PrometheusOf(host->Stats(), wanted);
}

}  // namespace weir::admin
