#include "core/config/reference.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "core/http/hook_time.h"
#include "core/observe/stat_names.h"
#include "core/upstream/dns_cluster.h"

namespace weir::config {
namespace {

const std::string kPage = std::string(WEIR_SOURCE_DIR) + "/docs/configuration.md";

// To write the page again: WEIR_WRITE_DOCS=1 config_test --gtest_filter='Reference*'
TEST(Reference, PageIsWhatTheTablesSay) {
  if (std::getenv("WEIR_WRITE_DOCS") != nullptr) std::ofstream(kPage) << ReferencePage();
  std::ifstream file(kPage);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == ReferencePage())
      << kPage << " is not what the tables say; to write it again: WEIR_WRITE_DOCS=1 config_test";
}

TEST(Reference, EveryKeyIsExplained) {
  for (const ReferenceTable& table : ReferenceTables()) {
    std::set<std::string> keys;
    for (const ReferenceRow& row : table.rows) {
      SCOPED_TRACE(table.title + ": " + row.key);
      EXPECT_TRUE(keys.insert(row.key).second) << "two rows for one key";
      if (row.missing.empty()) {
        EXPECT_FALSE(row.doc.empty());
        EXPECT_FALSE(row.type.empty());
      }
    }
  }
}

// The counters that the proxy writes, by the names of the page.
std::set<std::string> CountersThere() {
#define NAME(name) prefix + #name,
  std::set<std::string> all;
  std::string prefix = "http.*.";
  all.merge(std::set<std::string>{WEIR_HTTP_STATS(NAME, NAME)});
  prefix = "cluster.*.";
  all.merge(std::set<std::string>{WEIR_CLUSTER_STATS(NAME, NAME)});
  all.merge(std::set<std::string>{WEIR_DNS_STATS(NAME)});
  prefix = "listener.*.";
  all.merge(std::set<std::string>{WEIR_LISTENER_STATS(NAME, NAME)});
  prefix = "tcp.*.";
  all.merge(std::set<std::string>{WEIR_TCP_STATS(NAME, NAME)});
  prefix = "server.";
  all.merge(std::set<std::string>{WEIR_SERVER_STATS(NAME, NAME)});
#undef NAME
  all.insert(std::string("plugin.*.") + http::kSlowHooks);
  return all;
}

TEST(Reference, EveryLimitNamesACounterThatIsThere) {
  const std::set<std::string> there = CountersThere();
  int limits = 0;
  for (const ReferenceTable& table : ReferenceTables()) {
    for (const ReferenceRow& row : table.rows) {
      limits += row.limit ? 1 : 0;
      if (row.counter.empty()) continue;
      EXPECT_EQ(there.count(row.counter), 1u) << table.title << ": " << row.key;
    }
  }
  EXPECT_GT(limits, 30);
}

TEST(Reference, EveryDurationIsListedAsALimit) {
  for (const ReferenceTable& table : ReferenceTables()) {
    for (const ReferenceRow& row : table.rows) {
      if (row.type != "duration" || row.key == "min_request_body_rate_window") continue;
      EXPECT_TRUE(row.limit) << table.title << ": " << row.key;
    }
  }
}

}  // namespace
}  // namespace weir::config
