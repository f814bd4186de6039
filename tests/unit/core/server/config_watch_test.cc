#include "core/server/config_watch.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/log.h"
#include "core/server/fingerprint.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class ConfigWatchTest : public testing::Test {
 protected:
  ConfigWatchTest() { base::SetLogLevel(base::LogLevel::kOff); }
  void Watch(const std::string& name) {
    const std::string path = directory_.Path(name);
    watch_ =
        std::make_unique<ConfigWatch>(&loop_, path, FingerprintOfFile(path), [this] { ++told_; });
    std::string error;
    ASSERT_TRUE(watch_->Start(&error)) << error;
    // Its first look is over.
    Turn(std::chrono::milliseconds(200));
    ASSERT_EQ(told_, 0);
  }
  void Turn(std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      loop_.Turn(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  // Until it was told so often in all.
  bool Told(
      int times, const std::function<void()>& meanwhile = [] {}) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (told_ < times && std::chrono::steady_clock::now() < until) {
      meanwhile();
      loop_.Turn(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return told_ == times;
  }
  // Not told, though whoever looks has looked by now.
  bool Silent() {
    const int before = told_;
    Turn(std::chrono::milliseconds(300));
    return told_ == before;
  }

  test::TemporaryDirectory directory_;
  net::EventLoop loop_;
  int told_ = 0;
  std::unique_ptr<ConfigWatch> watch_;
};

TEST_F(ConfigWatchTest, AFileThatIsReplacedIsToldEachTime) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Replace("weir.yaml", "b");
  EXPECT_TRUE(Told(1));
  directory_.Replace("weir.yaml", "c");
  EXPECT_TRUE(Told(2));
}

TEST_F(ConfigWatchTest, AFileThatIsWrittenInPlaceIsTold) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Write("weir.yaml", "b");
  EXPECT_TRUE(Told(1));
}

TEST_F(ConfigWatchTest, TheSameBytesAnewAreNoChange) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Replace("weir.yaml", "a");
  directory_.Write("weir.yaml", "a");
  EXPECT_TRUE(Silent());
  directory_.Write("weir.yaml", "b");
  EXPECT_TRUE(Told(1)) << "it still watches";
}

TEST_F(ConfigWatchTest, OtherFilesOfTheDirectoryAreNoChange) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Write("other.yaml", "b");
  EXPECT_TRUE(Silent());
}

// As the kubelet does it: a new directory, and ..data swapped to it by a rename.
TEST_F(ConfigWatchTest, AConfigMapsSwapIsTold) {
  for (const char* name : {"..2026_1", "..2026_2", "..2026_3"}) {
    std::filesystem::create_directory(directory_.Path(name));
    directory_.Write(std::string(name) + "/weir.yaml", name);
  }
  directory_.Link("..2026_1", "..data");
  directory_.Link("..data/weir.yaml", "weir.yaml");
  Watch("weir.yaml");
  directory_.Link("..2026_2", "..data");
  EXPECT_TRUE(Told(1));
  std::filesystem::remove_all(directory_.Path("..2026_1"));
  EXPECT_TRUE(Silent()) << "what is removed afterwards is not what is read";
  directory_.Link("..2026_3", "..data");
  EXPECT_TRUE(Told(2));
}

TEST_F(ConfigWatchTest, AFileThatIsGoneIsNotToldAndItsReturnIs) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Remove("weir.yaml");
  EXPECT_TRUE(Silent());
  directory_.Write("weir.yaml", "b");
  EXPECT_TRUE(Told(1));
}

TEST_F(ConfigWatchTest, AFileThatReturnsAsItWasIsNoChange) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Remove("weir.yaml");
  EXPECT_TRUE(Silent());
  directory_.Write("weir.yaml", "a");
  EXPECT_TRUE(Silent());
}

TEST_F(ConfigWatchTest, ADirectoryThatReturnsIsWatchedAgain) {
  std::filesystem::create_directory(directory_.Path("etc"));
  directory_.Write("etc/weir.yaml", "a");
  Watch("etc/weir.yaml");
  std::filesystem::remove_all(directory_.Path("etc"));
  EXPECT_TRUE(Silent());
  std::filesystem::create_directory(directory_.Path("etc"));
  directory_.Write("etc/weir.yaml", "b");
  EXPECT_TRUE(Told(1));
  directory_.Write("etc/weir.yaml", "c");
  EXPECT_TRUE(Told(2));
}

// Where logs are written beside it events never end; each must not put the look off anew.
TEST_F(ConfigWatchTest, WhereSomethingHappensAllTheTimeTheChangeIsToldAllTheSame) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  directory_.Write("weir.yaml", "b");
  int n = 0;
  EXPECT_TRUE(Told(1, [&] { directory_.Write("log", std::to_string(++n)); }));
}

TEST_F(ConfigWatchTest, WhatChangedBeforeTheStartIsTold) {
  directory_.Write("weir.yaml", "b");
  watch_ = std::make_unique<ConfigWatch>(&loop_, directory_.Path("weir.yaml"), "what was read",
                                         [this] { ++told_; });
  std::string error;
  ASSERT_TRUE(watch_->Start(&error)) << error;
  EXPECT_TRUE(Told(1));
  EXPECT_TRUE(Silent());
}

TEST_F(ConfigWatchTest, WritesThatFollowEachOtherCloselyAreToldOnce) {
  directory_.Write("weir.yaml", "a");
  Watch("weir.yaml");
  for (int i = 0; i < 20; ++i) directory_.Write("weir.yaml", "b" + std::to_string(i));
  EXPECT_TRUE(Told(1));
  EXPECT_TRUE(Silent());
}

TEST_F(ConfigWatchTest, TheDirectoriesAreThoseOfTheFileAndOfEachLinkToIt) {
  const std::string here = std::filesystem::canonical(directory_.Path(".")).string();
  std::filesystem::create_directory(directory_.Path("..1"));
  directory_.Write("..1/weir.yaml", "a");
  EXPECT_THAT(DirectoriesOf(here + "/..1/weir.yaml"), ElementsAre(here + "/..1"));
  directory_.Link("..1", "..data");
  directory_.Link("..data/weir.yaml", "weir.yaml");
  EXPECT_THAT(DirectoriesOf(here + "/weir.yaml"), UnorderedElementsAre(here, here + "/..1"));
  EXPECT_THAT(DirectoriesOf(here + "/./..1/../weir.yaml"),
              UnorderedElementsAre(here, here + "/..1"));
}

TEST_F(ConfigWatchTest, OfWhatIsMissingTheNearestDirectoryIsWatched) {
  const std::string here = std::filesystem::canonical(directory_.Path(".")).string();
  EXPECT_THAT(DirectoriesOf(here + "/none/deeper/weir.yaml"), ElementsAre(here));
}

TEST_F(ConfigWatchTest, ALinkToItselfComesToAnEnd) {
  const std::string here = std::filesystem::canonical(directory_.Path(".")).string();
  directory_.Link("weir.yaml", "weir.yaml");
  EXPECT_THAT(DirectoriesOf(here + "/weir.yaml"), ElementsAre(here));
}

}  // namespace
}  // namespace weir::server
