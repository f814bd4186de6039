#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/observe/stats.h"

namespace weir::observe {

// The last few readings of some counters, gauges and one histogram: how fast they grow, and what
// was recorded lately. Belongs to one thread.
class StatWindow {
 public:
  // How many steps between readings a rate looks back over, at most.
  static constexpr size_t kSteps = 5;

  // `time` may have index 0: then there is no histogram.
  StatWindow(const StatRegistry* registry, std::vector<StatId> stats, StatId time);

  // Reads them all. `now_ms` never goes back.
  void Read(uint64_t now_ms);

  // As it is now, whatever was read.
  uint64_t Value(size_t stat) const;
  // Growth a second over the window; 0 until there are two readings. A stat that shrank, which only
  // a gauge does, has none.
  double Rate(size_t stat) const;
  // The same between the last two readings.
  double LastRate(size_t stat) const;
  // What the histogram took over the window, and between the last two readings.
  HistogramTotals Recent() const;
  HistogramTotals Last() const;
  // How many values it took, and their sum, a second, over the window.
  double CountRate() const;
  double SumRate() const;

 private:
  struct Reading {
    uint64_t at_ms = 0;
    std::vector<uint64_t> values;
    HistogramTotals time;
  };
  const Reading& Back(size_t steps) const;
  double RateOver(size_t stat, size_t steps) const;
  HistogramTotals TimeOver(size_t steps) const;
  double PerSecond(uint64_t grown) const;
  size_t Steps() const { return count_ == 0 ? 0 : count_ - 1; }

  const StatRegistry* registry_;
  std::vector<StatId> stats_;
  StatId time_;
  std::array<Reading, kSteps + 1> readings_;  // a ring
  size_t newest_ = 0;
  size_t count_ = 0;
};

}  // namespace weir::observe
