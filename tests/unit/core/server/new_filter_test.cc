#include "core/server/new_filter.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class NewFilterTest : public testing::Test {
 protected:
  NewFilterTest() : folder_(testing::TempDir() + "new_filter" + std::to_string(getpid())) {
    std::filesystem::create_directory(folder_);
  }
  ~NewFilterTest() override { std::filesystem::remove_all(folder_); }
  std::string Read(const std::string& path) const {
    std::ifstream file(folder_ + "/" + path);
    std::ostringstream text;
    text << file.rdbuf();
    return file ? text.str() : "(none)";
  }
  const std::string folder_;
};

TEST_F(NewFilterTest, NamesAreCheckedInWords) {
  EXPECT_EQ(CheckFilterName("a"), "");
  EXPECT_EQ(CheckFilterName("my_filter_2"), "");
  for (const char* name : {"", "A", "2a", "_a", "a-b", "a.b", "../a", "a/b", "a b"}) {
    EXPECT_THAT(CheckFilterName(name), HasSubstr("[a-z][a-z0-9_]*")) << name;
  }
  EXPECT_THAT(CheckFilterName(std::string(49, 'a')), HasSubstr("48"));
  EXPECT_THAT(CheckFilterName("test"), HasSubstr("CMake"));
}

TEST_F(NewFilterTest, EachLanguageGetsItsProjectUnderItsName) {
  const std::pair<const char*, const char*> languages[] = {
      {"c", "say_hello.c"}, {"c++", "say_hello.cc"}, {"rust", "say_hello.rs"}};
  for (const auto& [language, source] : languages) {
    ASSERT_EQ(WriteNewFilter({"say_hello", language}, folder_), "");
    EXPECT_THAT(Read(std::string("say_hello/") + source), HasSubstr("x-say-hello")) << language;
    for (const char* path : {"README.md", "Makefile", "weir.yaml", "config.yaml", "test.sh"}) {
      const std::string text = Read(std::string("say_hello/") + path);
      EXPECT_NE(text, "(none)") << language << " " << path;
      EXPECT_THAT(text, Not(HasSubstr("my_filter"))) << language << " " << path;
    }
    EXPECT_EQ(::access((folder_ + "/say_hello/test.sh").c_str(), X_OK), 0);
    std::filesystem::remove_all(folder_ + "/say_hello");
  }
}

TEST_F(NewFilterTest, ANameMayHoldThatOfTheTemplate) {
  ASSERT_EQ(WriteNewFilter({"my_filter_my_filter", "c++"}, folder_), "");
  EXPECT_THAT(Read("my_filter_my_filter/my_filter_my_filter.cc"),
              HasSubstr("WEIR_HTTP_FILTER(my_filter_my_filter, \"0.1\", MyFilterMyFilter)"));
}

TEST_F(NewFilterTest, AFolderThatIsThereIsNotTouched) {
  std::filesystem::create_directory(folder_ + "/taken");
  EXPECT_THAT(WriteNewFilter({"taken", "c"}, folder_), HasSubstr("is there already"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/taken"));
  EXPECT_THAT(WriteNewFilter({"a", "c"}, folder_ + "/nowhere"), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace weir::server
