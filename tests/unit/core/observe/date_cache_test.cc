#include "core/observe/date_cache.h"

#include <ctime>
#include <string>

#include <gtest/gtest.h>

namespace weir::observe {
namespace {

std::string FromLibc(const char* format, int64_t unix_s) {
  const time_t when = unix_s;
  struct tm parts {};
  gmtime_r(&when, &parts);
  char text[64];
  return std::string(text, strftime(text, sizeof(text), format, &parts));
}

TEST(DateCache, HttpDateIsTheImfFixdateOfTheRfc) {
  DateCache cache;
  EXPECT_EQ(cache.HttpDate(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(cache.HttpDate(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(DateCache, LogTimeHasMilliseconds) {
  DateCache cache;
  EXPECT_EQ(cache.LogTime(784'111'777'007), "1994-11-06T08:49:37.007Z");
  EXPECT_EQ(cache.LogTime(784'111'777'999), "1994-11-06T08:49:37.999Z");
  EXPECT_EQ(cache.LogTime(784'111'778'000), "1994-11-06T08:49:38.000Z");
  EXPECT_EQ(cache.LogTime(784'111'777'120), "1994-11-06T08:49:37.120Z")
      << "back to an earlier second";
}

TEST(DateCache, AgreesWithTheCLibraryOnEveryDayToTheYear2400) {
  DateCache cache;
  for (int64_t s = 3'599; s < 13'569'465'600; s += 86'400 + 7) {
    ASSERT_EQ(cache.HttpDate(s), FromLibc("%a, %d %b %Y %H:%M:%S GMT", s)) << s;
    ASSERT_EQ(cache.LogTime(s * 1000 + 45), FromLibc("%Y-%m-%dT%H:%M:%S.045Z", s)) << s;
  }
}

TEST(DateCache, MomentsOutsideOfFourDigitYearsAreHeldInside) {
  DateCache cache;
  EXPECT_EQ(cache.HttpDate(-5), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(cache.HttpDate(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(cache.LogTime(INT64_MIN), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(cache.LogTime(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace weir::observe
