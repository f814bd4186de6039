#include "core/server/notify.h"

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "tests/unit/core/server/temporary_directory.h"

namespace weir::server {
namespace {

using testing::StartsWith;

// What systemd listens at; a name that begins with @ is abstract.
class Listener {
 public:
  explicit Listener(const std::string& name) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (at.sun_path[0] == '@') at.sun_path[0] = '\0';
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&at), size), 0) << strerror(errno);
  }
  ~Listener() { close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // The next message; what is sent to a socket of this machine is there at once.
  std::string Hear() {
    char room[1000];
    const ssize_t size = recv(fd_, room, sizeof(room), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(room, static_cast<size_t>(size));
  }

 private:
  int fd_;
};

class NotifyTest : public testing::Test {
 protected:
  NotifyTest() {
    base::SetLogLevel(base::LogLevel::kOff);
    Forget();
  }
  ~NotifyTest() override { Forget(); }
  static void Forget() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) unsetenv(name);
  }
  static uint64_t MonotonicUs() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<uint64_t>(now.tv_nsec) / 1000;
  }
  test::TemporaryDirectory directory_;
};

TEST_F(NotifyTest, ASocketOfAPathHearsWhatSystemdIsTold) {
  const std::string path = directory_.Path("notify");
  Listener systemd(path);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const Notify notify;
  notify.Serving();
  EXPECT_EQ(systemd.Hear(), "READY=1\nSTATUS=serving");
  notify.Serving("the last reload failed");
  EXPECT_EQ(systemd.Hear(), "READY=1\nSTATUS=serving; the last reload failed");
  notify.Alive();
  EXPECT_EQ(systemd.Hear(), "WATCHDOG=1");
  EXPECT_EQ(systemd.Hear(), "nothing");
}

TEST_F(NotifyTest, AnAbstractSocketHearsToo) {
  const std::string name = "@weir-unit-notify-" + std::to_string(getpid());
  Listener systemd(name);
  setenv("NOTIFY_SOCKET", name.c_str(), 1);
  const Notify notify;
  notify.Serving();
  EXPECT_EQ(systemd.Hear(), "READY=1\nSTATUS=serving");
}

// systemd takes RELOADING=1 only with the time, to tell it from one of before.
TEST_F(NotifyTest, AReloadIsToldWithTheMonotonicTime) {
  const std::string path = directory_.Path("notify");
  Listener systemd(path);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const Notify notify;
  const uint64_t before = MonotonicUs();
  notify.Reloading();
  const uint64_t after = MonotonicUs();
  const std::string told = systemd.Hear();
  const std::string start = "RELOADING=1\nMONOTONIC_USEC=";
  ASSERT_THAT(told, StartsWith(start));
  const uint64_t at = std::strtoull(told.c_str() + start.size(), nullptr, 10);
  EXPECT_GE(at, before);
  EXPECT_LE(at, after);
}

TEST_F(NotifyTest, TheEndIsGivenTheDrainTimeAndSomeMore) {
  const std::string path = directory_.Path("notify");
  Listener systemd(path);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const Notify notify;
  notify.Stopping(std::chrono::seconds(90));
  EXPECT_EQ(systemd.Hear(), "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=95000000");
}

TEST_F(NotifyTest, TheSuccessorBecomesTheMainProcessAndServes) {
  const std::string path = directory_.Path("notify");
  Listener systemd(path);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const Notify notify;
  notify.HandOver(4711);
  EXPECT_EQ(systemd.Hear(), "MAINPID=4711\nREADY=1\nSTATUS=serving");
}

TEST_F(NotifyTest, WithoutASocketNothingIsOpenedAndNothingHappens) {
  setenv("WATCHDOG_USEC", "2000000", 1);
  const int free_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  close(free_fd);
  // "" is none; "relative" and a name that no address holds are no sockets of systemd's.
  for (const std::string& name : {std::string(), std::string("relative"), std::string(200, '/')}) {
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
    const Notify notify;
    notify.Serving();
    notify.Reloading();
    notify.Stopping(std::chrono::seconds(1));
    EXPECT_EQ(notify.watchdog_ms(), 0u) << "who is not heard need not speak";
    const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(next, free_fd) << "no socket was made";
    close(next);
  }
}

TEST_F(NotifyTest, WhereNobodyListensNobodyWaits) {
  setenv("NOTIFY_SOCKET", directory_.Path("nobody").c_str(), 1);
  const Notify notify;
  notify.Serving();
  Listener systemd(directory_.Path("nobody"));
  notify.Alive();
  EXPECT_EQ(systemd.Hear(), "WATCHDOG=1") << "what comes later is heard";
}

TEST_F(NotifyTest, TheWatchdogHearsTwiceWithinItsTime) {
  setenv("NOTIFY_SOCKET", directory_.Path("notify").c_str(), 1);
  EXPECT_EQ(Notify().watchdog_ms(), 0u) << "there is none";
  setenv("WATCHDOG_USEC", "3000000", 1);
  EXPECT_EQ(Notify().watchdog_ms(), 1500u);
  setenv("WATCHDOG_USEC", "10", 1);
  EXPECT_EQ(Notify().watchdog_ms(), 1u) << "never is something else";
  setenv("WATCHDOG_USEC", "nonsense", 1);
  EXPECT_EQ(Notify().watchdog_ms(), 0u);
}

TEST_F(NotifyTest, TheWatchdogOfAnotherProcessIsNotOurs) {
  setenv("NOTIFY_SOCKET", directory_.Path("notify").c_str(), 1);
  setenv("WATCHDOG_USEC", "3000000", 1);
  setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  EXPECT_EQ(Notify().watchdog_ms(), 1500u);
  setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);
  EXPECT_EQ(Notify().watchdog_ms(), 0u);
}

}  // namespace
}  // namespace weir::server
