#include "core/observe/dashboard/stat_window.h"

#include <algorithm>
#include <utility>

namespace weir::observe {

StatWindow::StatWindow(const StatRegistry* registry, std::vector<StatId> stats, StatId time)
    : registry_(registry), stats_(std::move(stats)), time_(time) {}

void StatWindow::Read(uint64_t now_ms) {
  newest_ = (newest_ + 1) % readings_.size();
  count_ = std::min(count_ + 1, readings_.size());
  Reading& reading = readings_[newest_];
  reading.at_ms = now_ms;
  reading.values.resize(stats_.size());
  for (size_t i = 0; i < stats_.size(); ++i) reading.values[i] = registry_->Sum(stats_[i]);
  if (time_.index != 0) reading.time = registry_->Histogram(time_);
}

const StatWindow::Reading& StatWindow::Back(size_t steps) const {
  return readings_[(newest_ + readings_.size() - steps) % readings_.size()];
}

uint64_t StatWindow::Value(size_t stat) const {
  return registry_->Sum(stats_[stat]);
}

double StatWindow::RateOver(size_t stat, size_t steps) const {
  if (steps == 0) return 0;
  const Reading& before = Back(steps);
  const Reading& now = Back(0);
  if (now.at_ms <= before.at_ms || now.values[stat] <= before.values[stat]) return 0;
  return static_cast<double>(now.values[stat] - before.values[stat]) * 1000 /
         static_cast<double>(now.at_ms - before.at_ms);
}

double StatWindow::Rate(size_t stat) const {
  return RateOver(stat, Steps());
}

double StatWindow::LastRate(size_t stat) const {
  return RateOver(stat, std::min<size_t>(Steps(), 1));
}

HistogramTotals StatWindow::TimeOver(size_t steps) const {
  HistogramTotals grown;
  if (steps == 0) return grown;
  const HistogramTotals& before = Back(steps).time;
  const HistogramTotals& now = Back(0).time;
  for (size_t i = 0; i < grown.buckets.size(); ++i)
    grown.buckets[i] = now.buckets[i] - std::min(now.buckets[i], before.buckets[i]);
  grown.sum = now.sum - std::min(now.sum, before.sum);
  return grown;
}

HistogramTotals StatWindow::Recent() const {
  return TimeOver(Steps());
}

HistogramTotals StatWindow::Last() const {
  return TimeOver(std::min<size_t>(Steps(), 1));
}

double StatWindow::PerSecond(uint64_t grown) const {
  const uint64_t ms = Back(0).at_ms - Back(Steps()).at_ms;
  return ms == 0 ? 0 : static_cast<double>(grown) * 1000 / static_cast<double>(ms);
}

double StatWindow::CountRate() const {
  return PerSecond(Recent().count());
}

double StatWindow::SumRate() const {
  return PerSecond(Recent().sum);
}

}  // namespace weir::observe
