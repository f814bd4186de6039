#include "core/server/pid_file.h"

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/server/options.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using testing::HasSubstr;

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() { base::SetLogLevel(base::LogLevel::kOff); }
  std::string Read(const std::string& name) const {
    std::ifstream file(directory_.Path(name));
    std::ostringstream all;
    all << file.rdbuf();
    return all.str();
  }
  bool Exists(const std::string& name) const {
    return std::filesystem::exists(directory_.Path(name));
  }
  // Runs `weir upgrade --pid-file`; its exit code, with what it said in said_.
  int Ask() {
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
    const int code = RunUpgradeCommand(path_);
    said_ = testing::internal::GetCapturedStderr() + testing::internal::GetCapturedStdout();
    return code;
  }
  // A process that answers SIGUSR2 as a server does: with this text.
  pid_t Answerer(const std::string& outcome) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR2);
    // Before the fork, so that it is blocked whenever the number can be seen.
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);  // whatever becomes of the test
      // Not sigwait: what waits there does not block the signal, and a server does.
      const int fd = signalfd(-1, &signals, 0);
      signalfd_siginfo asked;
      if (read(fd, &asked, sizeof(asked)) != sizeof(asked)) _exit(1);
      if (outcome.empty()) _exit(0);
      PidFile(path_).WriteOutcome(77, outcome == "done" ? "" : outcome);
      for (;;) pause();
    }
    sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    directory_.Write("weir.pid", std::to_string(child) + "\n");
    return child;
  }
  static void End(pid_t child) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }

  test::TemporaryDirectory directory_;
  const std::string path_ = directory_.Path("weir.pid");
  std::string said_;
};

TEST_F(PidFileTest, ItHasTheNumberOnALineAndNothingElseIsLeft) {
  std::string error;
  directory_.Write("weir.pid", "12345678901234567890\nof another one\n");
  ASSERT_TRUE(PidFile(path_).Write(&error)) << error;
  EXPECT_EQ(Read("weir.pid"), std::to_string(getpid()) + "\n");
  EXPECT_FALSE(Exists("weir.pid.new"));
}

TEST_F(PidFileTest, WhereItCannotBeWrittenTheReasonIsTold) {
  std::string error;
  EXPECT_FALSE(PidFile(directory_.Path("none/weir.pid")).Write(&error));
  EXPECT_EQ(error,
            "cannot write " + directory_.Path("none/weir.pid") + ": No such file or directory");
}

TEST_F(PidFileTest, WithoutAPathNothingHappensAndAllIsWell) {
  std::string error;
  const PidFile none("");
  EXPECT_TRUE(none.Write(&error));
  none.WriteOutcome(1, "");
  none.Remove();
  EXPECT_EQ(error, "");
}

TEST_F(PidFileTest, TheEndRemovesIt) {
  std::string error;
  const PidFile file(path_);
  ASSERT_TRUE(file.Write(&error));
  file.Remove();
  EXPECT_FALSE(Exists("weir.pid"));
}

TEST_F(PidFileTest, ThatOfTheSuccessorStays) {
  std::string error;
  const PidFile file(path_);
  ASSERT_TRUE(file.Write(&error));
  const std::string other = std::to_string(getppid()) + "\n";
  directory_.Replace("weir.pid", other);
  file.Remove();
  EXPECT_EQ(Read("weir.pid"), other);
}

TEST_F(PidFileTest, TheOutcomeStandsBesideIt) {
  const PidFile file(path_);
  file.WriteOutcome(4711, "");
  EXPECT_EQ(Read("weir.pid.upgrade"), "done 4711\n");
  file.WriteOutcome(4711, "it ended with exit code 2");
  EXPECT_EQ(Read("weir.pid.upgrade"), "failed it ended with exit code 2\n");
}

TEST_F(PidFileTest, AnUpgradeIsAskedForAndItsOutcomePrinted) {
  const pid_t child = Answerer("done");
  EXPECT_EQ(Ask(), kExitOk);
  EXPECT_EQ(said_, "process 77 serves, process " + std::to_string(child) + " drains\n");
  EXPECT_FALSE(Exists("weir.pid.upgrade")) << "the next one must not read it";
  End(child);
}

TEST_F(PidFileTest, AFailureIsToldAndAnEarlierOutcomeIsNotTakenForIt) {
  directory_.Write("weir.pid.upgrade", "done 1\n");
  const pid_t child = Answerer("it was ended by signal 9");
  EXPECT_EQ(Ask(), kExitConfig);
  EXPECT_EQ(said_, "weir: upgrade: failed it was ended by signal 9\n");
  End(child);
}

TEST_F(PidFileTest, AProcessThatEndsInsteadIsNotWaitedFor) {
  const pid_t child = Answerer("");
  std::thread reaper([child] { waitpid(child, nullptr, 0); });
  EXPECT_EQ(Ask(), kExitConfig);
  reaper.join();
  EXPECT_EQ(said_, "weir: upgrade: process " + std::to_string(child) + " has ended\n");
}

TEST_F(PidFileTest, WhatHasNoNumberInItSignalsNobody) {
  for (const char* text : {"", "\n", "nonsense\n", "-1\n", "0\n", "12 \n", "12x\n"}) {
    directory_.Write("weir.pid", text);
    EXPECT_EQ(Ask(), kExitConfig);
    EXPECT_EQ(said_, "weir: upgrade: no process's number is in " + path_ + "\n") << text;
  }
  directory_.Remove("weir.pid");
  EXPECT_EQ(Ask(), kExitConfig);
}

// The number may be another program's by now, which SIGUSR2 would end.
TEST_F(PidFileTest, AProgramThatDoesNotKnowTheSignalIsNotSentIt) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    pause();
    _exit(0);
  }
  directory_.Write("weir.pid", std::to_string(child) + "\n");
  EXPECT_EQ(Ask(), kExitConfig);
  EXPECT_THAT(said_, HasSubstr("is no running Weir"));
  EXPECT_EQ(waitpid(child, nullptr, WNOHANG), 0) << "it lives";
  End(child);
}

}  // namespace
}  // namespace weir::server
