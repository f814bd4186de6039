#include "core/base/log.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::base {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = testing::TempDir() + "weir-log-" + std::to_string(getpid());
    unlink(path_.c_str());
    std::string error;
    ASSERT_TRUE(OpenLogFile(path_, &error)) << error;
    SetLogLevel(LogLevel::kInfo);
  }
  void TearDown() override {
    unlink(path_.c_str());
    unlink((path_ + ".old").c_str());
  }
  static std::vector<std::string> Lines(const std::string& path) {
    std::vector<std::string> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  std::string path_;
};

TEST_F(LogTest, LinesBelowTheLevelAreLeftOut) {
  WEIR_LOG(kDebug, "quiet");
  WEIR_LOG(kInfo, "port %d", 80);
  SetLogLevel(LogLevel::kError);
  WEIR_LOG(kWarn, "quiet");
  SetLogLevel(LogLevel::kOff);
  WEIR_LOG(kError, "quiet");
  const auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], EndsWith("info: port 80"));
}

TEST_F(LogTest, WhatIsNotLoggedIsNotFormatted) {
  int calls = 0;
  const auto count = [&] { return ++calls; };
  WEIR_LOG(kDebug, "%d", count());
  EXPECT_EQ(calls, 0);
}

TEST_F(LogTest, APeerCannotWriteALine) {
  WEIR_LOG(kInfo, "name %s", "a\n2026-01-01 error: forged\x1b[2J\x7f");
  const auto lines = Lines(path_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], EndsWith("name a\\x0a2026-01-01 error: forged\\x1b[2J\\x7f"));
}

TEST_F(LogTest, ABraceIsNoFormat) {
  WEIR_LOG(kInfo, "{} {0}");
  EXPECT_THAT(Lines(path_).at(0), EndsWith("info: {} {0}"));
}

TEST_F(LogTest, ALongLineIsCut) {
  const std::string text(10000, 'x');
  WEIR_LOG(kInfo, "%s", text.c_str());
  EXPECT_LT(Lines(path_).at(0).size(), 2200u);
}

TEST_F(LogTest, IsOpenedAgainUnderItsName) {
  WEIR_LOG(kInfo, "first");
  ASSERT_EQ(std::rename(path_.c_str(), (path_ + ".old").c_str()), 0);
  WEIR_LOG(kInfo, "second");
  ReopenLogFile();
  WEIR_LOG(kInfo, "third");
  EXPECT_EQ(Lines(path_ + ".old").size(), 2u);
  ASSERT_EQ(Lines(path_).size(), 1u);
  EXPECT_THAT(Lines(path_)[0], EndsWith("third"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedLeavesTheLogWhereItWas) {
  std::string error;
  EXPECT_FALSE(OpenLogFile("/nonexistent/log", &error));
  EXPECT_EQ(error, "/nonexistent/log: No such file or directory");
  WEIR_LOG(kInfo, "still here");
  EXPECT_EQ(Lines(path_).size(), 1u);
}

TEST_F(LogTest, APlaceSpeaksOnceASecond) {
  for (int i = 0; i < 1000; ++i) WEIR_LOG_EVERY_SECOND(kInfo, "number %d", i);
  const auto lines = Lines(path_);
  ASSERT_LE(lines.size(), 2u);
  EXPECT_THAT(lines[0], EndsWith("number 0"));
}

TEST(LogThrottleTest, CountsWhatItHeldBack) {
  LogThrottle throttle;
  uint64_t suppressed = 99;
  EXPECT_TRUE(throttle.Pass(5000, &suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_FALSE(throttle.Pass(5000, &suppressed));
  EXPECT_FALSE(throttle.Pass(5999, &suppressed));
  EXPECT_TRUE(throttle.Pass(6000, &suppressed));
  EXPECT_EQ(suppressed, 2u);
  EXPECT_TRUE(throttle.Pass(7000, &suppressed));
  EXPECT_EQ(suppressed, 0u);
}

TEST(LogLevelTest, NamesAreThoseOfTheCommandLine) {
  EXPECT_EQ(ParseLogLevel("trace"), LogLevel::kTrace);
  EXPECT_EQ(ParseLogLevel("warning"), LogLevel::kWarn);
  EXPECT_EQ(ParseLogLevel("off"), LogLevel::kOff);
  EXPECT_EQ(ParseLogLevel("INFO"), std::nullopt);
  EXPECT_EQ(ParseLogLevel(""), std::nullopt);
}

}  // namespace
}  // namespace weir::base
