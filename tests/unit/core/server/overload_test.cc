#include "core/server/overload.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::server {
namespace {

constexpr auto kNone = OverloadLevel::kNone;
constexpr auto kStop = OverloadLevel::kStopAccepting;
constexpr auto kRefuse = OverloadLevel::kRefuse;

TEST(OverloadTest, FirstNewConnectionsWaitThenRequestsAreRefused) {
  EXPECT_EQ(NextOverloadLevel(kNone, 949, 1000), kNone);
  EXPECT_EQ(NextOverloadLevel(kNone, 950, 1000), kStop);
  EXPECT_EQ(NextOverloadLevel(kNone, 1000, 1000), kRefuse);
  EXPECT_EQ(NextOverloadLevel(kStop, 999, 1000), kStop);
  EXPECT_EQ(NextOverloadLevel(kStop, 1000, 1000), kRefuse);
}

TEST(OverloadTest, FallsOnlyWellBelowWhereItRose) {
  EXPECT_EQ(NextOverloadLevel(kRefuse, 999, 1000), kRefuse);
  EXPECT_EQ(NextOverloadLevel(kRefuse, 949, 1000), kStop);
  EXPECT_EQ(NextOverloadLevel(kStop, 900, 1000), kStop);
  EXPECT_EQ(NextOverloadLevel(kStop, 899, 1000), kNone);
  EXPECT_EQ(NextOverloadLevel(kRefuse, 0, 1000), kNone);
}

TEST(OverloadTest, WithoutALimitThereIsNone) {
  EXPECT_EQ(NextOverloadLevel(kRefuse, UINT64_MAX, 0), kNone);
}

class CgroupTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weir-cgroup-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ + path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  std::string root_;
};

TEST_F(CgroupTest, Version2TakesTheSmallestOnTheWayUp) {
  Write("/proc/self/cgroup", "0::/a/b\n");
  Write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  Write("/sys/fs/cgroup/a/memory.max", "2000000\n");
  Write("/sys/fs/cgroup/memory.max", "3000000\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 2000000u);
}

TEST_F(CgroupTest, Version1IsRead) {
  Write("/proc/self/cgroup", "7:cpu,cpuacct:/x\n5:memory:/box\n0::/\n");
  Write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "4000000\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 4000000u);
}

TEST_F(CgroupTest, InsideAContainerTheRootIsTheGroup) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "1048576\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 1048576u);
}

TEST_F(CgroupTest, NoLimitIsZero) {
  EXPECT_EQ(CgroupMemoryLimit(root_), 0u);
  Write("/proc/self/cgroup", "0::/a\nnonsense\n");
  Write("/sys/fs/cgroup/a/memory.max", "max\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 0u);
  Write("/sys/fs/cgroup/memory.max", "12x\n");
  EXPECT_EQ(CgroupMemoryLimit(root_), 0u);
}

TEST(ResidentBytesTest, GrowsWithWhatIsTouched) {
  const uint64_t before = ResidentBytes();
  EXPECT_GT(before, 0u);
  std::vector<char> touched(64 << 20, 'x');
  EXPECT_GE(ResidentBytes(), before + (48u << 20));
  EXPECT_EQ(touched.back(), 'x');
}

}  // namespace
}  // namespace weir::server
