#include "core/server/top/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::server {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kAnswer[] = R"({
  "version": "1.2.3", "state": "LIVE", "server": {"uptime": 3725, "workers": 2, "connections": 7,
  "memory_resident": 12582912},
  "listeners": [{"name": "web", "address": "0.0.0.0:80", "connections": 5, "chains": [
    {"requests": 1234.5, "active": 3, "errors_4xx": 0.25, "errors_5xx": 0, "p50": 0.4, "p99": 1500,
     "received": 2048, "sent": 0}]}],
  "clusters": [{"name": "app", "healthy": 1, "members": 2, "connections": 4, "requests": 10,
    "active": 0, "pending": 0, "errors_5xx": 0, "p50": null, "p99": null, "connect_failures": 2,
    "timeouts": 0, "resets": 0, "overflow": 0, "retries": 0,
    "endpoints": [{"address": "10.0.0.1:80", "state": "healthy", "connections": 4, "active": 0},
                  {"address": "10.0.0.2:80", "state": "unhealthy", "connections": 0, "active": 0}]}],
  "plugins": [{"name": "quick", "hooks": 5, "busy_us": 1, "p50": 0.5, "p99": 1, "slow_total": 0},
              {"name": "heavy", "hooks": 5, "busy_us": 200000, "p50": 900, "p99": 4000,
               "slow_total": 1},
              {"name": "never", "hooks": 0, "busy_us": 0, "p50": null, "p99": null,
               "slow_total": 0}],
  "samples": {"fields": ["number", "requests", "p99"], "rows": [[1, 10, null], [2, 20, 3]]}
})";

std::string Plain(const std::string& json, size_t width = 160) {
  std::string error;
  const std::string text = PlainText(MakeTopLines(json, width, &error));
  EXPECT_EQ(error, "");
  return text;
}

TEST(TopView, ShowsListenersClustersEndpointsAndPlugins) {
  const std::string text = Plain(kAnswer);
  EXPECT_THAT(text,
              HasSubstr("weir 1.2.3  LIVE  up 1h2m  workers 2  connections 7  memory 12 MiB"));
  EXPECT_THAT(text, testing::ContainsRegex("web +0.0.0.0:80 +5 +1.2k +3 +0.25 +0 +0.40ms +1.5s"));
  EXPECT_THAT(text, testing::ContainsRegex("app +1/2 +4 +10 "));
  EXPECT_THAT(text, testing::ContainsRegex("  10.0.0.2:80 +unhealthy +0"));
  EXPECT_LT(text.find("heavy"), text.find("quick")) << "the slowest is first";
  EXPECT_THAT(text, Not(HasSubstr("never")));
}

TEST(TopView, WhatGoesWrongIsSetOff) {
  std::string error;
  for (const TopLine& line : MakeTopLines(kAnswer, 160, &error)) {
    const bool wrong = line.text.rfind("app", 0) == 0 || line.text.rfind("  10.0.0.2", 0) == 0 ||
                       line.text.rfind("heavy", 0) == 0;
    EXPECT_EQ(line.style == TopStyle::kAlarm, wrong) << line.text;
  }
}

TEST(TopView, NoNameCanSteerTheTerminal) {
  std::string json = kAnswer;
  json.replace(json.find("\"web\""), 5, R"("w\u001b[2J\u0007\n\u009b31m\u007fb")");
  const std::string text = Plain(json);
  EXPECT_THAT(text, HasSubstr("w?[2J???31m?b"));
  for (const char c : text)
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  std::string error;
  EXPECT_THAT(ScreenText(MakeTopLines(json, 80, &error), 0, 40, 80, "", true),
              Not(HasSubstr("\x1b[2J")));
}

TEST(TopView, EveryLineFitsTheWidth) {
  std::string error;
  for (size_t width = 40; width < 170; width += 7) {
    for (const TopLine& line : MakeTopLines(kAnswer, width, &error))
      EXPECT_LE(TextWidth(line.text), width) << line.text;
  }
}

TEST(TopView, TheScreenIsAsHighAsTheTerminalAndScrolls) {
  std::vector<TopLine> lines;
  for (int i = 0; i < 50; ++i) lines.push_back({"line " + std::to_string(i), TopStyle::kPlain});
  const std::string screen = ScreenText(lines, 10, 5, 80, "status", true);
  EXPECT_EQ(std::count(screen.begin(), screen.end(), '\n'), 4);
  EXPECT_THAT(screen, HasSubstr("line 10\x1b[K"));
  EXPECT_THAT(screen, HasSubstr("line 13\x1b[K"));
  EXPECT_THAT(screen, Not(HasSubstr("line 14")));
  EXPECT_THAT(screen, HasSubstr("status\x1b[K\x1b[J"));
}

TEST(TopView, WithoutColoursItIsBoldAlone) {
  const std::vector<TopLine> lines = {{"bad", TopStyle::kAlarm}};
  EXPECT_THAT(ScreenText(lines, 0, 5, 80, "", true), HasSubstr("\x1b[1;31mbad\x1b[0m"));
  EXPECT_THAT(ScreenText(lines, 0, 5, 80, "", false), HasSubstr("\x1b[1mbad\x1b[0m"));
}

TEST(TopView, WhatHasAnotherShapeThanExpectedIsPassedOver) {
  for (const char* odd : {R"("samples": 7)", R"("samples": {"fields": ["requests"], "rows": 5})",
                          R"("samples": {"fields": ["requests"], "rows": [5, "x", {"a": 1}, []]})",
                          R"("samples": {"fields": ["requests"], "rows": [[-5], [1e308]]})",
                          R"("samples": {}, "server": 5)", R"("samples": {}, "clusters": [[1]])",
                          R"("samples": {}, "plugins": [{"hooks": 1}, {"hooks": 1, "busy_us": 9}])",
                          R"("samples": {}, "server": {"uptime": 1e300, "workers": -1e308})"})
    EXPECT_THAT(Plain("{\"listeners\": [], " + std::string(odd) + "}"), HasSubstr("weir")) << odd;
}

TEST(TopView, WhatIsNoDashboardIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", "LIVE\n", "{\"samples\":1}"}) {
    std::string error;
    EXPECT_TRUE(MakeTopLines(text, 80, &error).empty());
    EXPECT_EQ(error, "what answers there has no dashboard") << text;
  }
  // Other types than expected are no values.
  std::string error;
  MakeTopLines(R"({"samples": [], "listeners": {"a": 1}, "clusters": [1, null, []],
                   "server": 3, "plugins": [[]]})",
               80, &error);
  EXPECT_EQ(error, "");
}

}  // namespace
}  // namespace weir::server
