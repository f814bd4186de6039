#include "core/net/listen_socket.h"

#include <cerrno>
#include <fstream>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::net {
namespace {

using testing::HasSubstr;

struct Taker final : AcceptHandler {
  ~Taker() { CloseAll(); }
  bool TakePlace(bool closing) override {
    if (!closing && places == 0) {
      if (socket != nullptr) socket->Pause();
      return false;
    }
    --places;
    return true;
  }
  void ReturnPlace() override { ++places; }
  void OnAccept(int fd, const Address& from) override {
    accepted.push_back(fd);
    peer = from;
  }
  void OnAcceptFailed(bool no_descriptor) override {
    no_descriptor ? ++without_descriptor : ++other;
  }
  void CloseAll() {
    for (const int fd : accepted) close(fd);
    accepted.clear();
  }
  int places = 1'000'000;
  int without_descriptor = 0;
  int other = 0;
  ListenSocket* socket = nullptr;
  Address peer;
  std::vector<int> accepted;
};

int Dial(const Address& address) {
  sockaddr_storage to;
  const socklen_t size = address.ToSockaddr(&to);
  const int fd = socket(address.family(), SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), size) == 0) return fd;
  close(fd);
  return -1;
}

class ListenSocketTest : public testing::Test {
 protected:
  void Listen(const Address& address = *Address::Parse("127.0.0.1:0")) {
    const BindResult bound = Bind(address, {});
    ASSERT_EQ(bound.error, "");
    local_ = bound.address;
    socket_ = std::make_unique<ListenSocket>(&loop_, bound.fd, bound.address, &taker_);
    taker_.socket = socket_.get();
  }
  void DialMany(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(Dial(local_));
      ASSERT_GE(clients_.back(), 0);
    }
  }
  void TearDown() override {
    for (const int fd : clients_) close(fd);
    if (!file_.empty()) unlink(file_.c_str());
  }
  Address UnixAddress(uint32_t mode = 0) {
    file_ = testing::TempDir() + "weir-listen-" + std::to_string(getpid());
    return *Address::Unix(file_, mode);
  }

  EventLoop loop_;
  Taker taker_;
  std::unique_ptr<ListenSocket> socket_;
  Address local_;
  std::vector<int> clients_;
  std::string file_;
};

TEST_F(ListenSocketTest, AcceptsOnceItIsResumed) {
  Listen();
  DialMany(3);
  loop_.Turn(false);
  EXPECT_EQ(taker_.accepted.size(), 0u);
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), 3u);
  EXPECT_EQ(socket_->stats().accepted, 3u);
  EXPECT_EQ(taker_.peer.ToString().substr(0, 10), "127.0.0.1:");
}

TEST_F(ListenSocketTest, ABatchIsBoundedAndTheRestComesInTheNextTurn) {
  Listen();
  DialMany(ListenSocket::kBatch + 6);
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), size_t{ListenSocket::kBatch});
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), size_t{ListenSocket::kBatch} + 6);
}

TEST_F(ListenSocketTest, AtTheLimitConnectionsWaitInTheBacklog) {
  Listen();
  taker_.places = 2;
  DialMany(3);
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), 2u);
  EXPECT_FALSE(socket_->accepting());
  loop_.Turn(false);
  EXPECT_EQ(taker_.accepted.size(), 2u);
  taker_.places = 1;
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), 3u);
}

TEST_F(ListenSocketTest, APlaceThatNobodyCameForIsGivenBack) {
  Listen();
  taker_.places = 10;
  DialMany(2);
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.places, 8);
}

TEST_F(ListenSocketTest, ClosingTakesEverybodyWhoWaitsFirst) {
  Listen();
  taker_.places = 0;
  DialMany(ListenSocket::kBatch * 2);
  socket_->Close();
  EXPECT_EQ(taker_.accepted.size(), size_t{ListenSocket::kBatch} * 2);
  EXPECT_TRUE(socket_->closed());
  EXPECT_EQ(Dial(local_), -1);
  socket_->Resume();
  EXPECT_FALSE(socket_->accepting());
}

TEST_F(ListenSocketTest, ABoundAddressIsNamedWithTheReason) {
  Listen();
  const BindResult second = Bind(local_, {.backlog = 0, .reuse_port = false, .ipv4_compat = false});
  EXPECT_EQ(second.fd, -1);
  EXPECT_EQ(second.error, "cannot bind " + local_.ToString() + ": Address already in use");
}

TEST_F(ListenSocketTest, WorkersBindTheSamePort) {
  Listen();
  const BindResult second = Bind(local_, {});
  EXPECT_EQ(second.error, "");
  EXPECT_EQ(second.address, local_);
  close(second.fd);
}

TEST_F(ListenSocketTest, Ipv6DoesNotTakeIpv4Along) {
  const BindResult six = Bind(*Address::Parse("[::]:0"), {});
  ASSERT_EQ(six.error, "");
  EXPECT_EQ(Dial(*Address::Parse("127.0.0.1:" + std::to_string(six.address.port()))), -1);
  close(six.fd);
  const BindResult both =
      Bind(*Address::Parse("[::]:0"), {.backlog = 0, .reuse_port = true, .ipv4_compat = true});
  const int fd = Dial(*Address::Parse("127.0.0.1:" + std::to_string(both.address.port())));
  EXPECT_GE(fd, 0);
  close(fd);
  close(both.fd);
}

TEST_F(ListenSocketTest, AUnixSocketGetsItsMode) {
  Listen(UnixAddress(0600));
  struct stat status;
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  DialMany(1);
  socket_->Resume();
  loop_.Turn(true);
  EXPECT_EQ(taker_.accepted.size(), 1u);
  EXPECT_TRUE(taker_.peer.is_unix());
}

TEST_F(ListenSocketTest, AStaleSocketFileIsReplaced) {
  Listen(UnixAddress());
  socket_.reset();
  struct stat status;
  ASSERT_EQ(stat(file_.c_str(), &status), 0) << "the file is left by whoever died";
  Listen(*Address::Unix(file_));
  DialMany(1);
}

TEST_F(ListenSocketTest, ASocketFileThatSomebodyListensOnIsLeftAlone) {
  Listen(UnixAddress());
  const BindResult second = Bind(local_, {});
  EXPECT_EQ(second.error, "cannot bind unix:" + file_ + ": Address already in use");
  DialMany(1);
}

TEST_F(ListenSocketTest, AnotherKindOfFileIsLeftAlone) {
  const Address address = UnixAddress();
  std::ofstream(file_) << "precious";
  EXPECT_THAT(Bind(address, {}).error, HasSubstr("Address already in use"));
  std::string word;
  std::ifstream(file_) >> word;
  EXPECT_EQ(word, "precious");
}

// Runs `body` in a child, whose limits do not outlive it; its exit code tells what failed.
int InChild(int (*body)()) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int OutOfDescriptors() {
  EventLoop loop;
  Taker taker;
  const BindResult bound = Bind(*Address::Parse("127.0.0.1:0"), {});
  ListenSocket socket(&loop, bound.fd, bound.address, &taker);
  std::vector<int> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(Dial(bound.address));
  // Room for three of the ten.
  const rlimit limit = {static_cast<rlim_t>(clients.back()) + 4,
                        static_cast<rlim_t>(clients.back()) + 4};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  socket.Resume();
  loop.Turn(true);
  if (taker.accepted.size() != 3) return 2;
  if (socket.stats().no_descriptor != 1 || socket.stats().turned_away != 1) return 3;
  if (socket.accepting() || taker.without_descriptor != 1 || taker.other != 0) return 4;
  // The one who was turned away hears of it; the others wait.
  char byte;
  if (recv(clients[3], &byte, 1, 0) > 0) return 5;
  if (recv(clients[4], &byte, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN) return 6;
  // Descriptors come back, and the rest ends by itself.
  taker.CloseAll();
  const uint64_t begin = EventLoop::MonotonicMs();
  while (taker.accepted.size() < 3 && EventLoop::MonotonicMs() < begin + 5000) loop.Turn(true);
  if (taker.accepted.size() != 3) return 7;
  if (EventLoop::MonotonicMs() - begin + 20 < ListenSocket::kRestMs) return 8;
  return 0;
}

TEST(OutOfDescriptorsTest, OneIsTurnedAwayAndAcceptingRests) {
  EXPECT_EQ(InChild(&OutOfDescriptors), 0);
}

}  // namespace
}  // namespace weir::net
