#include "core/server/upgrade.h"

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::IsEmpty;

// The successors of these tests are lines of shell.
class UpgradeTest : public testing::Test {
 protected:
  static ProgramCommand Shell(const std::string& script) {
    // Not sh, which takes no descriptor of two digits.
    return {"/bin/bash", {"bash", "-c", script}};
  }
  bool Start(const ProgramCommand& command, const std::vector<InheritedSocket>& sockets = {}) {
    return upgrade_.Start(command, sockets, &error_);
  }
  bool Wait() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (told_.empty() && std::chrono::steady_clock::now() < until) {
      loop_.Turn(false);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return !told_.empty();
  }
  bool Gone() { return kill(upgrade_.pid(), 0) != 0; }

  net::EventLoop loop_;
  std::vector<std::string> told_;
  std::string error_;
  Upgrade upgrade_{&loop_, [this](const std::string& failure) { told_.push_back(failure); }};
};

constexpr char kServes[] = "printf serving >&$WEIR_UPGRADE_FD; eval \"exec $WEIR_UPGRADE_FD>&-\"; ";

TEST_F(UpgradeTest, AProgramThatCannotBeRunIsRefusedInWords) {
  const test::TemporaryDirectory directory;
  EXPECT_FALSE(Start({directory.Path("none"), {"none"}}));
  EXPECT_EQ(error_, "cannot run " + directory.Path("none") + ": No such file or directory");
  EXPECT_FALSE(upgrade_.running());
  directory.Write("text", "no program");
  EXPECT_FALSE(Start({directory.Path("text"), {"text"}}));
  EXPECT_THAT(error_, EndsWith("Permission denied"));
  loop_.Turn(false);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(UpgradeTest, ASuccessorThatServesIsSuccess) {
  ASSERT_TRUE(Start(Shell(std::string(kServes) + "exec sleep 60"))) << error_;
  EXPECT_TRUE(upgrade_.running());
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre(""));
  EXPECT_FALSE(upgrade_.running());
  EXPECT_FALSE(Gone()) << "it goes on";
  kill(upgrade_.pid(), SIGKILL);
}

TEST_F(UpgradeTest, ASuccessorThatEndsIsAFailureWithItsExitCode) {
  ASSERT_TRUE(Start(Shell("exit 7")));
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre("it ended with exit code 7"));
  EXPECT_TRUE(Gone());
}

TEST_F(UpgradeTest, ASuccessorThatIsKilledIsAFailureWithTheSignal) {
  ASSERT_TRUE(Start(Shell("kill -9 $$")));
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre("it was ended by signal 9"));
}

TEST_F(UpgradeTest, WhatItSaysBeforeItEndsIsTheReason) {
  ASSERT_TRUE(Start(Shell("printf 'weir.yaml:1:1: no' >&$WEIR_UPGRADE_FD; exit 1")));
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre("it ended with exit code 1: weir.yaml:1:1: no"));
}

// It can never say that it serves.
TEST_F(UpgradeTest, ASuccessorThatClosesThePipeAndStaysIsEnded) {
  ASSERT_TRUE(Start(Shell("eval \"exec $WEIR_UPGRADE_FD>&-\"; exec sleep 60")));
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre("it did not say that it serves"));
  EXPECT_TRUE(Gone());
}

TEST_F(UpgradeTest, AnAbortEndsItAndTellsNobody) {
  ASSERT_TRUE(Start(Shell("exec sleep 60")));
  upgrade_.Abort();
  EXPECT_TRUE(Gone());
  EXPECT_FALSE(upgrade_.running());
  loop_.Turn(false);
  EXPECT_THAT(told_, IsEmpty());
}

TEST_F(UpgradeTest, AfterAFailureAnotherOneMaySucceed) {
  ASSERT_TRUE(Start(Shell("exit 7")));
  ASSERT_TRUE(Wait());
  told_.clear();
  ASSERT_TRUE(Start(Shell(kServes)));
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre(""));
}

TEST_F(UpgradeTest, TheSocketsAndTheirNamesAreInheritedAndTheWatchdogsNumberIsNot) {
  const test::TemporaryDirectory directory;
  const int fd = open(directory.Path("socket").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  InheritedSocket socket;
  socket.fd = fd;
  socket.name = "a b";
  setenv("WATCHDOG_PID", "1", 1);
  setenv("WEIR_UNIT", "kept", 1);
  // Over the socket, which is close-on-exec here.
  ASSERT_TRUE(Start(Shell("echo \"$WEIR_LISTEN_FDS $WEIR_UNIT ${WATCHDOG_PID-none}\" >&" +
                          std::to_string(fd) + "; " + kServes),
                    {socket}));
  unsetenv("WATCHDOG_PID");
  unsetenv("WEIR_UNIT");
  ASSERT_TRUE(Wait());
  EXPECT_THAT(told_, ElementsAre(""));
  char room[200];
  const ssize_t size = pread(fd, room, sizeof(room), 0);
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string(room, static_cast<size_t>(size)),
            ListenVariable({socket}) + " kept none\n");
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC) << "here it stays so";
  close(fd);
}

TEST_F(UpgradeTest, ACommandIsFoundAsTheShellFoundIt) {
  const test::TemporaryDirectory directory;
  directory.Write("weir-unit-program", "#!/bin/sh\n");
  ASSERT_EQ(chmod(directory.Path("weir-unit-program").c_str(), 0700), 0);
  const std::string path = getenv("PATH");
  setenv("PATH", ("/none:" + directory.Path("") + ":" + path).c_str(), 1);
  const char* const arguments[] = {"weir-unit-program", "-c", "x"};
  const ProgramCommand found = ProgramCommand::Of(3, arguments);
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(found.file, directory.Path("") + "/weir-unit-program");
  EXPECT_THAT(found.arguments, ElementsAre("weir-unit-program", "-c", "x"));
  const char* const absolute[] = {"/opt/weir"};
  EXPECT_EQ(ProgramCommand::Of(1, absolute).file, "/opt/weir");
  const char* const relative[] = {"bin/weir"};
  char here[4096];
  ASSERT_NE(getcwd(here, sizeof(here)), nullptr);
  EXPECT_EQ(ProgramCommand::Of(1, relative).file, std::string(here) + "/bin/weir");
}

// ---- The successor's end ------------------------------------------------------------------------

class UpgradeReportTest : public testing::Test {
 protected:
  UpgradeReportTest() {
    EXPECT_EQ(pipe(ends_), 0);
    setenv("WEIR_UPGRADE_FD", std::to_string(ends_[1]).c_str(), 1);
  }
  ~UpgradeReportTest() override {
    UpgradeReport::Failed("over");
    if (ends_[0] >= 0) close(ends_[0]);
  }
  std::string ReadAll() {
    std::string all;
    char room[4096];
    for (ssize_t size; (size = read(ends_[0], room, sizeof(room))) > 0;)
      all.append(room, static_cast<size_t>(size));
    return all;
  }
  int ends_[2] = {-1, -1};
};

TEST_F(UpgradeReportTest, ItSaysOnceThatItServesAndClosesThePipe) {
  UpgradeReport::FromEnvironment();
  EXPECT_EQ(getenv("WEIR_UPGRADE_FD"), nullptr) << "not for whoever this process starts";
  EXPECT_TRUE(fcntl(ends_[1], F_GETFD) & FD_CLOEXEC);
  EXPECT_TRUE(UpgradeReport::pending());
  UpgradeReport::Serving();
  EXPECT_FALSE(UpgradeReport::pending());
  UpgradeReport::Failed("too late");
  EXPECT_EQ(ReadAll(), "serving");
}

TEST_F(UpgradeReportTest, AReasonIsSaidInstead) {
  UpgradeReport::FromEnvironment();
  UpgradeReport::Failed("cannot bind");
  UpgradeReport::Serving();
  EXPECT_EQ(ReadAll(), "cannot bind");
}

TEST_F(UpgradeReportTest, WhatIsNoDescriptorIsNobodysSuccessor) {
  for (const char* text : {"", "x", "2", "-1", "7x", "99999", "99999999999999999999"}) {
    setenv("WEIR_UPGRADE_FD", text, 1);
    UpgradeReport::FromEnvironment();
    EXPECT_FALSE(UpgradeReport::pending()) << text;
    EXPECT_EQ(getenv("WEIR_UPGRADE_FD"), nullptr);
  }
  UpgradeReport::Serving();  // to nobody
  close(ends_[1]);
}

TEST_F(UpgradeReportTest, WhereThePredecessorIsGoneTheSuccessorGoesOn) {
  UpgradeReport::FromEnvironment();
  close(ends_[0]);
  ends_[0] = -1;
  const auto before = signal(SIGPIPE, SIG_IGN);  // as main does
  UpgradeReport::Serving();
  signal(SIGPIPE, before);
  EXPECT_FALSE(UpgradeReport::pending());
}

}  // namespace
}  // namespace weir::server
