#include "plugins/loader/elf_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/abi/weir.h"

namespace weir::plugins {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ElfFileTest : public ::testing::Test {
 protected:
  ElfFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weir_elf_XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    std::filesystem::permissions(directory_, std::filesystem::perms(0755));
    std::ifstream file(std::string(WEIR_TEST_PLUGIN_DIR) + "/good.so", std::ios::binary);
    good_.assign(std::istreambuf_iterator<char>(file), {});
  }
  ~ElfFileTest() override { std::filesystem::remove_all(directory_); }

  std::string Path() const { return directory_ + "/plugin.so"; }
  std::string Write(const std::string& bytes) const {
    std::ofstream(Path(), std::ios::binary | std::ios::trunc) << bytes;
    return Path();
  }
  std::string Problem(const std::string& bytes) const {
    return InspectElfFile(Write(bytes)).problem;
  }

  std::string directory_;
  std::string good_;
};

TEST_F(ElfFileTest, TheDescriptorIsReadFromTheFile) {
  const ElfReport report = InspectElfFile(Write(good_));
  EXPECT_EQ(report.problem, "");
  ASSERT_TRUE(report.descriptor.has_value());
  EXPECT_EQ(report.descriptor->magic, WEIR_ABI_MAGIC);
  EXPECT_EQ(report.descriptor->abi_major, WEIR_ABI_MAJOR);
  EXPECT_EQ(report.descriptor->abi_minor, WEIR_ABI_MINOR);
  EXPECT_EQ(report.descriptor->struct_size, sizeof(weir_plugin_descriptor));
  EXPECT_EQ(report.descriptor->extension_count, 3u);
}

TEST_F(ElfFileTest, EveryTruncationIsRefused) {
  ASSERT_GT(good_.size(), 4096u);
  for (std::size_t size = 0; size < good_.size(); size += size < 1024 ? 1 : 97) {
    EXPECT_THAT(Problem(good_.substr(0, size)),
                AnyOf("is empty", HasSubstr("no ELF header"), StartsWith("is truncated")))
        << size;
  }
  EXPECT_THAT(Problem(good_.substr(0, good_.size() - 1)), StartsWith("is truncated"));
}

TEST_F(ElfFileTest, ATextFileIsRefused) {
  EXPECT_EQ(Problem("#!/bin/sh\necho hello\n"), "is not a shared object (no ELF header)");
}

TEST_F(ElfFileTest, ADirectoryIsRefused) {
  EXPECT_EQ(InspectElfFile(directory_).problem, "is a directory, not a shared object");
}

TEST_F(ElfFileTest, AFifoIsRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(Path().c_str(), 0644), 0);
  EXPECT_EQ(InspectElfFile(Path()).problem, "is not a regular file");
}

TEST_F(ElfFileTest, AMissingFileIsRefused) {
  EXPECT_EQ(InspectElfFile(Path()).problem, "cannot be read: No such file or directory");
}

TEST_F(ElfFileTest, AnUnreadableFileIsRefused) {
  Write(good_);
  ASSERT_EQ(::chmod(Path().c_str(), 0), 0);
  // The owner of the process may read everything; another user may not.
  const uid_t self = ::geteuid();
  if (self == 0) {
    ASSERT_EQ(::seteuid(65534), 0);
  }
  const std::string problem = InspectElfFile(Path()).problem;
  if (self == 0) {
    ASSERT_EQ(::seteuid(self), 0);
  }
  EXPECT_EQ(problem, "cannot be read: Permission denied");
}

TEST_F(ElfFileTest, AnotherMachineIsRefused) {
  std::string bytes = good_;
  bytes[18] = 8;  // e_machine: MIPS
  EXPECT_THAT(Problem(bytes), StartsWith("is built for another machine"));
  bytes = good_;
  bytes[4] = 1;  // 32 bits
  EXPECT_THAT(Problem(bytes), StartsWith("is built for another machine"));
}

TEST_F(ElfFileTest, AnObjectFileIsRefused) {
  std::string bytes = good_;
  bytes[16] = 1;  // e_type: relocatable
  EXPECT_EQ(Problem(bytes), "is not a shared object (ELF type 1)");
}

TEST_F(ElfFileTest, ASharedObjectWithoutDescriptorIsRefused) {
  EXPECT_EQ(InspectElfFile(std::string(WEIR_TEST_PLUGIN_DIR) + "/no_symbol.so").problem,
            "is no plugin: it does not export the symbol weir_plugin");
}

TEST_F(ElfFileTest, WithoutSectionsTheLinkerDecides) {
  std::string bytes = good_;
  for (int i = 40; i < 48; ++i) bytes[static_cast<std::size_t>(i)] = 0;  // e_shoff
  const ElfReport report = InspectElfFile(Write(bytes));
  EXPECT_EQ(report.problem, "");
  EXPECT_FALSE(report.descriptor.has_value());
}

// Whatever the tables say, nothing outside of the file is read and nothing is allocated by its
// word.
TEST_F(ElfFileTest, GarbledTablesAreSurvived) {
  std::mt19937 random(20240817);
  const std::size_t tables = good_.size() - 64 * 40;  // the section table stands at the end
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good_;
    for (int i = 0; i < 8; ++i) {
      const std::size_t at = round % 2 == 0 ? random() % 1024 : tables + random() % (64 * 40);
      if (at >= 4) bytes[at] = static_cast<char>(random());
    }
    InspectElfFile(Write(bytes));
  }
}

}  // namespace
}  // namespace weir::plugins
