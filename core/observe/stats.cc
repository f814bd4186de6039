#include "core/observe/stats.h"

#include <algorithm>
#include <cassert>

namespace weir::observe {
namespace {

constexpr std::string_view kRefusedName = "server.stats_refused";

std::string Printable(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(),
      [](char c) {
        return c == ':' || static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7f;
      },
      '_');
  return text;
}

}  // namespace

StatBlock::~StatBlock() {
  for (auto& chunk : chunks_) delete chunk.load(std::memory_order_relaxed);
}

Cell* StatBlock::Get(StatId id) {
  const uint32_t at = id.index / kCellsPerChunk;
  assert(at < kMaxChunks);
  Chunk* chunk = chunks_[at].load(std::memory_order_acquire);
  if (chunk == nullptr) chunk = MakeChunk(at);
  return &chunk->cells[id.index % kCellsPerChunk];
}

StatBlock::Chunk* StatBlock::MakeChunk(uint32_t at) {
  auto made = std::make_unique<Chunk>();
  Chunk* there = nullptr;
  // Two threads may race here; the one that loses takes the winner's.
  if (!chunks_[at].compare_exchange_strong(there, made.get(), std::memory_order_acq_rel))
    return there;
  return made.release();
}

uint64_t StatBlock::Value(StatId id) const {
  const Chunk* chunk = chunks_[id.index / kCellsPerChunk].load(std::memory_order_acquire);
  return chunk == nullptr ? 0 : chunk->cells[id.index % kCellsPerChunk].value();
}

StatRegistry::StatRegistry(uint32_t max_stats)
    : max_stats_(std::clamp(max_stats, 2U, kMaxStats)), kinds_(1, StatKind::kCounter) {
  main_block_ = NewBlock();
  Define(kRefusedName, StatKind::kCounter);
}

StatId StatRegistry::Define(std::string_view name, StatKind kind) {
  std::string text = Printable(name);
  const std::lock_guard lock(mutex_);
  if (auto found = by_name_.find(text); found != by_name_.end()) {
    const bool same =
        (found->second.kind == StatKind::kHistogram) == (kind == StatKind::kHistogram);
    return same ? found->second.id : StatId{};
  }
  const StatId id = TakeIds(kind);
  if (id.index == 0) {
    ++refused_;
    return id;
  }
  by_name_.emplace(std::move(text), Stat{id, kind});
  return id;
}

// A histogram's cells stand in one chunk, side by side.
StatId StatRegistry::TakeIds(StatKind kind) {
  const size_t count = kind == StatKind::kHistogram ? kHistogramCells : 1;
  const size_t in_chunk = kinds_.size() % StatBlock::kCellsPerChunk;
  const bool skip = in_chunk + count > StatBlock::kCellsPerChunk;
  const size_t at = kinds_.size() + (skip ? StatBlock::kCellsPerChunk - in_chunk : 0);
  if (at + count > max_stats_) return StatId{};
  kinds_.resize(at, StatKind::kCounter);
  kinds_.resize(at + count, kind);
  return StatId{static_cast<uint32_t>(at)};
}

StatBlock* StatRegistry::NewBlock() {
  const std::lock_guard lock(mutex_);
  return blocks_.emplace_back(std::make_unique<StatBlock>()).get();
}

HistogramTotals StatRegistry::TotalsLocked(StatId id) const {
  HistogramTotals totals;
  for (const auto& block : blocks_) {
    for (uint32_t i = 0; i < kHistogramBuckets; ++i)
      totals.buckets[i] += block->Value({id.index + i});
    totals.sum += block->Value({id.index + kHistogramBuckets});
  }
  return totals;
}

uint64_t StatRegistry::SumLocked(StatId id, StatKind kind) const {
  if (kind == StatKind::kHistogram) return TotalsLocked(id).count();
  uint64_t sum = 0;
  for (const auto& block : blocks_) sum += block->Value(id);
  return kind == StatKind::kGauge && static_cast<int64_t>(sum) < 0 ? 0 : sum;
}

uint64_t StatRegistry::Sum(StatId id) const {
  const std::lock_guard lock(mutex_);
  return id.index < kinds_.size() ? SumLocked(id, kinds_[id.index]) : 0;
}

HistogramTotals StatRegistry::Histogram(StatId id) const {
  const std::lock_guard lock(mutex_);
  const bool is = id.index < kinds_.size() && kinds_[id.index] == StatKind::kHistogram;
  return is ? TotalsLocked(id) : HistogramTotals{};
}

void StatRegistry::ForEach(const Visitor& visit) const {
  ForEachInFull([&visit](const std::string& name, StatKind kind, uint64_t value,
                         const HistogramTotals*) { visit(name, kind, value); });
}

// In parts: whoever defines a name meanwhile does not wait for the whole.
void StatRegistry::ForEachInFull(const FullVisitor& visit) const {
  struct Row {
    std::string name;
    StatKind kind;
    uint64_t value;
    HistogramTotals totals;
  };
  constexpr size_t kRowsPerPart = 256;
  std::vector<Row> rows;
  std::string last;
  do {
    rows.clear();
    {
      const std::lock_guard lock(mutex_);
      auto at = last.empty() ? by_name_.begin() : by_name_.upper_bound(last);
      for (; at != by_name_.end() && rows.size() < kRowsPerPart; ++at) {
        const auto& [name, stat] = *at;
        Row& row = rows.emplace_back(Row{name, stat.kind, 0, {}});
        if (stat.kind == StatKind::kHistogram) {
          row.totals = TotalsLocked(stat.id);
          row.value = row.totals.count();
        } else {
          row.value = name == kRefusedName ? refused_ : SumLocked(stat.id, stat.kind);
        }
      }
    }
    for (const Row& row : rows)
      visit(row.name, row.kind, row.value,
            row.kind == StatKind::kHistogram ? &row.totals : nullptr);
    if (!rows.empty()) last = rows.back().name;
  } while (rows.size() == kRowsPerPart);
}

uint64_t StatRegistry::SumByName(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? 0 : SumLocked(found->second.id, found->second.kind);
}

std::string StatRegistry::ScopePrefix(std::string_view scope, std::string_view name) {
  return Printable(scope) + "." + Printable(name) + ".";
}

void StatRegistry::NoteScope(std::string_view scope, std::string_view name) {
  std::string prefix = ScopePrefix(scope, name);
  const std::lock_guard lock(mutex_);
  scopes_.insert(std::move(prefix));
}

std::vector<std::string> StatRegistry::Scopes() const {
  const std::lock_guard lock(mutex_);
  return {scopes_.begin(), scopes_.end()};
}

std::string StatsText(const StatRegistry& registry, const StatFilter& keep) {
  std::string text;
  registry.ForEachInFull(
      [&](const std::string& name, StatKind, uint64_t value, const HistogramTotals* histogram) {
        if (keep && !keep(name, value)) return;
        text += name;
        text += ": ";
        text += histogram != nullptr ? histogram->Text() : std::to_string(value);
        text += '\n';
      });
  return text;
}

}  // namespace weir::observe
