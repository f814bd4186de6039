#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

// Histograms: how often values fell into each bucket, and their sum. The bounds are Envoy's default
// ones, in milliseconds where a histogram's name says nothing else. Values are whole numbers, so
// that 0 is all that the first bucket (up to 0.5) takes.

namespace weir::observe {

// A bucket takes the values up to its bound, that included; the last one takes all greater ones.
inline constexpr std::array<double, 19> kHistogramBounds = {
    0.5,  1,    5,     10,    25,    50,     100,    250,     500,    1000,
    2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000};
inline constexpr uint32_t kHistogramBuckets = static_cast<uint32_t>(kHistogramBounds.size()) + 1;
// Cells of a block that one histogram takes: its buckets, and the sum.
inline constexpr uint32_t kHistogramCells = kHistogramBuckets + 1;

inline uint32_t HistogramBucket(uint64_t value) {
  constexpr std::array<uint64_t, 19> kWhole = {0,     1,      5,      10,      25,     50,    100,
                                               250,   500,    1000,   2500,    5000,   10000, 30000,
                                               60000, 300000, 600000, 1800000, 3600000};
  uint32_t bucket = 0;
  while (bucket < kWhole.size() && value > kWhole[bucket]) ++bucket;
  return bucket;
}

// What a histogram holds at one moment, over all blocks.
struct HistogramTotals {
  std::array<uint64_t, kHistogramBuckets> buckets{};
  uint64_t sum = 0;

  uint64_t count() const;
  // The value that `fraction` (0 to 1) of those recorded do not exceed, by linear interpolation
  // inside its bucket; beyond the last bound that bound. 0 when nothing was recorded.
  double Percentile(double fraction) const;
  // "P50(0.25) P90(4.2) P99(9)", or "No recorded values".
  std::string Text() const;
};

}  // namespace weir::observe
