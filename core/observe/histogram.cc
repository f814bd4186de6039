#include "core/observe/histogram.h"

#include <cstdio>

namespace weir::observe {

uint64_t HistogramTotals::count() const {
  uint64_t count = 0;
  for (const uint64_t n : buckets) count += n;
  return count;
}

double HistogramTotals::Percentile(double fraction) const {
  const double rank = static_cast<double>(count()) * fraction;
  double below = 0;
  double lower = 0;
  for (size_t i = 0; i < kHistogramBounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (here > 0 && below + here >= rank)
      return lower + (kHistogramBounds[i] - lower) * (rank - below) / here;
    below += here;
    lower = kHistogramBounds[i];
  }
  return buckets.back() > 0 ? lower : 0;
}

std::string HistogramTotals::Text() const {
  if (count() == 0) return "No recorded values";
  char text[100];
  std::snprintf(text, sizeof(text), "P50(%.7g) P90(%.7g) P99(%.7g)", Percentile(0.5),
                Percentile(0.9), Percentile(0.99));
  return text;
}

}  // namespace weir::observe
