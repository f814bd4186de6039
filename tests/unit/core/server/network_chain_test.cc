#include "core/server/network_chain.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/event_loop.h"
#include "core/net/socket_io.h"
#include "core/server/filtered_io.h"
#include "core/server/plugin_connection.h"

namespace weir::server {
namespace {

using testing::ElementsAre;

// A filter whose hooks are lambdas of the test; its config is this object.
struct Script {
  std::function<int32_t(weir_connection*)> new_connection = [](weir_connection*) {
    return WEIR_CONTINUE;
  };
  std::function<int32_t(weir_connection*, bool)> data = [](weir_connection*, bool) {
    return WEIR_CONTINUE;
  };
  std::function<void(weir_connection*)> writable = [](weir_connection*) {};
  int32_t create_status = WEIR_OK;
  int alive = 0;
};

struct ScriptState {
  Script* script;
  uint8_t zeroed[100];
};

const weir_network_filter_api kScriptApi = {
    .struct_size = sizeof(weir_network_filter_api),
    .flags = 0,
    .state_size = sizeof(ScriptState),
    .reserved = 0,
    .config_new = nullptr,
    .config_free = nullptr,
    .create =
        [](void* self, void* config, weir_connection*) {
          auto* state = static_cast<ScriptState*>(self);
          for (const uint8_t byte : state->zeroed) EXPECT_EQ(byte, 0);
          state->script = static_cast<Script*>(config);
          if (state->script->create_status == WEIR_OK) ++state->script->alive;
          return state->script->create_status;
        },
    .destroy = [](void* self) { --static_cast<ScriptState*>(self)->script->alive; },
    .new_connection =
        [](void* self, weir_connection* c) {
          return static_cast<ScriptState*>(self)->script->new_connection(c);
        },
    .data = [](void* self, weir_connection* c,
               uint32_t end) { return static_cast<ScriptState*>(self)->script->data(c, end != 0); },
    .writable = [](void* self,
                   weir_connection* c) { static_cast<ScriptState*>(self)->script->writable(c); },
};

std::string Received(weir_connection* connection) {
  const weir_network_api& api = *NetworkApi();
  std::string text;
  while (text.size() < api.data_size(connection)) {
    const weir_view piece = api.data_piece(connection, text.size());
    text.append(piece.data, piece.size);
  }
  return text;
}

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// A worker with one connection over a socketpair.
class ChainTest : public testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    socket_ = net::SocketIo::Adopt(&loop_, fds[0]);
    peer_ = fds[1];
    worker_.reactor = loop_.reactor();
    worker_.pool = &pool_;
    worker_.receive = &receive_;
    worker_.stats = stats_.NewBlock();
    failures_ = stats_.Define("plugin.script.failures", observe::StatKind::kCounter);
    for (Script& script : scripts_) chain_.Add("script", &kScriptApi, &script, failures_);
  }
  void TearDown() override { close(peer_); }
  void Say(std::string_view text) {
    ASSERT_EQ(write(peer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string Hear() {
    char room[65536];
    const ssize_t size = read(peer_, room, sizeof(room));
    return size < 0 ? "<nothing>" : std::string(room, static_cast<size_t>(size));
  }
  void Turns(int count = 4) {
    for (int i = 0; i < count; ++i) loop_.Turn(false);
  }
  uint64_t Failures() const { return stats_.Sum(failures_); }

  static constexpr uint32_t kLimit = 100'000;
  base::SlabPool pool_;
  net::EventLoop loop_;
  net::ReceiveBuffer receive_{&pool_};
  observe::StatRegistry stats_;
  observe::StatId failures_;
  net::WorkerContext worker_;
  Script scripts_[2];
  Script& first_ = scripts_[0];
  Script& second_ = scripts_[1];
  PluginChain chain_;
  std::unique_ptr<net::SocketIo> socket_;
  int peer_ = -1;
};

class PluginConnectionTest : public ChainTest {
 protected:
  class Home final : public net::ConnectionHome {
    void OnPlaceFreed() override {}
  };
  void TearDown() override {
    home_.DeleteAll();
    ChainTest::TearDown();
  }
  void Serve() {
    net::AcceptedConnection accepted;
    accepted.place = net::ConnectionPlace(&home_);
    accepted.io = std::move(socket_);
    accepted.buffer_limit = kLimit;
    accepted.peer = *net::Address::Parse("1.2.3.4:5");
    accepted.local = *net::Address::Parse("[::1]:80");
    (new PluginConnection(std::move(accepted), &worker_, &chain_))->Start();
  }
  bool alive() const { return first_.alive > 0; }

  Home home_;
};

TEST_F(PluginConnectionTest, FiltersAreToldInTheOrderOfTheFile) {
  std::vector<std::string> trace;
  first_.new_connection = [&](weir_connection*) { return trace.push_back("1 new"), WEIR_CONTINUE; };
  second_.new_connection = [&](weir_connection*) {
    return trace.push_back("2 new"), WEIR_CONTINUE;
  };
  first_.data = [&](weir_connection* c, bool) {
    return trace.push_back("1 " + Received(c)), WEIR_CONTINUE;
  };
  second_.data = [&](weir_connection* c, bool end) {
    return trace.push_back("2 " + Received(c) + (end ? "." : "")), WEIR_CONTINUE;
  };
  Serve();
  Say("ab");
  Turns();
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_THAT(trace, ElementsAre("1 new", "2 new", "1 ab", "2 ab", "1 ", "2 ."));
}

TEST_F(PluginConnectionTest, AStoppedFilterSeesItsBytesAgainWithMore) {
  std::vector<std::string> seen;
  first_.data = [&](weir_connection* c, bool) {
    seen.push_back(Received(c));
    return seen.back().size() < 4 ? WEIR_STOP : WEIR_CONTINUE;
  };
  second_.data = [&](weir_connection* c, bool) {
    return seen.push_back("second " + Received(c)), WEIR_CONTINUE;
  };
  Serve();
  Say("ab");
  Turns();
  Say("cd");
  Turns();
  EXPECT_THAT(seen, ElementsAre("ab", "abcd", "second abcd"));
}

TEST_F(PluginConnectionTest, AResumedFilterIsNotAskedAgain) {
  weir_ticket ticket{};
  int asked = 0;
  std::string passed;
  first_.data = [&](weir_connection* c, bool) {
    ++asked;
    ticket = NetworkApi()->ticket(c);
    return WEIR_STOP;
  };
  second_.data = [&](weir_connection* c, bool) { return passed = Received(c), WEIR_CONTINUE; };
  Serve();
  Say("ab");
  Turns();
  EXPECT_EQ(NetworkApi()->resume(ticket), WEIR_OK);
  EXPECT_EQ(passed, "") << "it takes effect later";
  Turns();
  EXPECT_EQ(passed, "ab");
  EXPECT_EQ(asked, 1);
}

TEST_F(PluginConnectionTest, ATicketOfADeadConnectionDoesNothing) {
  weir_ticket ticket{};
  first_.new_connection = [&](weir_connection* c) {
    ticket = NetworkApi()->ticket(c);
    NetworkApi()->close(c, 0);
    return WEIR_STOP;
  };
  Serve();
  Turns();
  EXPECT_FALSE(alive());
  EXPECT_EQ(NetworkApi()->resume(ticket), WEIR_REFUSED);
  EXPECT_EQ(NetworkApi()->resume({{UINT64_MAX, 0}}), WEIR_REFUSED);
}

TEST_F(PluginConnectionTest, AnAnswerIsFlushedBeforeTheClose) {
  first_.new_connection = [&](weir_connection* c) {
    EXPECT_EQ(NetworkApi()->write(c, View("hello"), 0), WEIR_OK);
    NetworkApi()->close(c, 1);
    EXPECT_EQ(NetworkApi()->write(c, View("more"), 0), WEIR_REFUSED);
    return WEIR_STOP;
  };
  Serve();
  Say("unread bytes would make the close a reset");
  Turns();
  EXPECT_EQ(Hear(), "hello");
  EXPECT_EQ(Hear(), "");
  EXPECT_TRUE(alive()) << "it waits for the peer's end";
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_FALSE(alive());
}

TEST_F(PluginConnectionTest, APeerThatNeverEndsIsNotWaitedForLong) {
  first_.new_connection = [&](weir_connection* c) { return NetworkApi()->close(c, 1), WEIR_STOP; };
  Serve();
  const uint64_t begin = net::EventLoop::MonotonicMs();
  while (alive() && net::EventLoop::MonotonicMs() < begin + 5000) loop_.Turn(true);
  EXPECT_FALSE(alive());
  EXPECT_GE(net::EventLoop::MonotonicMs(), begin + 900);
}

TEST_F(PluginConnectionTest, AFailedHookClosesTheConnectionAndIsCounted) {
  second_.data = [](weir_connection*, bool) { return WEIR_ERROR; };
  Serve();
  Say("a");
  Turns();
  EXPECT_FALSE(alive());
  EXPECT_EQ(second_.alive, 0);
  EXPECT_EQ(Failures(), 1u);
}

TEST_F(PluginConnectionTest, AFilterThatCannotBeMadeClosesTheConnection) {
  second_.create_status = WEIR_ERROR;
  bool called = false;
  first_.new_connection = [&](weir_connection*) { return called = true, WEIR_CONTINUE; };
  Serve();
  Turns();
  EXPECT_FALSE(called);
  EXPECT_FALSE(alive()) << "what was made is destroyed";
  EXPECT_EQ(second_.alive, 0) << "what was not made is not";
  EXPECT_EQ(Failures(), 1u);
}

TEST_F(PluginConnectionTest, BothEndsEndTheConnection) {
  first_.data = [](weir_connection* c, bool end) {
    if (end) NetworkApi()->write(c, View("bye"), 1);
    return WEIR_STOP;
  };
  Serve();
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(Hear(), "bye");
  EXPECT_EQ(Hear(), "");
  EXPECT_FALSE(alive());
}

TEST_F(PluginConnectionTest, AttributesAreTheAddresses) {
  std::string peer, local;
  first_.new_connection = [&](weir_connection* c) {
    weir_view view;
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_DIRECT_ADDRESS, &view), WEIR_OK);
    peer.assign(view.data, view.size);
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_LOCAL_ADDRESS, &view), WEIR_OK);
    local.assign(view.data, view.size);
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_ROUTE, &view), WEIR_ERROR);
    return WEIR_CONTINUE;
  };
  Serve();
  EXPECT_EQ(peer, "1.2.3.4:5");
  EXPECT_EQ(local, "[::1]:80");
  shutdown(peer_, SHUT_RDWR);
  Turns();
}

TEST_F(PluginConnectionTest, APeerThatDoesNotReadStopsTheReadingAndWritableResumesIt) {
  int resumed = 0;
  const auto echo = [](weir_connection* c) {
    NetworkApi()->write_received(c, NetworkApi()->data_size(c));
    return int32_t{WEIR_STOP};
  };
  first_.data = [&](weir_connection* c, bool end) {
    if (end) NetworkApi()->close(c, 1);
    return echo(c);
  };
  first_.writable = [&](weir_connection* c) {
    ++resumed;
    echo(c);
  };
  Serve();
  const std::string block(65536, 'x');
  size_t sent = 0;
  for (int idle = 0; idle < 10;) {
    const ssize_t put = write(peer_, block.data(), block.size());
    idle = put > 0 ? 0 : idle + 1;
    if (put > 0) sent += static_cast<size_t>(put);
    Turns(1);
  }
  // What the kernel's buffers hold, and the limit once in each queue, with one read of slack.
  EXPECT_LE(pool_.pinned_bytes(), 2 * kLimit + 3 * 262144 + 65536);
  EXPECT_EQ(resumed, 0);
  size_t heard = 0;
  const uint64_t begin = net::EventLoop::MonotonicMs();
  while (heard < sent && net::EventLoop::MonotonicMs() < begin + 10000) {
    const std::string piece = Hear();
    if (piece != "<nothing>") heard += piece.size();
    Turns(1);
  }
  EXPECT_EQ(heard, sent);
  EXPECT_GT(resumed, 0);
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_FALSE(alive());
}

// The terminal filter's side of a FilteredIo.
class FilteredIoTest : public ChainTest {
 protected:
  struct Terminal final : net::IoClient {
    void OnIo(bool readable, bool writable) override {
      ++calls;
      EXPECT_TRUE(!readable || io->readable());
      EXPECT_TRUE(!writable || io->writable());
    }
    std::string Read() {
      uint8_t room[65536];
      const ssize_t size = io->Read(room, sizeof(room));
      if (size == net::kAgain) return "<again>";
      return size == net::kFailed
                 ? "<failed>"
                 : std::string(reinterpret_cast<char*>(room), static_cast<size_t>(size));
    }
    ssize_t Write(std::string_view text) {
      const iovec piece = {const_cast<char*>(text.data()), text.size()};
      return io->Write(&piece, 1);
    }
    std::unique_ptr<FilteredIo> io;
    int calls = 0;
  };
  bool Start() {
    terminal_.io = std::make_unique<FilteredIo>(std::move(socket_), &worker_, &chain_, kLimit,
                                                net::Address(), net::Address());
    const bool wanted = terminal_.io->Start();
    terminal_.io->set_client(&terminal_);
    return wanted;
  }
  Terminal terminal_;
};

TEST_F(FilteredIoTest, TheTerminalReadsWhatAllFiltersLetPass) {
  first_.data = [](weir_connection* c, bool) {
    if (Received(c).starts_with("X")) NetworkApi()->drain(c, 1);
    return WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  Say("Xab");
  Turns();
  EXPECT_GT(terminal_.calls, 0);
  EXPECT_EQ(terminal_.Read(), "ab");
  EXPECT_EQ(terminal_.Read(), "<again>");
  EXPECT_FALSE(terminal_.io->readable());
  Say("cd");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "cd");
  EXPECT_TRUE(terminal_.io->readable()) << "a FIN is to be read";
  EXPECT_EQ(terminal_.Read(), "");
  EXPECT_FALSE(terminal_.io->readable());
}

TEST_F(FilteredIoTest, NothingPassesAFilterThatStops) {
  weir_ticket ticket{};
  second_.data = [&](weir_connection* c, bool) {
    return ticket = NetworkApi()->ticket(c), WEIR_STOP;
  };
  ASSERT_TRUE(Start());
  Say("ab");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(terminal_.Read(), "<again>");
  NetworkApi()->resume(ticket);
  Turns();
  EXPECT_EQ(terminal_.Read(), "ab");
  EXPECT_EQ(terminal_.Read(), "");
}

TEST_F(FilteredIoTest, TheTerminalsBytesGoStraightToTheClient) {
  ASSERT_TRUE(Start());
  Turns();
  EXPECT_TRUE(terminal_.io->writable());
  EXPECT_EQ(terminal_.Write("hello"), 5);
  EXPECT_EQ(Hear(), "hello");
  terminal_.io->ShutdownWrite();
  EXPECT_EQ(Hear(), "");
}

TEST_F(FilteredIoTest, WhatAFilterWritesGoesFirst) {
  first_.new_connection = [](weir_connection* c) {
    return NetworkApi()->write(c, View("banner "), 0), WEIR_CONTINUE;
  };
  ASSERT_TRUE(Start());
  EXPECT_EQ(terminal_.Write("hello"), 5);
  EXPECT_EQ(Hear(), "banner hello");
}

TEST_F(FilteredIoTest, AConnectionThatAFilterClosesAtOnceIsNotServed) {
  first_.new_connection = [](weir_connection* c) {
    NetworkApi()->write(c, View("no"), 0);
    NetworkApi()->close(c, 1);
    return WEIR_STOP;
  };
  EXPECT_FALSE(Start());
  terminal_.io.reset();
  EXPECT_EQ(Hear(), "no");
}

TEST_F(FilteredIoTest, AFilterThatClosesLaterIsAFailureToTheTerminal) {
  second_.data = [](weir_connection* c, bool) { return NetworkApi()->close(c, 0), WEIR_STOP; };
  ASSERT_TRUE(Start());
  Say("a");
  Turns();
  EXPECT_GT(terminal_.calls, 0);
  EXPECT_EQ(terminal_.Read(), "<failed>");
  EXPECT_EQ(terminal_.Write("x"), net::kFailed);
  EXPECT_EQ(terminal_.io->error(), ECONNABORTED);
}

TEST_F(FilteredIoTest, LargeInputArrivesWhole) {
  ASSERT_TRUE(Start());
  std::string sent, heard;
  for (int i = 0; i < 50; ++i) {
    const std::string block(20000, static_cast<char>('a' + i % 26));
    Say(block);
    sent += block;
    Turns(2);
    while (terminal_.io->readable()) heard += terminal_.Read();
  }
  EXPECT_EQ(heard, sent);
}

}  // namespace
}  // namespace weir::server
