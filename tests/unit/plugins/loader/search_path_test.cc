#include "plugins/loader/search_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::plugins {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SearchPathTest, TheOptionComesBeforeTheEnvironmentAndTheBinary) {
  EXPECT_THAT(SearchPath("/a:/b", "/c", "/usr/bin/weir"), ElementsAre("/a", "/b"));
}

TEST(SearchPathTest, TheEnvironmentComesBeforeTheBinary) {
  EXPECT_THAT(SearchPath("", "/c:d", "/usr/bin/weir"), ElementsAre("/c", "d"));
}

TEST(SearchPathTest, BesideTheBinaryAndInLib) {
  EXPECT_THAT(SearchPath("", nullptr, "/usr/bin/weir"),
              ElementsAre("/usr/bin/plugins.d", "/usr/bin/../lib/weir/plugins"));
}

TEST(SearchPathTest, EmptyEntriesAreNotTheCurrentDirectory) {
  EXPECT_THAT(SearchPath(":/a::/b:", nullptr, ""), ElementsAre("/a", "/b"));
  EXPECT_THAT(SearchPath(":", ":::", "/usr/bin/weir"),
              ElementsAre("/usr/bin/plugins.d", "/usr/bin/../lib/weir/plugins"));
}

TEST(SearchPathTest, APlusAddsToWhatWouldBeWithoutTheList) {
  EXPECT_THAT(SearchPath("+/a:/b", nullptr, "/usr/bin/weir"),
              ElementsAre("/usr/bin/plugins.d", "/usr/bin/../lib/weir/plugins", "/a", "/b"));
  EXPECT_THAT(SearchPath("+/a", "/c", "/usr/bin/weir"), ElementsAre("/c", "/a"));
  EXPECT_THAT(SearchPath("+/a", "+/c", "/bin/weir"),
              ElementsAre("/bin/plugins.d", "/bin/../lib/weir/plugins", "/c", "/a"));
  EXPECT_THAT(SearchPath("/a", "+/c", "/bin/weir"), ElementsAre("/a"));
  EXPECT_THAT(SearchPath("+", "/c", "/bin/weir"), ElementsAre("/c"));
}

TEST(SearchPathTest, NothingKnownIsNoDirectory) {
  EXPECT_THAT(SearchPath("", nullptr, ""), IsEmpty());
}

TEST(SearchPathTest, TheBinaryIsThisTest) {
  EXPECT_THAT(BinaryPath(), ::testing::EndsWith("/search_path_test"));
}

TEST(SearchPathTest, TheEnvironmentVariableIsWeirPluginPath) {
  ASSERT_EQ(::setenv("WEIR_PLUGIN_PATH", "/from/environment", 1), 0);
  EXPECT_THAT(DefaultSearchPath(""), ElementsAre("/from/environment"));
  EXPECT_THAT(DefaultSearchPath("/from/option"), ElementsAre("/from/option"));
  ::unsetenv("WEIR_PLUGIN_PATH");
  EXPECT_EQ(DefaultSearchPath("").size(), 2u);
}

}  // namespace
}  // namespace weir::plugins
