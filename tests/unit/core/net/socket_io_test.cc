#include "core/net/socket_io.h"

#include <cerrno>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/listen_socket.h"
#include "core/net/second_look.h"

namespace weir::net {
namespace {

struct Client final : IoClient {
  void OnIo(bool readable, bool writable) override {
    ++calls;
    reads += readable;
    writes += writable;
  }
  int calls = 0;
  int reads = 0;
  int writes = 0;
};

ssize_t WriteText(Io* io, std::string_view text) {
  const iovec piece = {const_cast<char*>(text.data()), text.size()};
  return io->Write(&piece, 1);
}

class SocketIoTest : public testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    io_ = SocketIo::Adopt(&loop_, fds[0]);
    io_->set_client(&client_);
    peer_ = fds[1];
  }
  void TearDown() override {
    if (peer_ >= 0) close(peer_);
  }
  void ClosePeer() {
    close(peer_);
    peer_ = -1;
  }
  ssize_t Read() { return io_->Read(room_, sizeof(room_)); }

  EventLoop loop_;
  Client client_;
  std::unique_ptr<SocketIo> io_;
  int peer_ = -1;
  uint8_t room_[65536];
};

// Turns until `condition`, for five seconds at most.
template <class Condition>
bool Until(EventLoop* loop, Condition condition) {
  const uint64_t end = EventLoop::MonotonicMs() + 5000;
  while (!condition() && EventLoop::MonotonicMs() < end) {
    loop->Turn(false);
    usleep(100);
  }
  return condition();
}

TEST_F(SocketIoTest, AnAdoptedSocketIsToldThatItCanWrite) {
  loop_.Turn(true);
  EXPECT_EQ(client_.calls, 1);
  EXPECT_EQ(client_.writes, 1);
  EXPECT_EQ(client_.reads, 0);
  EXPECT_TRUE(io_->connected());
}

TEST_F(SocketIoTest, EachArrivalIsAnEdgeAndNothingElseIs) {
  loop_.Turn(true);
  ASSERT_EQ(write(peer_, "ab", 2), 2);
  loop_.Turn(true);
  EXPECT_EQ(client_.reads, 1);
  loop_.Turn(false);
  EXPECT_EQ(client_.reads, 1) << "unread bytes are not reported twice";
  EXPECT_EQ(io_->Read(room_, 1), 1);
  EXPECT_EQ(Read(), 1);
  EXPECT_EQ(Read(), kAgain);
  ASSERT_EQ(write(peer_, "c", 1), 1);
  loop_.Turn(true);
  EXPECT_EQ(client_.reads, 2);
}

TEST_F(SocketIoTest, TheEndOfThePeersBytesIsZero) {
  ASSERT_EQ(write(peer_, "ab", 2), 2);
  ClosePeer();
  loop_.Turn(true);
  EXPECT_EQ(Read(), 2);
  EXPECT_EQ(Read(), 0);
}

TEST_F(SocketIoTest, AFinBehindBytesIsAnnouncedAfterAShortRead) {
  loop_.Turn(true);
  ASSERT_EQ(write(peer_, "ab", 2), 2);
  ASSERT_EQ(shutdown(peer_, SHUT_WR), 0);
  loop_.Turn(true);
  EXPECT_EQ(client_.reads, 1);
  EXPECT_EQ(Read(), 2);
  loop_.Turn(false);
  EXPECT_EQ(client_.reads, 2);
  EXPECT_EQ(Read(), 0);
  loop_.Turn(false);
  EXPECT_EQ(client_.reads, 2) << "once is enough";
}

TEST_F(SocketIoTest, ManyPiecesGoInOneWrite) {
  const iovec pieces[] = {{const_cast<char*>("ab"), 2}, {const_cast<char*>("cd"), 2}};
  EXPECT_EQ(io_->Write(pieces, 2), 4);
  EXPECT_EQ(read(peer_, room_, sizeof(room_)), 4);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(room_), 4), "abcd");
}

TEST_F(SocketIoTest, AFullSocketSaysAgainAndTellsWhenItHasRoom) {
  loop_.Turn(true);
  const std::string block(65536, 'x');
  while (WriteText(io_.get(), block) > 0) {
  }
  EXPECT_EQ(WriteText(io_.get(), block), kAgain);
  const int before = client_.writes;
  while (read(peer_, room_, sizeof(room_)) > 0) {
  }
  loop_.Turn(true);
  EXPECT_EQ(client_.writes, before + 1);
}

TEST_F(SocketIoTest, AWriteToAClosedPeerFailsWithoutASignal) {
  ClosePeer();
  EXPECT_EQ(WriteText(io_.get(), "a"), kFailed);
  EXPECT_EQ(io_->error(), EPIPE);
  EXPECT_EQ(Read(), 0);
}

TEST_F(SocketIoTest, WhatCameBeforeTheWriteFailedCanStillBeRead) {
  ASSERT_EQ(send(peer_, "answer", 6, 0), 6);
  ClosePeer();
  loop_.Turn(false);
  while (WriteText(io_.get(), "more") != kFailed) loop_.Turn(false);
  EXPECT_EQ(io_->error(), EPIPE);
  EXPECT_EQ(Read(), 6);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(room_), 6), "answer");
}

TEST_F(SocketIoTest, OurFinLeavesTheOtherDirectionOpen) {
  io_->ShutdownWrite();
  EXPECT_EQ(read(peer_, room_, 1), 0);
  ASSERT_EQ(write(peer_, "a", 1), 1);
  EXPECT_EQ(Read(), 1);
}

TEST_F(SocketIoTest, MayDieInItsOwnClientsCall) {
  struct Killer final : IoClient {
    void OnIo(bool, bool) override { io->reset(); }
    std::unique_ptr<SocketIo>* io;
  } killer;
  killer.io = &io_;
  io_->set_client(&killer);
  ASSERT_EQ(write(peer_, "a", 1), 1);
  loop_.Turn(true);
  EXPECT_EQ(io_, nullptr);
  EXPECT_EQ(read(peer_, room_, 1), -1) << "the unread byte makes it a reset";
}

TEST_F(SocketIoTest, TheMemoryOfTheDeadIsUsedAgain) {
  const void* before = io_.get();
  io_.reset();
  io_ = SocketIo::Adopt(&loop_, dup(peer_));
  EXPECT_EQ(io_.get(), before);
}

class ResetTest : public testing::Test {
 protected:
  // A pair of TCP sockets: a socket of which the peer is in this process too.
  void SetUp() override {
    const BindResult bound = Bind(*Address::Parse("127.0.0.1:0"), {});
    ASSERT_EQ(bound.error, "");
    sockaddr_storage to;
    const socklen_t size = bound.address.ToSockaddr(&to);
    peer_ = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(connect(peer_, reinterpret_cast<sockaddr*>(&to), size), 0);
    const int accepted = accept4(bound.fd, nullptr, nullptr, SOCK_NONBLOCK);
    ASSERT_GE(accepted, 0);
    close(bound.fd);
    io_ = SocketIo::Adopt(&loop_, accepted);
    io_->set_client(&client_);
    loop_.Turn(true);
  }
  void TearDown() override {
    if (peer_ >= 0) close(peer_);
  }
  void ResetByPeer() {
    const linger abort = {1, 0};
    ASSERT_EQ(setsockopt(peer_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
    close(peer_);
    peer_ = -1;
  }

  EventLoop loop_;
  Client client_;
  std::unique_ptr<SocketIo> io_;
  int peer_ = -1;
  uint8_t room_[65536];
};

TEST_F(ResetTest, BehindBytesIsAnnouncedThoughTheReadWasShort) {
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  ResetByPeer();
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  const int before = client_.reads;
  ASSERT_TRUE(Until(&loop_, [&] { return client_.reads > before; }));
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), kFailed);
  EXPECT_EQ(io_->error(), ECONNRESET);
}

TEST_F(ResetTest, BehindBytesAndAFinIsAnnouncedAsAnEnd) {
  char unread = 'x';
  const iovec piece{&unread, 1};
  ASSERT_EQ(io_->Write(&piece, 1), 1);
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  ASSERT_EQ(shutdown(peer_, SHUT_WR), 0);
  ResetByPeer();
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  const int before = client_.reads;
  ASSERT_TRUE(Until(&loop_, [&] { return client_.reads > before; }));
  EXPECT_LE(io_->Read(room_, sizeof(room_)), 0);
}

// Long before the second look of sockets for which nobody waits; and bytes, FIN and RST in one.
TEST_F(ResetTest, IsAnnouncedSoonWhereSomebodyWaitsForThePeer) {
  char unread = 'x';
  const iovec piece{&unread, 1};
  ASSERT_EQ(io_->Write(&piece, 1), 1);
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  ASSERT_EQ(shutdown(peer_, SHUT_WR), 0);
  ResetByPeer();
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  EXPECT_GT(loop_.reactor()->WaitMs(), SecondLook::kRestMs / 2);
  io_->LookSoon();
  io_->LookSoon();
  EXPECT_LT(loop_.reactor()->WaitMs(), SecondLook::kRestMs / 4);
  const int before = client_.reads;
  ASSERT_TRUE(Until(&loop_, [&] { return client_.reads > before; }));
  EXPECT_LE(io_->Read(room_, sizeof(room_)), 0);
}

// Whoever goes on reading is not looked at, and one look is one look.
TEST_F(ResetTest, ASoonLookThatFindsNothingIsTheLast) {
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  io_->LookSoon();
  const int before = client_.calls;
  ASSERT_TRUE(Until(&loop_, [&] { return loop_.reactor()->WaitMs() == UINT64_MAX; }));
  EXPECT_EQ(client_.calls, before);
  io_->LookSoon();  // nothing was read since
  EXPECT_EQ(loop_.reactor()->WaitMs(), UINT64_MAX);
  ASSERT_EQ(send(peer_, "c", 1, 0), 1);
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 1);
  io_->LookSoon();
  io_.reset();
  EXPECT_TRUE(Until(&loop_, [&] { return loop_.reactor()->WaitMs() == UINT64_MAX; }));
}

TEST_F(ResetTest, ASocketThatRestsIsNotAnnouncedForNothing) {
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  const int before = client_.calls;
  // The loop goes to sleep for good once it has looked.
  const uint64_t end = EventLoop::MonotonicMs() + 5000;
  do {
    loop_.Turn(true);
  } while (loop_.reactor()->WaitMs() != UINT64_MAX && EventLoop::MonotonicMs() < end);
  EXPECT_EQ(loop_.reactor()->WaitMs(), UINT64_MAX);
  EXPECT_EQ(client_.calls, before);
  ASSERT_EQ(send(peer_, "c", 1, 0), 1);
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 1);
}

TEST_F(ResetTest, ASocketMayDieBeforeTheSecondLook) {
  ASSERT_EQ(send(peer_, "ab", 2, 0), 2);
  loop_.Turn(true);
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), 2);
  io_.reset();
  EXPECT_TRUE(Until(&loop_, [&] { return loop_.reactor()->WaitMs() == UINT64_MAX; }));
}

class ConnectTest : public testing::TestWithParam<const char*> {
 protected:
  void Listen() {
    const BindResult bound = Bind(*Address::Parse(GetParam()), {});
    ASSERT_EQ(bound.error, "");
    listener_ = bound.fd;
    address_ = bound.address;
  }
  void TearDown() override {
    if (listener_ >= 0) close(listener_);
  }

  EventLoop loop_;
  Client client_;
  int listener_ = -1;
  Address address_;
  uint8_t room_[16];
};

TEST_P(ConnectTest, TellsWhenItIsEstablished) {
  Listen();
  SocketDialer dialer(&loop_);
  std::unique_ptr<Io> io = dialer.Dial(address_);
  io->set_client(&client_);
  EXPECT_EQ(client_.calls, 0) << "never from inside Dial";
  ASSERT_TRUE(Until(&loop_, [&] { return client_.calls > 0; }));
  EXPECT_TRUE(io->connected());
  EXPECT_EQ(client_.writes, 1);
  EXPECT_EQ(WriteText(io.get(), "hi"), 2);
  const int accepted = accept(listener_, nullptr, nullptr);
  EXPECT_EQ(read(accepted, room_, sizeof(room_)), 2);
  close(accepted);
}

TEST_P(ConnectTest, ARefusalIsBothReadableAndWritableAndHasAnErrno) {
  Listen();
  close(listener_);
  listener_ = -1;
  const std::unique_ptr<SocketIo> io = SocketIo::Connect(&loop_, address_);
  io->set_client(&client_);
  EXPECT_EQ(client_.calls, 0);
  ASSERT_TRUE(Until(&loop_, [&] { return client_.calls > 0; }));
  EXPECT_FALSE(io->connected());
  EXPECT_EQ(io->error(), ECONNREFUSED);
  EXPECT_EQ(client_.reads, 1);
  EXPECT_EQ(client_.writes, 1);
  EXPECT_EQ(WriteText(io.get(), "hi"), kFailed);
  EXPECT_EQ(io->Read(room_, sizeof(room_)), kFailed);
}

TEST_P(ConnectTest, AFinAskedForTooEarlyFollowsTheHandshake) {
  Listen();
  const std::unique_ptr<SocketIo> io = SocketIo::Connect(&loop_, address_);
  io->set_client(&client_);
  io->ShutdownWrite();
  ASSERT_TRUE(Until(&loop_, [&] { return client_.calls > 0; }));
  const int accepted = accept(listener_, nullptr, nullptr);
  EXPECT_EQ(read(accepted, room_, sizeof(room_)), 0);
  close(accepted);
}

INSTANTIATE_TEST_SUITE_P(Families, ConnectTest,
                         testing::Values("127.0.0.1:0", "[::1]:0", "unix:@weir-socket-io-test"));

class TcpTest : public ConnectTest {
 protected:
  void SetUp() override {
    Listen();
    io_ = SocketIo::Connect(&loop_, address_);
    io_->set_client(&client_);
    ASSERT_TRUE(Until(&loop_, [&] { return io_->connected(); }));
    accepted_ = accept(listener_, nullptr, nullptr);
  }
  std::unique_ptr<SocketIo> io_;
  int accepted_ = -1;
};

TEST_P(TcpTest, SmallWritesAreNotHeldBack) {
  int value = 0;
  socklen_t size = sizeof(value);
  getsockopt(io_->fd(), IPPROTO_TCP, TCP_NODELAY, &value, &size);
  EXPECT_EQ(value, 1);
  value = 0;
  getsockopt(accepted_, IPPROTO_TCP, TCP_NODELAY, &value, &size);
  EXPECT_EQ(value, 1) << "accepted sockets inherit it";
  close(accepted_);
}

TEST_P(TcpTest, AbortOnCloseIsAReset) {
  io_->AbortOnClose();
  io_.reset();
  EXPECT_EQ(read(accepted_, room_, 1), -1);
  EXPECT_EQ(errno, ECONNRESET);
  close(accepted_);
}

TEST_P(TcpTest, AResetByThePeerFailsTheRead) {
  loop_.Turn(false);
  const linger abort = {1, 0};
  setsockopt(accepted_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  close(accepted_);
  const int before = client_.reads;
  ASSERT_TRUE(Until(&loop_, [&] { return client_.reads > before; }));
  EXPECT_EQ(io_->Read(room_, sizeof(room_)), kFailed);
  EXPECT_EQ(io_->error(), ECONNRESET);
}

INSTANTIATE_TEST_SUITE_P(Tcp, TcpTest, testing::Values("127.0.0.1:0"));

}  // namespace
}  // namespace weir::net
