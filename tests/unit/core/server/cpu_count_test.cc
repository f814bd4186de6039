#include "core/server/cpu_count.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace weir::server {
namespace {

class CpuCountTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "weir-cpu-XXXXXX";
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

TEST_F(CpuCountTest, Version2sQuotaIsRoundedUp) {
  Write("/proc/self/cgroup", "0::/box\n");
  Write("/sys/fs/cgroup/box/cpu.max", "250000 100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 3u);
  Write("/sys/fs/cgroup/box/cpu.max", "200000 100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 2u);
  Write("/sys/fs/cgroup/box/cpu.max", "1000 100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 1u);
}

TEST_F(CpuCountTest, TheSmallestQuotaOnTheWayUpCounts) {
  Write("/proc/self/cgroup", "0::/pods/pod/container\n");
  Write("/sys/fs/cgroup/pods/pod/container/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/pods/pod/cpu.max", "400000 100000\n");
  Write("/sys/fs/cgroup/pods/cpu.max", "800000 100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 4u);
}

TEST_F(CpuCountTest, InsideAContainerTheRootIsTheGroup) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 2u);
}

TEST_F(CpuCountTest, Version1IsReadWithItsOwnPeriod) {
  Write("/proc/self/cgroup", "3:cpu,cpuacct:/box\n2:memory:/box\n");
  Write("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "150000\n");
  Write("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 3u);
}

TEST_F(CpuCountTest, Version1OfTheHostsPathIsFoundInsideAContainer) {
  Write("/proc/self/cgroup", "3:cpu:/parent/container\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 1u);
}

TEST_F(CpuCountTest, WhereNoQuotaIsSetThereIsNoLimit) {
  EXPECT_EQ(CgroupCpuLimit(root_), 0u);
  Write("/proc/self/cgroup", "3:cpu:/a\n0::/a\nnonsense\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 0u);
  Write("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(CgroupCpuLimit(root_), 0u);
}

TEST_F(CpuCountTest, WhatIsNoQuotaIsNone) {
  Write("/proc/self/cgroup", "0::/a\n");
  for (const char* text : {"", "100000", "100000 0\n", "0 100000\n", "x 100000\n", "-5 -5\n"}) {
    Write("/sys/fs/cgroup/a/cpu.max", text);
    EXPECT_EQ(CgroupCpuLimit(root_), 0u) << text;
  }
  Write("/sys/fs/cgroup/a/cpu.max", "9000000000000 1\n");
  EXPECT_EQ(CgroupCpuLimit(root_), UINT32_MAX);
}

TEST(AvailableCpusTest, IsAtLeastOne) {
  EXPECT_GE(AvailableCpus(), 1u);
}

}  // namespace
}  // namespace weir::server
