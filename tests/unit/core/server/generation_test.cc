#include "core/server/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/server/reload_world.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr char kWeb[] =
    "  - name: web\n"
    "    address: 127.0.0.1:0\n"
    "    http: { routes: [ { match: { prefix: / }, route: { cluster: app } } ] }\n";
constexpr char kApp[] = "  - { name: app, endpoints: [127.0.0.1:9000] }\n";

std::string File(const std::string& listeners, const std::string& clusters,
                 const std::string& rest = "") {
  return "listeners:\n" + listeners + "clusters:\n" + clusters + rest;
}

class GenerationTest : public testing::Test {
 protected:
  // What differs between these two files, the second made after the first.
  std::vector<std::string> Changes(const std::string& before, const std::string& after) {
    first = world.Make(before);
    EXPECT_NE(first, nullptr) << world.mistakes;
    if (first == nullptr) return {"nothing was made"};
    second = world.Make(after, first.get());
    EXPECT_NE(second, nullptr) << world.mistakes;
    return second == nullptr ? std::vector<std::string>{"no second one"}
                             : ChangesOf(*first, *second);
  }
  test::ReloadWorld world;
  std::unique_ptr<Generation> first, second;
};

TEST_F(GenerationTest, TheSameFileIsNoChange) {
  EXPECT_THAT(Changes(File(kWeb, kApp), File(kWeb, kApp)), IsEmpty());
}

TEST_F(GenerationTest, AnotherSpellingIsNoChange) {
  const std::string other =
      "# the same\n"
      "clusters:\n  - endpoints:\n      - \"127.0.0.1:9000\"\n    name: 'app'\n"
      "listeners:\n  - address: 127.0.0.1:0\n    name: web\n    http:\n      routes:\n"
      "        - route: { cluster: app }   # comment\n          match:\n            prefix: '/'\n";
  EXPECT_THAT(Changes(File(kWeb, kApp), other), IsEmpty());
}

TEST_F(GenerationTest, ADefaultThatIsWrittenOutIsNoChange) {
  const std::string expanded = config::Expand(*world.Load(File(kWeb, kApp)).bootstrap);
  ASSERT_NE(expanded, File(kWeb, kApp));
  EXPECT_THAT(Changes(File(kWeb, kApp), expanded), IsEmpty());
}

TEST_F(GenerationTest, ListenersAreToldByName) {
  const std::string other =
      "  - { name: other, address: 127.0.0.1:0, http: { routes: [ { match: { prefix: / }, "
      "direct_response: { status: 200 } } ] } }\n";
  EXPECT_THAT(Changes(File(kWeb, kApp), File(kWeb + other, kApp)),
              ElementsAre("listener other: added"));
  EXPECT_THAT(Changes(File(kWeb + other, kApp), File(kWeb, kApp)),
              ElementsAre("listener other: removed"));
  EXPECT_THAT(Changes(File(kWeb, kApp), File(other, kApp)),
              UnorderedElementsAre("listener other: added", "listener web: removed"));
}

TEST_F(GenerationTest, ARouteIsAChangeOfItsListenerAlone) {
  std::string routed = kWeb;
  routed.replace(routed.find("prefix: /"), 9, "prefix: /a");
  EXPECT_THAT(Changes(File(kWeb, kApp), File(routed, kApp)), ElementsAre("listener web: changed"));
}

TEST_F(GenerationTest, ClustersAreToldByNameAndTheirListenersStay) {
  const std::string more = "  - { name: more, endpoints: [127.0.0.1:9001] }\n";
  const std::string moved = "  - { name: app, endpoints: [127.0.0.1:9009] }\n";
  EXPECT_THAT(Changes(File(kWeb, kApp), File(kWeb, kApp + more)),
              ElementsAre("cluster more: added"));
  EXPECT_EQ(first->listeners.specs()[0], second->listeners.specs()[0]);
  EXPECT_THAT(Changes(File(kWeb, kApp + more), File(kWeb, kApp)),
              ElementsAre("cluster more: removed"));
  EXPECT_THAT(Changes(File(kWeb, kApp), File(kWeb, moved)), ElementsAre("cluster app: changed"));
  EXPECT_EQ(first->listeners.specs()[0], second->listeners.specs()[0]);
}

TEST_F(GenerationTest, ATcpProxyTakesItsClusterAlong) {
  const std::string tcp = "  - { name: web, address: 127.0.0.1:0, tcp: { cluster: app } }\n";
  const std::string moved = "  - { name: app, endpoints: [127.0.0.1:9009] }\n";
  EXPECT_THAT(Changes(File(tcp, kApp), File(tcp, moved)),
              ElementsAre("listener web: changed", "cluster app: changed"));
}

TEST_F(GenerationTest, LimitsAreAChangeOfTheirOwn) {
  EXPECT_THAT(Changes(File(kWeb, kApp), File(kWeb, kApp, "limits: { max_connections: 7 }\n")),
              ElementsAre("limits: changed"));
}

TEST_F(GenerationTest, WhatDidNotChangeIsTheSameObject) {
  std::string other = kWeb;
  other.replace(other.find("web"), 3, "two");
  std::string changed = other;
  changed.replace(changed.find("prefix: /"), 9, "prefix: /a");
  Changes(File(kWeb + other, kApp), File(kWeb + changed, kApp));
  ASSERT_EQ(second->listeners.specs().size(), 2u);
  EXPECT_EQ(first->listeners.specs()[0], second->listeners.specs()[0]);
  EXPECT_NE(first->listeners.specs()[1], second->listeners.specs()[1]);
}

// Counters, pools and health go by the slot.
TEST_F(GenerationTest, AClusterKeepsItsSlotWhateverComesAndGoesBeforeIt) {
  const std::string more = "  - { name: more, endpoints: [127.0.0.1:9001] }\n";
  const std::string last = "  - { name: last, endpoints: [127.0.0.1:9001] }\n";
  const std::unique_ptr<Generation> one = world.Make(File(kWeb, kApp + more));
  const std::unique_ptr<Generation> two = world.Make(File(kWeb, last + kApp), one.get());
  const std::unique_ptr<Generation> three = world.Make(File(kWeb, kApp + more), two.get());
  EXPECT_THAT(*one->context.cluster_ids->slots, ElementsAre(0, 1));
  EXPECT_THAT(*two->context.cluster_ids->slots, ElementsAre(2, 0));
  EXPECT_THAT(*three->context.cluster_ids->slots, ElementsAre(0, 1));
}

TEST_F(GenerationTest, AMistakeOfAFilterIsNoGenerationAndIsTold) {
  world.wiring.terminals[0].make =
      [](const ServerContext& context, const config::Listener& listener,
         const config::NetworkFilter&) -> std::unique_ptr<net::TerminalFactory> {
    context.diagnostics->Add(listener.mark, "the filter refuses this");
    return nullptr;
  };
  EXPECT_EQ(world.Make(File(kWeb, kApp)), nullptr);
  EXPECT_THAT(world.mistakes, HasSubstr("the filter refuses this"));
}

TEST_F(GenerationTest, AMistakeOfWhatIsSharedIsNoGeneration) {
  world.wiring.prepare = [](ServerContext* context) {
    context->diagnostics->Add({1, 1}, "not shared");
    return false;
  };
  EXPECT_EQ(world.Make(File(kWeb, kApp)), nullptr);
  EXPECT_THAT(world.mistakes, HasSubstr("not shared"));
}

TEST_F(GenerationTest, NothingIsReportedToAConfigurationThatStands) {
  const std::unique_ptr<Generation> made = world.Make(File(kWeb, kApp));
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->context.diagnostics, nullptr);
}

}  // namespace
}  // namespace weir::server
