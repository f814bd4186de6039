#include "core/observe/stats.h"

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/observe/stat_names.h"

namespace weir::observe {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Stats, DefineIsIdempotentByName) {
  StatRegistry registry;
  const StatId a = registry.Define("http.in.downstream_rq_total", StatKind::kCounter);
  const StatId b = registry.Define("http.in.downstream_rq_active", StatKind::kGauge);
  EXPECT_NE(a.index, b.index);
  EXPECT_EQ(registry.Define("http.in.downstream_rq_total", StatKind::kCounter).index, a.index);
}

TEST(Stats, SumAddsTheBlocks) {
  StatRegistry registry;
  const StatId id = registry.Define("a", StatKind::kCounter);
  StatBlock* one = registry.NewBlock();
  StatBlock* two = registry.NewBlock();
  registry.NewBlock();  // of a worker that never used the stat
  one->Get(id)->Add(3);
  two->Get(id)->Add(4);
  two->Get(id)->Sub(1);
  EXPECT_EQ(registry.Sum(id), 6U);
}

TEST(Stats, GaugeThatIsRaisedOnOneWorkerAndLoweredOnAnotherSumsUp) {
  StatRegistry registry;
  const StatId id = registry.Define("g", StatKind::kGauge);
  Cell* up = registry.NewBlock()->Get(id);
  Cell* down = registry.NewBlock()->Get(id);
  down->Sub(2);
  EXPECT_EQ(registry.Sum(id), 0U) << "below zero for the moment";
  up->Add(5);
  EXPECT_EQ(registry.Sum(id), 3U);
}

TEST(Stats, CellsKeepTheirAddressesAsMoreAreDefined) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  const StatId first = registry.Define("first", StatKind::kCounter);
  Cell* cell = block->Get(first);
  cell->Add(7);
  for (uint32_t i = 0; i < StatBlock::kCellsPerChunk * 3; ++i) {
    const StatId id = registry.Define("stat." + std::to_string(i), StatKind::kCounter);
    block->Get(id)->Add(i);
    ASSERT_EQ(registry.Sum(id), i);
  }
  EXPECT_EQ(block->Get(first), cell);
  EXPECT_EQ(registry.Sum(first), 7U);
}

TEST(Stats, ForEachGoesInTheOrderOfNames) {
  StatRegistry registry;
  registry.Define("b.y", StatKind::kGauge);
  registry.Define("a.x", StatKind::kCounter);
  registry.Define("c", StatKind::kCounter);
  std::vector<std::string> names;
  registry.ForEach([&](const std::string& name, StatKind, uint64_t) { names.push_back(name); });
  EXPECT_THAT(names, testing::ElementsAre("a.x", "b.y", "c", "server.stats_refused"));
}

TEST(Stats, NameFromAFileCannotMakeALine) {
  StatRegistry registry;
  registry.Define("cluster.x: 1\nserver.live: 9\x7f.y", StatKind::kCounter);
  EXPECT_THAT(StatsText(registry), HasSubstr("cluster.x__1_server.live__9_.y: 0\n"));
}

TEST(Stats, NamesBeyondTheLimitAreRefusedAndCounted) {
  StatRegistry registry(4);  // the sink, server.stats_refused and two more
  StatBlock* block = registry.NewBlock();
  const StatId a = registry.Define("a", StatKind::kCounter);
  const StatId b = registry.Define("b", StatKind::kCounter);
  const StatId c = registry.Define("c", StatKind::kCounter);
  block->Get(a)->Add(1);
  block->Get(b)->Add(2);
  block->Get(c)->Add(4);
  EXPECT_EQ(StatsText(registry), "a: 1\nb: 2\nserver.stats_refused: 1\n");
}

TEST(Stats, TextLeavesOutWhatTheFilterRefuses) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  block->Get(registry.Define("a", StatKind::kCounter))->Add(1);
  registry.Define("b", StatKind::kCounter);
  EXPECT_EQ(StatsText(registry, [](const std::string&, uint64_t value) { return value != 0; }),
            "a: 1\n");
}

TEST(Histograms, AValueUpToABoundIsInItsBucket) {
  EXPECT_EQ(HistogramBucket(0), 0u);
  EXPECT_EQ(HistogramBucket(1), 1u);
  EXPECT_EQ(HistogramBucket(2), 2u);
  EXPECT_EQ(HistogramBucket(5), 2u);
  EXPECT_EQ(HistogramBucket(6), 3u);
  EXPECT_EQ(HistogramBucket(3'600'000), 18u);
  EXPECT_EQ(HistogramBucket(3'600'001), 19u);
  EXPECT_EQ(HistogramBucket(UINT64_MAX), 19u);
}

TEST(Histograms, BlocksAreSummed) {
  StatRegistry registry;
  const StatId id = registry.Define("h", StatKind::kHistogram);
  StatBlock* one = registry.NewBlock();
  StatBlock* two = registry.NewBlock();
  registry.NewBlock();
  one->Record(id, 3);
  one->Record(id, 7);
  two->Record(id, 3);
  two->Record({0}, 1000);
  const HistogramTotals totals = registry.Histogram(id);
  EXPECT_EQ(totals.count(), 3u);
  EXPECT_EQ(totals.sum, 13u);
  EXPECT_EQ(totals.buckets[2], 2u);
  EXPECT_EQ(totals.buckets[3], 1u);
  EXPECT_EQ(registry.Sum(id), 3u);
}

TEST(Histograms, PercentilesAreInterpolatedInsideOfABucket) {
  HistogramTotals totals;
  EXPECT_EQ(totals.Percentile(0.5), 0);
  totals.buckets[2] = 100;  // above 1, up to 5
  EXPECT_DOUBLE_EQ(totals.Percentile(0.5), 3);
  EXPECT_DOUBLE_EQ(totals.Percentile(1), 5);
  totals.buckets[0] = 100;
  EXPECT_DOUBLE_EQ(totals.Percentile(0.5), 0.5);
  EXPECT_DOUBLE_EQ(totals.Percentile(0.75), 3);
  totals.buckets[19] = 200;
  EXPECT_DOUBLE_EQ(totals.Percentile(0.99), 3'600'000);
  EXPECT_DOUBLE_EQ(totals.Percentile(0.25), 0.5);
}

TEST(Histograms, TheTextShowsPercentilesAmongTheOthersInOrder) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  block->Get(registry.Define("a", StatKind::kCounter))->Add(1);
  registry.Define("empty", StatKind::kHistogram);
  const StatId id = registry.Define("h", StatKind::kHistogram);
  registry.Define("z", StatKind::kGauge);
  for (int i = 0; i < 100; ++i) block->Record(id, 5);
  EXPECT_EQ(StatsText(registry),
            "a: 1\nempty: No recorded values\nh: P50(3) P90(4.6) P99(4.96)\n"
            "server.stats_refused: 0\nz: 0\n");
  EXPECT_EQ(StatsText(registry, [](const std::string&, uint64_t value) { return value != 0; }),
            "a: 1\nh: P50(3) P90(4.6) P99(4.96)\n");
}

TEST(Histograms, NoneTakesAnothersCells) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  // More than fit into a chunk, with counters between them.
  std::vector<StatId> histograms;
  std::vector<StatId> counters;
  for (int i = 0; i < 200; ++i) {
    histograms.push_back(registry.Define("h" + std::to_string(i), StatKind::kHistogram));
    counters.push_back(registry.Define("c" + std::to_string(i), StatKind::kCounter));
  }
  for (const StatId id : histograms) {
    for (uint64_t value = 1; value < 10'000'000; value = value * 3 / 2 + 1)
      block->Record(id, value);
  }
  for (const StatId id : counters) EXPECT_EQ(registry.Sum(id), 0u);
  for (const StatId id : histograms) {
    EXPECT_EQ(registry.Histogram(id).count(), registry.Histogram(histograms[0]).count());
    EXPECT_EQ(registry.Histogram(id).sum, registry.Histogram(histograms[0]).sum);
  }
}

TEST(Histograms, ANameIsOfOneKind) {
  StatRegistry registry;
  const StatId id = registry.Define("h", StatKind::kHistogram);
  EXPECT_EQ(registry.Define("h", StatKind::kHistogram).index, id.index);
  EXPECT_EQ(registry.Define("h", StatKind::kCounter).index, 0u);
  registry.Define("c", StatKind::kCounter);
  EXPECT_EQ(registry.Define("c", StatKind::kHistogram).index, 0u);
}

TEST(Histograms, OneBeyondTheLimitIsRefusedAndCounted) {
  StatRegistry registry(22);
  EXPECT_EQ(registry.Define("h", StatKind::kHistogram).index, 0u);
  registry.NewBlock()->Record({0}, 1);
  EXPECT_EQ(StatsText(registry), "server.stats_refused: 1\n");
}

TEST(StatNames, BindMakesEnvoysNames) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  HttpStats http = BindHttpStats(&registry, block, "ingress");
  ClusterStats cluster = BindClusterStats(&registry, block, "app");
  ListenerStats listener = BindListenerStats(&registry, block, "0.0.0.0:8080");
  ServerStats server = BindServerStats(&registry, registry.main_block());
  TcpStats tcp = BindTcpStats(&registry, block, "db");
  http.downstream_rq_total->Add();
  http.no_route->Add(2);
  cluster.upstream_cx_active->Add(3);
  listener.downstream_cx_total->Add(4);
  server.live->Set(1);
  tcp.idle_timeout->Add(5);
  const std::string text =
      StatsText(registry, [](const std::string&, uint64_t value) { return value != 0; });
  EXPECT_EQ(text,
            "cluster.app.upstream_cx_active: 3\n"
            "http.ingress.downstream_rq_total: 1\n"
            "http.ingress.no_route: 2\n"
            "listener.0.0.0.0_8080.downstream_cx_total: 4\n"
            "server.live: 1\n"
            "tcp.db.idle_timeout: 5\n");
}

TEST(StatNames, TwoWorkersShareNamesAndNotCells) {
  StatRegistry registry;
  HttpStats one = BindHttpStats(&registry, registry.NewBlock(), "in");
  HttpStats two = BindHttpStats(&registry, registry.NewBlock(), "in");
  EXPECT_NE(one.downstream_rq_total, two.downstream_rq_total);
  one.downstream_rq_total->Add();
  two.downstream_rq_total->Add();
  EXPECT_THAT(StatsText(registry), HasSubstr("http.in.downstream_rq_total: 2\n"));
}

TEST(StatNames, ResponsesAreCountedByClass) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  HttpStats http = BindHttpStats(&registry, block, "in");
  ClusterStats cluster = BindClusterStats(&registry, block, "c");
  for (uint32_t status : {100U, 200U, 204U, 301U, 404U, 503U, 0U, 99U, 600U, 4294967295U}) {
    http.CountResponse(status);
    cluster.CountResponse(status);
  }
  const std::string text =
      StatsText(registry, [](const std::string&, uint64_t value) { return value != 0; });
  EXPECT_EQ(
      text,
      "cluster.c.upstream_rq_1xx: 1\ncluster.c.upstream_rq_2xx: 2\ncluster.c.upstream_rq_3xx: 1\n"
      "cluster.c.upstream_rq_4xx: 1\ncluster.c.upstream_rq_5xx: 1\n"
      "http.in.downstream_rq_1xx: 1\nhttp.in.downstream_rq_2xx: 2\nhttp.in.downstream_rq_3xx: 1\n"
      "http.in.downstream_rq_4xx: 1\nhttp.in.downstream_rq_5xx: 1\n");
}

// Threads meet here: run under ThreadSanitizer.
TEST(StatsThreads, SumsWhileWorkersAddAndOthersDefine) {
  constexpr int kWorkers = 3;
  constexpr uint64_t kAdds = 20'000;
  StatRegistry registry;
  const StatId id = registry.Define("shared", StatKind::kCounter);
  std::vector<std::thread> workers;
  for (int w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&registry, id, w] {
      StatBlock* block = registry.NewBlock();
      Cell* cell = block->Get(id);
      for (uint64_t i = 0; i < kAdds; ++i) {
        cell->Add();
        if (i % 64 == 0) {
          const std::string name = "late." + std::to_string(w) + "." + std::to_string(i);
          block->Get(registry.Define(name, StatKind::kCounter))->Add();
        }
      }
    });
  }
  uint64_t last = 0;
  for (int i = 0; i < 200; ++i) {
    const uint64_t now = registry.Sum(id);
    EXPECT_GE(now, last);
    last = now;
    if (i % 20 == 0) {
      EXPECT_THAT(StatsText(registry), HasSubstr("shared: "));
    }
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(registry.Sum(id), kWorkers * kAdds);
  EXPECT_THAT(StatsText(registry), Not(HasSubstr("late.0.0: 0\n")));
}

TEST(StatsThreads, ThreadsThatRaceForAChunkGetTheSameCells) {
  StatRegistry registry;
  StatBlock* block = registry.NewBlock();
  for (uint32_t i = 0; i < 50; ++i) {
    const StatId id{i * StatBlock::kCellsPerChunk};
    Cell* one = nullptr;
    Cell* two = nullptr;
    std::thread other([&] { one = block->Get(id); });
    two = block->Get(id);
    other.join();
    ASSERT_EQ(one, two);
  }
}

}  // namespace
}  // namespace weir::observe
