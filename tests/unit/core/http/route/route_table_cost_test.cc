// A lookup's cost is counted, not timed: table slots looked at, strings compared, bytes allocated.
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/http/route/route_fixtures.h"

namespace {

size_t allocations = 0;

}  // namespace

// Not inlined: the compiler would see free() meet a new expression, and warn.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  void* block = std::malloc(size);
  if (block == nullptr) std::abort();
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept {
  std::free(block);
}

namespace weir::http {
namespace {

using test::BuildTable;
using test::Kind;
using test::MakeHost;
using test::MakeRoute;
using test::Request;

std::string Name(int i) {
  return "host-" + std::to_string(i);
}

// Each virtual host has an exact, a suffix and a prefix domain.
std::unique_ptr<const RouteTable> TableOf(int hosts) {
  config::RouteConfiguration configuration;
  for (int i = 0; i < hosts; ++i) {
    configuration.virtual_hosts.push_back(MakeHost(
        Name(i), {"www." + Name(i) + ".example.com", "*." + Name(i) + ".net", Name(i) + ".*"}));
  }
  configuration.virtual_hosts.push_back(MakeHost("rest", {"*"}));
  return BuildTable(std::move(configuration));
}

struct Worst {
  size_t slots = 0;
  double mean_slots = 0;
  size_t comparisons = 0;
};

// Over hosts of all kinds: exact, suffix, prefix, and of nobody.
Worst WorstOf(const RouteTable& table, int hosts) {
  Worst worst;
  size_t sum = 0;
  int lookups = 0;
  for (int i = 0; i < hosts; ++i) {
    const std::string hit[] = {"www." + Name(i) + ".example.com", "a.b." + Name(i) + ".net",
                               Name(i) + ".org"};
    for (const std::string& host : hit) {
      LookupCost cost;
      const Route* route = table.Find(Request(host, "/"), &cost);
      EXPECT_EQ(route->forward()->cluster, Name(i)) << host;
      worst.slots = std::max(worst.slots, cost.slots);
      worst.comparisons = std::max(worst.comparisons, cost.comparisons);
      sum += cost.slots;
      ++lookups;
    }
    LookupCost miss;
    const std::string nobody = "nobody-" + std::to_string(i) + ".example.org";
    EXPECT_EQ(table.Find(Request(nobody, "/"), &miss)->forward()->cluster, "rest");
    EXPECT_EQ(miss.comparisons, 0u) << nobody;
    worst.slots = std::max(worst.slots, miss.slots);
  }
  worst.mean_slots = static_cast<double>(sum) / lookups;
  return worst;
}

TEST(RouteTableCost, TenThousandHostsCostALookupNoMoreThanTen) {
  const Worst ten = WorstOf(*TableOf(10), 10);
  const Worst many = WorstOf(*TableOf(10000), 10000);
  // A table at most half full is asked once per length, whatever its size.
  EXPECT_LE(many.mean_slots, 2 * ten.mean_slots);
  EXPECT_LE(many.slots, 60u) << "a linear scan would look at 10000";
  EXPECT_LE(many.comparisons, 3u);
  EXPECT_GE(ten.mean_slots, 1.0);
}

TEST(RouteTableCost, AnExactHostIsAboutOneSlotInTenThousand) {
  config::RouteConfiguration configuration;
  for (int i = 0; i < 10000; ++i) {
    configuration.virtual_hosts.push_back(MakeHost(Name(i), {Name(i) + ".example.com"}));
  }
  const auto table = BuildTable(std::move(configuration));
  LookupCost cost;
  for (int i = 0; i < 10000; ++i) table->Find(Request(Name(i) + ".example.com", "/"), &cost);
  EXPECT_LE(cost.slots, 17000u);
  EXPECT_LE(cost.comparisons, 10001u);
}

TEST(RouteTableCost, AHostOfNothingButLabelsIsProbedOncePerWildcardLength) {
  const auto table = TableOf(1000);
  std::string hostile;
  while (hostile.size() < 255) hostile += "a.";
  hostile.resize(255);
  LookupCost cost;
  table->Find(Request(hostile, "/"), &cost);
  // "host-0" to "host-999" make three lengths of suffix and three of prefix.
  EXPECT_LE(cost.slots, 60u);
  EXPECT_EQ(cost.comparisons, 0u);
}

TEST(RouteTableCost, ALookupAllocatesNothing) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a.com", "*.a.com", "a.*"})};
  configuration.virtual_hosts[0].routes = {MakeRoute(Kind::kPath, "/path", "path"),
                                           MakeRoute(Kind::kSafeRegex, "/v[0-9]+/.*", "regex"),
                                           MakeRoute(Kind::kPrefix, "/", "rest")};
  const auto table = BuildTable(std::move(configuration));
  const RequestView requests[] = {Request("a.com", "/path?q"), Request("x.A.com", "/v1/x"),
                                  Request("a.org", "/else"), Request("nobody.org", "/")};
  // The expression fills its cache the first time.
  for (const RequestView& request : requests) table->Find(request);
  const size_t before = allocations;
  for (int round = 0; round < 100; ++round) {
    for (const RequestView& request : requests) table->Find(request);
  }
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace weir::http
