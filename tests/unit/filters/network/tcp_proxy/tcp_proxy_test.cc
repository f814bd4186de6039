#include "filters/network/tcp_proxy/tcp_proxy.h"

#include <cerrno>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/listen_socket.h"
#include "core/net/socket_io.h"
#include "core/server/address_of.h"

namespace weir::tcp_proxy {
namespace {

config::Address ToConfig(const net::Address& address) {
  config::Address made;
  made.kind = config::Address::Kind::kIpv4;
  std::copy(address.ip(), address.ip() + 4, made.ip.begin());
  made.port = address.port();
  return made;
}

// A worker with a TCP proxy between a client's socket and a backend's.
class TcpProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    const net::BindResult bound = net::Bind(*net::Address::Parse("127.0.0.1:0"), {});
    ASSERT_EQ(bound.error, "");
    listener_ = bound.fd;
    backend_address_ = bound.address;
    cluster_.name = "backend";
    cluster_.connect_timeout = std::chrono::milliseconds(200);
    AddEndpoint(backend_address_);
    settings_->stat_prefix = "t";
    worker_.reactor = loop_.reactor();
    worker_.pool = &pool_;
    worker_.receive = &receive_;
    worker_.dialer = &dialer_;
    worker_.stats = stats_.NewBlock();
  }
  void TearDown() override {
    for (const int fd : {listener_, client_, backend_}) {
      if (fd >= 0) close(fd);
    }
    Turns(10);
  }
  void AddEndpoint(const net::Address& address) {
    config::Endpoint endpoint;
    endpoint.address = ToConfig(address);
    cluster_.endpoints.push_back(endpoint);
  }
  // An address where nobody listens.
  static net::Address Dead() {
    const net::BindResult bound = net::Bind(*net::Address::Parse("127.0.0.1:0"), {});
    close(bound.fd);
    return bound.address;
  }
  void Serve() {
    auto bootstrap = std::make_shared<config::Bootstrap>();
    bootstrap->clusters.push_back(cluster_);
    server::ServerContext context;
    context.bootstrap = bootstrap;
    context.stats = &stats_;
    config::NetworkFilter filter;
    filter.tcp_proxy = settings_;
    factory_ = MakeTcpProxy(context, {}, filter);
    proxy_ = factory_->ForWorker(&worker_);
    ServeAnother(&client_);
  }
  void ServeAnother(int* client) {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *client = fds[1];
    net::AcceptedConnection accepted;
    accepted.io = net::SocketIo::Adopt(&loop_, fds[0]);
    accepted.buffer_limit = kLimit;
    proxy_->Serve(std::move(accepted));
  }
  void Connect() {
    Serve();
    ASSERT_TRUE(Until(
        [&] { return (backend_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; }));
    Turns();
  }
  void Turns(int count = 5) {
    for (int i = 0; i < count; ++i) loop_.Turn(false);
  }
  template <class Condition>
  bool Until(Condition condition) {
    const uint64_t end = net::EventLoop::MonotonicMs() + 5000;
    while (net::EventLoop::MonotonicMs() < end) {
      if (condition()) return true;
      loop_.Turn(false);
      usleep(200);
    }
    return false;
  }
  void Say(int fd, std::string_view text) {
    ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // What the socket gives within five seconds: bytes, "" at the end, or the name of the error.
  std::string Hear(int fd) {
    char room[65536];
    ssize_t size = -1;
    Until([&] { return (size = read(fd, room, sizeof(room))) >= 0 || errno != EAGAIN; });
    return size < 0 ? strerrorname_np(errno) : std::string(room, static_cast<size_t>(size));
  }
  uint64_t Stat(const std::string& name) {
    return stats_.Sum(stats_.Define(name, observe::StatKind::kCounter));
  }

  static constexpr uint32_t kLimit = 65536;
  base::SlabPool pool_;
  net::EventLoop loop_;
  net::ReceiveBuffer receive_{&pool_};
  net::SocketDialer dialer_{&loop_};
  observe::StatRegistry stats_;
  net::WorkerContext worker_;
  config::Cluster cluster_;
  std::shared_ptr<config::TcpProxy> settings_ = std::make_shared<config::TcpProxy>();
  std::unique_ptr<net::TerminalFactory> factory_;
  std::unique_ptr<net::TerminalFilter> proxy_;
  net::Address backend_address_;
  int listener_ = -1;
  int client_ = -1;
  int backend_ = -1;
};

TEST_F(TcpProxyTest, BytesGoBothWays) {
  Connect();
  Say(client_, "question");
  EXPECT_EQ(Hear(backend_), "question");
  Say(backend_, "answer");
  EXPECT_EQ(Hear(client_), "answer");
  EXPECT_EQ(Stat("tcp.t.downstream_cx_rx_bytes_total"), 8u);
  EXPECT_EQ(Stat("tcp.t.downstream_cx_tx_bytes_total"), 6u);
}

TEST_F(TcpProxyTest, WhatTheClientSaidBeforeTheBackendWasThereIsNotLost) {
  Serve();
  Say(client_, "early");
  shutdown(client_, SHUT_WR);
  ASSERT_TRUE(
      Until([&] { return (backend_ = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; }));
  EXPECT_EQ(Hear(backend_), "early");
  EXPECT_EQ(Hear(backend_), "");
}

TEST_F(TcpProxyTest, AnEndOfOneDirectionLeavesTheOtherOpen) {
  Connect();
  Say(client_, "all I have");
  shutdown(client_, SHUT_WR);
  EXPECT_EQ(Hear(backend_), "all I have");
  EXPECT_EQ(Hear(backend_), "");
  Say(backend_, "still here");
  EXPECT_EQ(Hear(client_), "still here");
  EXPECT_EQ(Stat("tcp.t.downstream_cx_active"), 1u);
  shutdown(backend_, SHUT_WR);
  EXPECT_EQ(Hear(client_), "");
  EXPECT_TRUE(Until([&] { return Stat("tcp.t.downstream_cx_active") == 0; }));
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_active"), 0u);
}

TEST_F(TcpProxyTest, AResetOfTheBackendIsAResetToTheClient) {
  Connect();
  const linger abort = {1, 0};
  setsockopt(backend_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  close(backend_);
  backend_ = -1;
  EXPECT_TRUE(Until([&] { return Stat("tcp.t.downstream_cx_active") == 0; }));
}

TEST_F(TcpProxyTest, AResetOfTheClientIsAResetToTheBackend) {
  Connect();
  Say(backend_, "unread");
  Turns();
  close(client_);  // with a byte unread: a reset on a Unix socket
  client_ = -1;
  EXPECT_EQ(Hear(backend_), "ECONNRESET");
}

TEST_F(TcpProxyTest, ARefusedConnectionTriesTheNextEndpointWhileAttemptsAreLeft) {
  cluster_.endpoints.clear();
  AddEndpoint(Dead());
  AddEndpoint(backend_address_);
  settings_->max_connect_attempts = 2;
  Connect();
  Say(client_, "hi");
  EXPECT_EQ(Hear(backend_), "hi");
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_active"), 1u);
}

TEST_F(TcpProxyTest, WithoutAttemptsLeftTheClientIsClosed) {
  cluster_.endpoints.clear();
  AddEndpoint(Dead());
  settings_->max_connect_attempts = 3;
  Serve();
  EXPECT_EQ(Hear(client_), "");
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_connect_fail"), 3u);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_connect_attempts_exceeded"), 1u);
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_active"), 0u);
}

TEST_F(TcpProxyTest, AConnectThatTakesTooLongIsAFailure) {
  // A backlog of one that is full: further SYNs are dropped.
  close(listener_);
  const net::BindResult full = net::Bind(*net::Address::Parse("127.0.0.1:0"),
                                         {.backlog = 1, .reuse_port = false, .ipv4_compat = false});
  listener_ = full.fd;
  cluster_.endpoints.clear();
  AddEndpoint(full.address);
  std::vector<std::unique_ptr<net::SocketIo>> fillers;
  for (int i = 0; i < 4; ++i) fillers.push_back(net::SocketIo::Connect(&loop_, full.address));
  Turns();
  Serve();
  EXPECT_EQ(Hear(client_), "");
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_connect_timeout"), 1u);
}

TEST_F(TcpProxyTest, TheClustersLimitHolds) {
  cluster_.circuit_breakers.max_connections = 1;
  Connect();
  int second = -1;
  ServeAnother(&second);
  EXPECT_EQ(Hear(second), "");
  EXPECT_EQ(Stat("cluster.backend.upstream_cx_overflow"), 1u);
  EXPECT_EQ(Stat("tcp.t.downstream_cx_no_route"), 1u);
  close(second);
}

TEST_F(TcpProxyTest, AnIdleConnectionIsClosedAndABusyOneIsNot) {
  settings_->idle_timeout = std::chrono::milliseconds(150);
  Connect();
  const uint64_t begin = net::EventLoop::MonotonicMs();
  while (net::EventLoop::MonotonicMs() < begin + 400) {
    Say(client_, "x");
    EXPECT_EQ(Hear(backend_), "x");
    usleep(20'000);
  }
  EXPECT_EQ(Stat("tcp.t.idle_timeout"), 0u);
  EXPECT_EQ(Hear(client_), "");
  EXPECT_EQ(Stat("tcp.t.idle_timeout"), 1u);
}

TEST_F(TcpProxyTest, ABackendThatDoesNotReadStopsTheClientAndMemoryStaysBounded) {
  Connect();
  const std::string block(65536, 'x');
  size_t sent = 0;
  for (int idle = 0; idle < 20;) {
    const ssize_t put = write(client_, block.data(), block.size());
    idle = put > 0 ? 0 : idle + 1;
    if (put > 0) sent += static_cast<size_t>(put);
    Turns(1);
  }
  EXPECT_LE(pool_.pinned_bytes(), 3 * 262144u);
  EXPECT_EQ(Stat("tcp.t.downstream_flow_control_paused_reading_total"), 1u);
  size_t heard = 0;
  while (heard < sent) {
    const std::string piece = Hear(backend_);
    ASSERT_FALSE(piece.empty());
    heard += piece.size();
  }
  EXPECT_EQ(heard, sent);
  Turns();
  EXPECT_GE(Stat("tcp.t.downstream_flow_control_resumed_reading_total"), 1u);
  Say(backend_, "the other way");
  EXPECT_EQ(Hear(client_), "the other way");
}

}  // namespace
}  // namespace weir::tcp_proxy
