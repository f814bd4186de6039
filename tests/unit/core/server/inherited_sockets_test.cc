#include "core/server/inherited_sockets.h"

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/net/listen_socket.h"

namespace weir::server {
namespace {

net::Address At(const char* text) {
  return *net::Address::Parse(text);
}

class InheritedSocketsTest : public testing::Test {
 protected:
  void SetUp() override {
    base::SetLogLevel(base::LogLevel::kOff);
    Clear();
  }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char* name : {"WEIR_LISTEN_FDS", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
      unsetenv(name);
  }
  static net::BindResult Listen(const char* address) {
    net::BindResult bound = net::Bind(At(address), {});
    EXPECT_GE(bound.fd, 0) << bound.error;
    return bound;
  }
  // What FromEnvironment says of WEIR_LISTEN_FDS.
  static std::string Read(const std::string& variable) {
    setenv("WEIR_LISTEN_FDS", variable.c_str(), 1);
    InheritedSockets sockets;
    std::string error;
    return sockets.FromEnvironment(&error) ? "" : error;
  }
};

TEST_F(InheritedSocketsTest, NothingIsInheritedWithoutVariables) {
  InheritedSockets sockets;
  std::string error;
  EXPECT_TRUE(sockets.FromEnvironment(&error));
  EXPECT_TRUE(sockets.Take(At("127.0.0.1:80"), "a").empty());
}

TEST_F(InheritedSocketsTest, ASocketIsForTheListenerOfItsAddress) {
  const auto bound = Listen("127.0.0.1:0");
  setenv("WEIR_LISTEN_FDS", (std::to_string(bound.fd) + ":some%20%2C%25name").c_str(), 1);
  InheritedSockets sockets;
  std::string error;
  ASSERT_TRUE(sockets.FromEnvironment(&error)) << error;
  EXPECT_EQ(getenv("WEIR_LISTEN_FDS"), nullptr) << "children have nothing to do with it";
  EXPECT_EQ(fcntl(bound.fd, F_GETFD), FD_CLOEXEC);
  net::Address other = bound.address;
  other.set_port(static_cast<uint16_t>(other.port() == 1 ? 2 : other.port() - 1));
  EXPECT_TRUE(sockets.Take(other, "some ,%name").empty()) << "a name alone is not enough";
  const auto taken = sockets.Take(bound.address, "renamed");
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].fd, bound.fd);
  EXPECT_EQ(taken[0].name, "some ,%name");
  EXPECT_TRUE(sockets.Take(bound.address, "renamed").empty()) << "it is taken once";
  close(bound.fd);
}

TEST_F(InheritedSocketsTest, WithPortZeroItIsForTheListenerOfThatName) {
  const auto one = Listen("127.0.0.1:0");
  const auto two = Listen("127.0.0.1:0");
  setenv("WEIR_LISTEN_FDS",
         (std::to_string(one.fd) + ":one," + std::to_string(two.fd) + ":two").c_str(), 1);
  InheritedSockets sockets;
  std::string error;
  ASSERT_TRUE(sockets.FromEnvironment(&error)) << error;
  EXPECT_TRUE(sockets.Take(At("[::1]:0"), "two").empty());
  const auto taken = sockets.Take(At("127.0.0.1:0"), "two");
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].fd, two.fd);
  EXPECT_EQ(taken[0].bound, two.address);
  close(two.fd);
  sockets.CloseRest();
  EXPECT_EQ(fcntl(one.fd, F_GETFD), -1) << "nobody wanted it";
}

TEST_F(InheritedSocketsTest, WhatIsNoListOfListeningSocketsIsRefused) {
  const auto bound = Listen("127.0.0.1:0");
  const std::string fd = std::to_string(bound.fd);
  const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (const std::string& text :
       {std::string("x"), fd, ":" + fd, fd + ":a%2", fd + ":a b", "-" + fd + ":a", fd + "x:a",
        std::string("99999999999:a"), std::string(","), fd + ":a:", fd + ":a:other",
        fd + ":a:activated:"})
    EXPECT_NE(Read(text).find("DESCRIPTOR:NAME"), std::string::npos) << text << ": " << Read(text);
  for (const int other : {plain, datagrams, 1000000})
    EXPECT_NE(Read(std::to_string(other) + ":a").find("no listening stream socket"),
              std::string::npos);
  EXPECT_GE(fcntl(bound.fd, F_GETFD), 0);
  EXPECT_NE(Read(fd + ":a," + fd + ":b").find("twice"), std::string::npos);
  close(plain);
  close(datagrams);
}

TEST_F(InheritedSocketsTest, SystemdsVariablesForAnotherProcessAreNotOurs) {
  setenv("LISTEN_PID", "1", 1);
  setenv("LISTEN_FDS", "nonsense", 1);
  InheritedSockets sockets;
  std::string error;
  EXPECT_TRUE(sockets.FromEnvironment(&error)) << error;
  EXPECT_EQ(getenv("LISTEN_FDS"), nullptr);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", "nonsense", 1);
  EXPECT_FALSE(sockets.FromEnvironment(&error));
  EXPECT_NE(error.find("nonsense"), std::string::npos);
}

TEST_F(InheritedSocketsTest, WhatSystemdBoundStaysSystemdsThroughUpgrades) {
  const auto own = Listen("127.0.0.1:0");
  const auto systemds = Listen("127.0.0.1:0");
  const std::string variable = ListenVariable(
      {{own.fd, "a", own.address, false}, {systemds.fd, "b", systemds.address, true}});
  setenv("WEIR_LISTEN_FDS", variable.c_str(), 1);
  InheritedSockets sockets;
  std::string error;
  ASSERT_TRUE(sockets.FromEnvironment(&error)) << error;
  const auto first = sockets.Take(own.address, "a");
  const auto second = sockets.Take(At("[::1]:80"), "b");
  ASSERT_EQ(first.size(), 1u);
  EXPECT_FALSE(first[0].activated);
  ASSERT_EQ(second.size(), 1u) << "a name is enough";
  EXPECT_TRUE(second[0].activated);
  close(own.fd);
  close(systemds.fd);
}

// Of a unit with two ListenStream= and one FileDescriptorName=.
TEST_F(InheritedSocketsTest, AnAddressSaysMoreThanANameThatSocketsShare) {
  const auto tls = Listen("127.0.0.1:0");
  const auto http = Listen("127.0.0.1:0");
  setenv(
      "WEIR_LISTEN_FDS",
      ListenVariable({{tls.fd, "http", tls.address, true}, {http.fd, "http", http.address, true}})
          .c_str(),
      1);
  InheritedSockets sockets;
  std::string error;
  ASSERT_TRUE(sockets.FromEnvironment(&error)) << error;
  const auto first = sockets.Take(http.address, "http");
  const auto second = sockets.Take(tls.address, "tls");
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].fd, http.fd);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].fd, tls.fd);
  close(http.fd);
  close(tls.fd);
}

TEST_F(InheritedSocketsTest, APortOfSystemdIsForAListenerOnAnyAddress) {
  const auto bound = Listen("[::]:0");
  setenv("WEIR_LISTEN_FDS", ListenVariable({{bound.fd, "unit", bound.address, true}}).c_str(), 1);
  InheritedSockets sockets;
  std::string error;
  ASSERT_TRUE(sockets.FromEnvironment(&error)) << error;
  const std::string port = ":" + std::to_string(bound.address.port());
  EXPECT_TRUE(sockets.Take(At(("127.0.0.1" + port).c_str()), "web").empty());
  EXPECT_TRUE(sockets.Take(At("0.0.0.0:0"), "web").empty());
  EXPECT_EQ(sockets.Take(At(("0.0.0.0" + port).c_str()), "web").size(), 1u);
  close(bound.fd);
}

TEST_F(InheritedSocketsTest, ListeningSocketsAreFoundOnceEach) {
  const auto one = Listen("127.0.0.1:0");
  const auto other = Listen("127.0.0.1:0");
  const auto path = net::Address::Unix("@weir-inherited-" + std::to_string(getpid()));
  const auto unix_socket = net::Bind(*path, {});
  const int again = fcntl(one.fd, F_DUPFD_CLOEXEC, 0);
  const auto found =
      DuplicateListening({{-1, "one", one.address, false}, {-1, "unix, too", *path, true}});
  ASSERT_EQ(found.size(), 2u);
  for (const InheritedSocket& socket : found) {
    EXPECT_EQ(socket.name, socket.bound.is_unix() ? "unix, too" : "one");
    EXPECT_EQ(socket.activated, socket.bound.is_unix());
    EXPECT_EQ(fcntl(socket.fd, F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(Read(ListenVariable(found)), "");
  for (const InheritedSocket& socket : found)
    EXPECT_EQ(fcntl(socket.fd, F_GETFD), -1) << "nobody took them";
  for (const int fd : {one.fd, other.fd, unix_socket.fd, again}) close(fd);
}

}  // namespace
}  // namespace weir::server
