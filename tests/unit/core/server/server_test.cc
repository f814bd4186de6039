#include "core/server/server.h"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/net/listen_socket.h"
#include "core/server/inherited_sockets.h"
#include "core/server/plugin_host.h"

namespace weir::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A linked-in terminal filter for these tests: says hello, echoes, and when the worker drains says
// bye and goes.
class Greeter final : public net::ServedConnection {
 public:
  Greeter(net::AcceptedConnection&& accepted, net::WorkerContext* worker)
      : ServedConnection(std::move(accepted), worker) {
    io_->set_client(this);
    Say(worker->draining ? "late " : "hello ");
    if (worker->draining) worker->reactor->Retire(this);
  }
  void OnIo(bool, bool) override {
    uint8_t room[1000];
    while (io_->readable()) {
      const ssize_t got = io_->Read(room, sizeof(room));
      if (got == net::kAgain) return;
      if (got <= 0) return worker_->reactor->Retire(this);
      Say({reinterpret_cast<char*>(room), static_cast<size_t>(got)});
    }
  }
  void Drain() override {
    Say("bye");
    worker_->reactor->Retire(this);
  }

 private:
  void Say(std::string_view text) {
    const iovec piece = {const_cast<char*>(text.data()), text.size()};
    io_->Write(&piece, 1);
  }
};

// The same that does not go when it is to drain.
class Stubborn final : public net::ServedConnection {
 public:
  Stubborn(net::AcceptedConnection&& accepted, net::WorkerContext* worker)
      : ServedConnection(std::move(accepted), worker) {
    io_->set_client(this);
  }
  void OnIo(bool, bool) override {
    uint8_t room[100];
    while (io_->readable()) {
      if (io_->Read(room, sizeof(room)) == 0) worker_->reactor->Retire(this);
    }
  }
  void Drain() override {}
};

template <class Connection>
class Filter final : public net::TerminalFilter {
 public:
  explicit Filter(net::WorkerContext* worker) : worker_(worker) {}
  void Serve(net::AcceptedConnection&& accepted) override {
    new Connection(std::move(accepted), worker_);
  }

 private:
  net::WorkerContext* worker_;
};

template <class Connection>
class Factory final : public net::TerminalFactory {
 public:
  std::unique_ptr<net::TerminalFilter> ForWorker(net::WorkerContext* worker) const override {
    return std::make_unique<Filter<Connection>>(worker);
  }
};

template <class Connection>
std::unique_ptr<net::TerminalFactory> Make(const ServerContext&, const config::Listener&,
                                           const config::NetworkFilter&) {
  return std::make_unique<Factory<Connection>>();
}

config::Listener ListenerOf(const std::string& name, const config::Address& address,
                            const std::string& filter) {
  config::Listener listener;
  listener.name = name;
  listener.address = address;
  config::NetworkFilter last;
  last.name = last.type = filter;
  listener.filter_chains.emplace_back();
  listener.filter_chains.back().filters.push_back(last);
  return listener;
}

config::Address Loopback() {
  return *config::ParseIp("127.0.0.1", 0);
}

class Client {
 public:
  explicit Client(const net::Address& address) : fd_(socket(address.family(), SOCK_STREAM, 0)) {
    sockaddr_storage to;
    const socklen_t size = address.ToSockaddr(&to);
    const timeval patience = {10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), size) == 0;
  }
  ~Client() { Close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  bool connected() const { return connected_; }
  void Say(std::string_view text) {
    ASSERT_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Hear() {
    char room[1000];
    const ssize_t size = read(fd_, room, sizeof(room));
    return size < 0 ? "<" + std::string(strerrorname_np(errno)) + ">"
                    : std::string(room, static_cast<size_t>(size));
  }
  // Nothing comes for a while.
  bool Silent() {
    const timeval patience = {0, 200'000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const bool silent = Hear() == "<EAGAIN>";
    const timeval again = {10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &again, sizeof(again));
    return silent;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class ServerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    BlockSignals();
    base::SetLogLevel(base::LogLevel::kOff);
  }
  void SetUp() override {
    wiring_.terminals = {{"greeter", &Make<Greeter>}, {"stubborn", &Make<Stubborn>}};
    options_.drain_time = std::chrono::seconds(20);
    options_.address_file = testing::TempDir() + "weir-addresses-" + std::to_string(getpid());
    unlink(options_.address_file.c_str());
    loader_ =
        std::make_unique<plugins::PluginLoader>(plugins::PluginLoader::Options{{}, host_, {}});
  }
  void TearDown() override {
    if (thread_.joinable()) Finish();
    unlink(options_.address_file.c_str());
  }
  bool Build() {
    context_.bootstrap = std::make_shared<config::Bootstrap>(bootstrap_);
    context_.workers = workers_;
    context_.plugins = loader_.get();
    context_.plugin_host = host_;
    context_.stats = &stats_;
    context_.diagnostics = &diagnostics_;
    return listeners_.Build(context_, wiring_);
  }
  void Start() {
    ASSERT_TRUE(Build()) << diagnostics_.Print();
    server_ = std::make_unique<Server>(options_, &context_, &wiring_, &listeners_);
    thread_ = std::thread([this] { exit_code_ = server_->Run(); });
    for (int i = 0; i < 1000 && Addresses().empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ASSERT_FALSE(Addresses().empty());
  }
  std::vector<std::string> Addresses() {
    std::vector<std::string> lines;
    std::ifstream file(options_.address_file);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  net::Address AddressAt(size_t i) {
    const std::string line = Addresses().at(i);
    return *net::Address::Parse(line.substr(line.find(' ') + 1));
  }
  void Signal() { kill(getpid(), SIGTERM); }
  // Asks for the end if nobody has yet, and waits for it.
  int Finish(bool ask = true) {
    if (ask) Signal();
    thread_.join();
    return exit_code_;
  }
  uint64_t Stat(const std::string& name) {
    return stats_.Sum(stats_.Define(name, observe::StatKind::kCounter));
  }

  config::Bootstrap bootstrap_;
  uint32_t workers_ = 2;
  Options options_;
  Wiring wiring_;
  observe::StatRegistry stats_;
  PluginHost plugin_host_{{&stats_, 2, false}};
  const weir_host* host_ = plugin_host_.table();
  std::unique_ptr<plugins::PluginLoader> loader_;
  config::Diagnostics diagnostics_;
  ListenerSet listeners_;
  ServerContext context_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
  int exit_code_ = -1;
};

TEST_F(ServerTest, ServesOnEveryKindOfAddress) {
  const std::string path = testing::TempDir() + "weir-server-" + std::to_string(getpid());
  config::Address unix_address;
  unix_address.kind = config::Address::Kind::kUnix;
  unix_address.path = path;
  bootstrap_.listeners = {ListenerOf("four", Loopback(), "greeter"),
                          ListenerOf("six", *config::ParseIp("::1", 0), "greeter"),
                          ListenerOf("path", unix_address, "greeter")};
  Start();
  ASSERT_EQ(Addresses().size(), 3u);
  EXPECT_THAT(Addresses()[0], StartsWith("four 127.0.0.1:"));
  EXPECT_THAT(Addresses()[1], StartsWith("six [::1]:"));
  EXPECT_EQ(Addresses()[2], "path unix:" + path);
  for (size_t i = 0; i < 3; ++i) {
    Client client(AddressAt(i));
    EXPECT_EQ(client.Hear(), "hello ");
    client.Say("echo");
    EXPECT_EQ(client.Hear(), "echo");
  }
  EXPECT_EQ(Finish(), kExitOk);
  struct stat status;
  EXPECT_NE(stat(path.c_str(), &status), 0) << "the socket file is removed";
  EXPECT_EQ(Stat("listener.four.downstream_cx_total"), 1u);
}

TEST_F(ServerTest, AnAddressThatCannotBeBoundIsExitCodeThree) {
  bootstrap_.listeners = {ListenerOf("a", *config::ParseIp("203.0.113.1", 1), "greeter")};
  ASSERT_TRUE(Build());
  Server server(options_, &context_, &wiring_, &listeners_);
  testing::internal::CaptureStderr();
  EXPECT_EQ(server.Run(), kExitBind);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "listener a: cannot bind 203.0.113.1:1: Cannot assign requested address\n");
}

TEST_F(ServerTest, EveryAddressThatCannotBeBoundIsNamed) {
  bootstrap_.listeners = {ListenerOf("a", *config::ParseIp("203.0.113.1", 1), "greeter"),
                          ListenerOf("b", *config::ParseIp("203.0.113.2", 1), "greeter")};
  ASSERT_TRUE(Build());
  Server server(options_, &context_, &wiring_, &listeners_);
  testing::internal::CaptureStderr();
  EXPECT_EQ(server.Run(), kExitBind);
  const std::string error = testing::internal::GetCapturedStderr();
  EXPECT_THAT(error, HasSubstr("203.0.113.1:1"));
  EXPECT_THAT(error, HasSubstr("203.0.113.2:1"));
}

TEST_F(ServerTest, WhatNobodyTookOfAPredecessorIsClosedByTheSetThatFollowsToo) {
  const int given = net::Bind(*net::Address::Parse("127.0.0.1:0"), {}).fd;
  ASSERT_GE(given, 0);
  ASSERT_EQ(setenv("WEIR_LISTEN_FDS", (std::to_string(given) + ":gone").c_str(), 1), 0);
  InheritedSockets inherited;
  std::string error;
  ASSERT_TRUE(inherited.FromEnvironment(&error)) << error;
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  ASSERT_TRUE(Build());
  listeners_.Inherit(&inherited);
  ASSERT_TRUE(listeners_.BindAll(workers_, &error)) << error;
  ListenerSet next;
  ASSERT_TRUE(next.Build(context_, wiring_, &listeners_));
  ASSERT_TRUE(next.BindAll(workers_, &error, &listeners_)) << error;
  next.TakeOver(&listeners_);
  EXPECT_EQ(fcntl(given, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "somebody may want it yet";
  next.DropInherited();
  EXPECT_EQ(fcntl(given, F_GETFD), -1);
}

TEST_F(ServerTest, AFilterThatNobodyHasIsAMistakeOfTheConfiguration) {
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "nonsense")};
  EXPECT_FALSE(Build());
  EXPECT_THAT(diagnostics_.Print(), HasSubstr("nonsense"));
}

TEST_F(ServerTest, ATerminalFilterMustBeTheLast) {
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  auto& filters = bootstrap_.listeners[0].filter_chains[0].filters;
  filters.push_back(filters[0]);
  EXPECT_FALSE(Build());
  EXPECT_THAT(diagnostics_.Print(), HasSubstr("terminal"));
}

TEST_F(ServerTest, TheListenersLimitIsExactOverAllWorkersAndOthersWait) {
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  bootstrap_.listeners[0].connection_limit = 5;
  Start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<Client>(AddressAt(0)));
  std::vector<size_t> waiting;
  for (size_t i = 0; i < clients.size(); ++i) {
    ASSERT_TRUE(clients[i]->connected());
    if (clients[i]->Silent()) waiting.push_back(i);
  }
  EXPECT_EQ(waiting.size(), 3u);
  EXPECT_GT(Stat("listener.a.downstream_cx_overflow"), 0u);
  // Each that goes lets another one in, whichever worker it waits at.
  for (size_t i = 0; i < clients.size() && !waiting.empty(); ++i) {
    if (std::find(waiting.begin(), waiting.end(), i) != waiting.end()) continue;
    clients[i]->Close();
  }
  for (const size_t i : waiting) EXPECT_EQ(clients[i]->Hear(), "hello ");
  clients.clear();
  EXPECT_EQ(Finish(), kExitOk);
}

TEST_F(ServerTest, TheGlobalLimitHoldsForAllListenersTogether) {
  bootstrap_.limits.max_connections = 2;
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter"),
                          ListenerOf("b", Loopback(), "greeter")};
  Start();
  Client one(AddressAt(0)), two(AddressAt(1));
  EXPECT_EQ(one.Hear(), "hello ");
  EXPECT_EQ(two.Hear(), "hello ");
  Client three(AddressAt(0));
  EXPECT_TRUE(three.Silent());
  EXPECT_GT(Stat("listener.a.downstream_global_cx_overflow"), 0u);
  two.Close();
  EXPECT_EQ(three.Hear(), "hello ");
  one.Close();
  three.Close();
  EXPECT_EQ(Finish(), kExitOk);
}

TEST_F(ServerTest, ADrainServesThoseWhoWaitAndEndsWithTheLastConnection) {
  workers_ = 1;
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  bootstrap_.listeners[0].connection_limit = 1;
  Start();
  Client open(AddressAt(0));
  EXPECT_EQ(open.Hear(), "hello ");
  Client waiting(AddressAt(0));
  EXPECT_TRUE(waiting.Silent());
  const net::Address address = AddressAt(0);
  EXPECT_EQ(Finish(), kExitOk);
  EXPECT_EQ(open.Hear(), "bye");
  EXPECT_EQ(waiting.Hear(), "late ") << "it had connected before the drain: it is served";
  EXPECT_FALSE(Client(address).connected());
}

TEST_F(ServerTest, TheDrainTimeIsNotExceeded) {
  options_.drain_time = std::chrono::milliseconds(300);
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "stubborn")};
  Start();
  Client client(AddressAt(0));
  // Accepted, not only in the backlog.
  for (int i = 0; i < 1000 && Stat("listener.a.downstream_cx_total") == 0; ++i) usleep(5000);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Finish(), kExitOk);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(290));
  EXPECT_LT(took, std::chrono::seconds(5));
  EXPECT_EQ(client.Hear(), "");
}

TEST_F(ServerTest, ADrainWaitsForConnectionsThatGoByThemselves) {
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "stubborn")};
  Start();
  Client client(AddressAt(0));
  for (int i = 0; i < 1000 && Stat("listener.a.downstream_cx_total") == 0; ++i) usleep(5000);
  Signal();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(PresentState(), observe::ServerState::kDraining);
  client.Close();
  EXPECT_EQ(Finish(false), kExitOk);
}

TEST_F(ServerTest, OverTheMemoryLimitNewConnectionsWait) {
  options_.max_memory = 1;  // always over it
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  Start();
  // The first look at the memory follows the start of the workers.
  for (int i = 0; i < 1000 && Stat("server.overload_stop_accept") < workers_; ++i) usleep(5000);
  EXPECT_EQ(Stat("server.overload_stop_accept"), 2u) << "once by each worker";
  Client client(AddressAt(0));
  EXPECT_TRUE(client.connected());
  EXPECT_TRUE(client.Silent());
  Signal();
  EXPECT_EQ(client.Hear(), "late ") << "those who wait are served by the drain";
  EXPECT_EQ(Finish(false), kExitOk);
}

TEST_F(ServerTest, ServicesLiveOnTheWorkersThreadLongerThanConnections) {
  static std::atomic<int> alive{0};
  static std::atomic<int> drained{0};
  alive = drained = 0;
  struct Services final : WorkerServices {
    Services() : thread(std::this_thread::get_id()) { ++alive; }
    ~Services() override {
      EXPECT_EQ(thread, std::this_thread::get_id());
      --alive;
    }
    void Drain() override { ++drained; }
    std::thread::id thread;
  };
  wiring_.services = [](const ServerContext&,
                        net::WorkerContext* worker) -> std::unique_ptr<WorkerServices> {
    EXPECT_EQ(worker->services, nullptr);
    return std::make_unique<Services>();
  };
  bootstrap_.listeners = {ListenerOf("a", Loopback(), "greeter")};
  Start();
  for (int i = 0; i < 1000 && alive < 2; ++i) usleep(5000);
  EXPECT_EQ(alive, 2);
  EXPECT_EQ(Finish(), kExitOk);
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(drained, 2);
}

// In a child of its own: the second signal ends the process.
TEST_F(ServerTest, ASecondSignalEndsAtOnce) {
  const pid_t child = fork();
  if (child == 0) {
    bootstrap_.listeners = {ListenerOf("a", Loopback(), "stubborn")};
    Start();
    Client client(AddressAt(0));
    for (int i = 0; i < 1000 && Stat("listener.a.downstream_cx_total") == 0; ++i) usleep(5000);
    Signal();
    usleep(200'000);
    kill(getpid(), SIGINT);
    usleep(10'000'000);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGINT);
}

}  // namespace
}  // namespace weir::server
