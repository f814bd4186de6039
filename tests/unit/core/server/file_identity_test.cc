#include "core/server/file_identity.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

class FileIdentityTest : public ::testing::Test {
 protected:
  FileIdentity Of(const std::string& name) { return FileIdentity::Of(directory.Path(name)); }
  test::TemporaryDirectory directory;
};

TEST_F(FileIdentityTest, AFileThatNobodyTouchesStaysTheSame) {
  directory.Write("a", "x");
  EXPECT_EQ(Of("a"), Of("a"));
  EXPECT_TRUE(Of("a").regular());
}

TEST_F(FileIdentityTest, AnotherFileUnderTheSameNameIsAnotherOne) {
  directory.Write("a", "x");
  const FileIdentity before = Of("a");
  directory.Replace("a", "x");
  EXPECT_NE(Of("a"), before) << "even with the same bytes";
}

TEST_F(FileIdentityTest, ALinkSwappedAnywhereOnTheWayIsAnotherFile) {
  std::filesystem::create_directory(directory.Path("..1"));
  std::filesystem::create_directory(directory.Path("..2"));
  directory.Write("..1/tls.crt", "x");
  directory.Write("..2/tls.crt", "x");
  directory.Link("..1", "..data");
  directory.Link("..data/tls.crt", "tls.crt");
  const FileIdentity before = Of("tls.crt");
  EXPECT_TRUE(before.regular());
  directory.Link("..2", "..data");
  EXPECT_NE(Of("tls.crt"), before);
  directory.Link("..1", "..data");
  EXPECT_EQ(Of("tls.crt"), before);
}

TEST_F(FileIdentityTest, OtherBytesInTheSameFileAreAChange) {
  directory.Write("a", "x");
  const FileIdentity first = Of("a");
  directory.Write("a", "xy");
  const FileIdentity second = Of("a");
  EXPECT_NE(second, first);
}

TEST_F(FileIdentityTest, WhatIsNoFileIsAlwaysTheSame) {
  EXPECT_EQ(Of("missing"), Of("other"));
  std::filesystem::create_directory(directory.Path("directory"));
  ASSERT_EQ(mkfifo(directory.Path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(Of("directory"), Of("pipe"));
  EXPECT_FALSE(Of("pipe").regular());
  EXPECT_FALSE(Of("pipe").MayStillChange(0));
}

TEST_F(FileIdentityTest, WhatWasJustWrittenMayChangeUnseen) {
  directory.Write("a", "x");
  struct stat status;
  ASSERT_EQ(stat(directory.Path("a").c_str(), &status), 0);
  const int64_t then = int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec;
  EXPECT_TRUE(Of("a").MayStillChange(then));
  EXPECT_TRUE(Of("a").MayStillChange(then + 1'999'999'999));
  EXPECT_FALSE(Of("a").MayStillChange(then + 2'000'000'000));
}

}  // namespace
}  // namespace weir::server
