#include "filters/access_loggers/file/time_format.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace weir::access_log {
namespace {

constexpr std::int64_t kMoment = 1'795'000'000'123'456;  // 2026-11-18 11:06:40.123456

std::string At(std::string_view format, std::int64_t unix_us = kMoment) {
  TimeFormat time;
  std::string error;
  if (!time.Compile(format, &error)) return "refused: " + error;
  char out[TimeFormat::kMaxText];
  return {out, time.Write(unix_us, out)};
}

TEST(TimeFormat, TheDefaultHasMilliseconds) {
  EXPECT_EQ(At(""), "2026-11-18T11:06:40.123Z");
  EXPECT_EQ(At("%Y-%m-%dT%H:%M:%E3SZ"), "2026-11-18T11:06:40.123Z");
  EXPECT_EQ(At("", kMoment + 1'000'000), "2026-11-18T11:06:41.123Z");
  EXPECT_EQ(At("", 0), "1970-01-01T00:00:00.000Z");
}

TEST(TimeFormat, FractionsHaveAsManyDigitsAsAsked) {
  EXPECT_EQ(At("%s.%3f"), "1795000000.123");
  EXPECT_EQ(At("%6f %9f %f %1f"), "123456 123456000 123456000 1");
  EXPECT_EQ(At("%H:%M:%E6S"), "11:06:40.123456");
}

TEST(TimeFormat, StrftimesSpecifiersWork) {
  EXPECT_EQ(At("%d/%b/%Y:%H:%M:%S %z"), "18/Nov/2026:11:06:40 +0000");
  EXPECT_EQ(At("100%% %F"), "100% 2026-11-18");
}

TEST(TimeFormat, WhatIsNoSpecifierIsRefused) {
  EXPECT_EQ(At("%Q"), "refused: %Q is no specifier of a time");
  EXPECT_EQ(At("a%"), "refused: % is no specifier of a time");
  EXPECT_EQ(At(std::string(65, 'a')), "refused: the format of a time is at most 64 bytes long");
}

TEST(TimeFormat, AMomentBefore1970IsOne) {
  EXPECT_EQ(At("%F %T.%3f", -1), "1969-12-31 23:59:59.999");
}

}  // namespace
}  // namespace weir::access_log
