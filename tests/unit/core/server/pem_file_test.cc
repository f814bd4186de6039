#include "core/server/pem_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

TEST(PemFileTest, AFileIsReadWhole) {
  const test::TemporaryDirectory directory;
  const std::string all = std::string(100'000, 'a') + '\0' + "b\r\n";
  directory.Write("a.pem", all);
  std::string text;
  EXPECT_EQ(ReadPemFile(directory.Path("a.pem"), &text), "");
  EXPECT_EQ(text, all);
}

TEST(PemFileTest, WhatCannotBeOneIsRefusedAndTheTextStays) {
  const test::TemporaryDirectory directory;
  std::string text = "before";
  EXPECT_EQ(ReadPemFile(directory.Path("none"), &text), "No such file or directory");
  std::filesystem::create_directory(directory.Path("d"));
  EXPECT_EQ(ReadPemFile(directory.Path("d"), &text), "it is a directory");
  directory.Write("empty", "");
  EXPECT_EQ(ReadPemFile(directory.Path("empty"), &text), "it is empty");
  directory.Write("large", std::string((4 << 20) + 1, 'x'));
  EXPECT_EQ(ReadPemFile(directory.Path("large"), &text), "it has more than 4 MiB");
  EXPECT_EQ(text, "before");
  directory.Write("large", std::string(4 << 20, 'x'));
  EXPECT_EQ(ReadPemFile(directory.Path("large"), &text), "");
}

}  // namespace
}  // namespace weir::server
