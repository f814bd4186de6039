#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/admin/pages.h"
#include "core/base/log.h"
#include "core/observe/server_state.h"
#include "tests/unit/core/admin/fake_host.h"

namespace weir::admin {
namespace {

using observe::ServerState;

TEST(ActionsTest, HealthChecksFailOnlyWhileTheOrderStands) {
  FakeHost host;
  observe::server_state = ServerState::kLive;
  EXPECT_EQ(HealthFailPage("", &host).status, 200U);
  EXPECT_EQ(observe::StateToTell(), ServerState::kDraining);
  EXPECT_EQ(HealthFailPage("x=1", &host).status, 400U);
  EXPECT_EQ(HealthOkPage("x=1", &host).status, 400U);
  EXPECT_EQ(observe::StateToTell(), ServerState::kDraining);
  EXPECT_EQ(HealthOkPage("", &host).status, 200U);
  EXPECT_EQ(observe::StateToTell(), ServerState::kLive);
  observe::server_state = ServerState::kDraining;
  EXPECT_EQ(HealthOkPage("", &host).status, 200U);
  EXPECT_EQ(observe::StateToTell(), ServerState::kDraining) << "what drains does not come back";
}

TEST(ActionsTest, TheDrainIsTheHosts) {
  FakeHost host;
  EXPECT_EQ(DrainPage("now", &host).status, 400U);
  EXPECT_EQ(host.drains, 0);
  EXPECT_EQ(DrainPage("", &host).status, 200U);
  EXPECT_EQ(host.drains, 1);
  host.takes_orders = false;
  EXPECT_EQ(DrainPage("", &host).status, 503U);
}

TEST(ActionsTest, TheLevelOfTheLogIsShownAndSet) {
  FakeHost host;
  base::SetLogLevel(base::LogLevel::kInfo);
  EXPECT_EQ(LoggingPage("", &host).body, "level: info\n");
  for (const char* level : {"trace", "debug", "warn", "error", "off", "info"})
    EXPECT_EQ(LoggingPage(std::string("level=") + level, &host).body,
              std::string("level: ") + level + "\n");
  EXPECT_EQ(LoggingPage("level=loud", &host).status, 400U);
  EXPECT_EQ(LoggingPage("paths=a:debug", &host).status, 400U);
  EXPECT_EQ(LoggingPage("", &host).body, "level: info\n") << "a mistake changes nothing";
}

TEST(ActionsTest, AReloadSaysWhatCameOfIt) {
  FakeHost host;
  EXPECT_EQ(ReloadPage("", &host).status, 503U) << "a process that does not reload";
  EXPECT_EQ(ConfigPage("", &host).body, "no reload since the start\n");
  host.reload = ReloadFacts{0, false, "", {}, 0};
  EXPECT_EQ(ReloadPage("", &host).status, 202U) << "not over in time";
  host.reload = ReloadFacts{1, true, "", {}, 1000};
  EXPECT_EQ(ReloadPage("", &host).body, "nothing differs\n");
  host.reload = ReloadFacts{2, true, "", {"cluster a: added"}, 1000};
  EXPECT_EQ(ReloadPage("", &host).body, "cluster a: added\n");
  EXPECT_EQ(ConfigPage("", &host).body, "reload 2, 1970-01-01T00:00:01Z: cluster a: added\n");
  host.reload = ReloadFacts{3, false, "weir.yaml:1:2: wrong\n", {}, 1000};
  EXPECT_EQ(ReloadPage("", &host).status, 409U);
  EXPECT_THAT(ReloadPage("", &host).body, testing::HasSubstr("weir.yaml:1:2: wrong\n"));
  EXPECT_EQ(ConfigPage("format=json", &host).body,
            R"({"reloads":3,"ok":false,"error":"weir.yaml:1:2: wrong\n","changes":[],)"
            R"("unix_ms":1000})"
            "\n");
  EXPECT_EQ(ReloadPage("now", &host).status, 400U);
}

}  // namespace
}  // namespace weir::admin
