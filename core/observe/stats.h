#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/observe/histogram.h"

// Counters, gauges and histograms. Each worker adds to cells of its own block, without a lock and
// without an atomic read-modify-write; a reader sums the blocks. Names are Envoy's.

namespace weir::observe {

// One number of one block. Written by the block's own thread only; read by any. A gauge may be
// counted up on one worker and down on another: each cell wraps, their sum does not.
class Cell {
 public:
  void Add(uint64_t n = 1) { Set(value() + n); }
  void Sub(uint64_t n = 1) { Set(value() - n); }
  void Set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

enum class StatKind : uint8_t { kCounter, kGauge, kHistogram };

struct StatId {
  uint32_t index = 0;  // 0: the cell that takes what was beyond StatRegistry::kMaxStats
};

// The cells of one thread. Made by a registry, which owns it. A cell's address never changes, so
// hot code keeps the pointers.
class StatBlock {
 public:
  StatBlock() = default;
  ~StatBlock();
  StatBlock(const StatBlock&) = delete;
  StatBlock& operator=(const StatBlock&) = delete;

  // The cell, made when it is first asked for. Any thread may ask; only the block's own may write
  // to it.
  Cell* Get(StatId id);
  // The cell's number; 0 when nobody asked for the cell yet. Any thread.
  uint64_t Value(StatId id) const;

  // Records a value; id is a histogram's. With index 0 it does nothing.
  void Record(StatId histogram, uint64_t value) {
    if (histogram.index == 0) return;
    Cell* cells = Get(histogram);  // they lie side by side
    cells[HistogramBucket(value)].Add();
    cells[kHistogramBuckets].Add(value);
  }

  static constexpr uint32_t kCellsPerChunk = 512;
  static constexpr uint32_t kMaxChunks = 1024;

 private:
  struct alignas(64) Chunk {
    std::array<Cell, kCellsPerChunk> cells;
  };
  Chunk* MakeChunk(uint32_t at);

  std::array<std::atomic<Chunk*>, kMaxChunks> chunks_{};
};

// The names of all stats, and the blocks. One per process; must outlive the workers. Every function
// may be called by any thread (they lock: none belongs on the path of a request). Names stay
// defined: a cluster that goes and comes back counts on.
class StatRegistry {
 public:
  // Names beyond this share one cell that is not shown, and are counted in server.stats_refused.
  static constexpr uint32_t kMaxStats = StatBlock::kCellsPerChunk * StatBlock::kMaxChunks;

  // `max_stats` is lowered by tests.
  explicit StatRegistry(uint32_t max_stats = kMaxStats);

  // Idempotent by name; the kind of the first call stays (index 0 where a histogram is asked for
  // and the name is something else's, or the other way round). ':' and bytes that are not printable
  // become '_', so that a name from a file cannot make a line of /stats.
  StatId Define(std::string_view name, StatKind kind);
  // A block for a thread; lives as long as the registry.
  StatBlock* NewBlock();

  // Over all blocks. A gauge whose sum is below zero for the moment, because it moves while it is
  // read, is 0.
  uint64_t Sum(StatId id) const;
  // What a histogram holds; of anything else: nothing.
  HistogramTotals Histogram(StatId id) const;
  // Of a counter or gauge; 0 where there is none of the name.
  uint64_t SumByName(std::string_view name) const;
  // In the order of names. A histogram's value is how many were recorded. The lock is held for a
  // part of the names at a time, and not during the visits.
  using Visitor = std::function<void(const std::string& name, StatKind kind, uint64_t value)>;
  void ForEach(const Visitor& visit) const;
  // The same; `histogram` is null for other kinds.
  using FullVisitor = std::function<void(const std::string& name, StatKind kind, uint64_t value,
                                         const HistogramTotals* histogram)>;
  void ForEachInFull(const FullVisitor& visit) const;

  // Says that the names that begin with "scope.name." count for one thing of that name, which may
  // have dots in it: for those who take names apart.
  void NoteScope(std::string_view scope, std::string_view name);
  // Each of them as it stands in names, "cluster.app.", in order.
  std::vector<std::string> Scopes() const;
  static std::string ScopePrefix(std::string_view scope, std::string_view name);

  // Process-wide block, for what no worker owns; written by the main thread only.
  StatBlock* main_block() { return main_block_; }

 private:
  struct Stat {
    StatId id;
    StatKind kind;
  };
  StatId TakeIds(StatKind kind);
  uint64_t SumLocked(StatId id, StatKind kind) const;
  HistogramTotals TotalsLocked(StatId id) const;

  const uint32_t max_stats_;
  mutable std::mutex mutex_;
  std::map<std::string, Stat, std::less<>> by_name_;
  std::set<std::string> scopes_;
  std::vector<StatKind> kinds_;  // by id
  std::vector<std::unique_ptr<StatBlock>> blocks_;
  uint64_t refused_ = 0;
  StatBlock* main_block_;
};

// What /stats answers: "name: value" lines in the order of names; of a histogram its 50th, 90th and
// 99th percentile. A line is left out when `keep` is set and refuses it.
using StatFilter = std::function<bool(const std::string& name, uint64_t value)>;
std::string StatsText(const StatRegistry& registry, const StatFilter& keep = nullptr);

}  // namespace weir::observe
