#include "core/server/pre_connection.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/event_loop.h"
#include "core/net/socket_io.h"

namespace weir::server {
namespace {

// A listener filter whose hook is a lambda of the test; its config is this object.
struct Script {
  std::function<int32_t(weir_connection*)> create = [](weir_connection*) { return WEIR_OK; };
  std::function<int32_t(weir_connection*, std::string_view, bool, size_t*)> data;
  weir_listener_filter_api api{};
  int alive = 0;
};

struct ScriptState {
  Script* script;
};

weir_listener_filter_api ScriptApi(uint32_t most) {
  weir_listener_filter_api api{};
  api.struct_size = sizeof api;
  api.state_size = sizeof(ScriptState);
  api.max_read_bytes = most;
  api.create = [](void* self, void* config, weir_connection* connection) {
    auto* script = static_cast<Script*>(config);
    static_cast<ScriptState*>(self)->script = script;
    const int32_t status = script->create(connection);
    if (status == WEIR_OK) ++script->alive;
    return status;
  };
  api.destroy = [](void* self) { --static_cast<ScriptState*>(self)->script->alive; };
  if (most > 0) {
    api.data = [](void* self, weir_connection* connection, weir_view data, uint32_t end,
                  size_t* taken) {
      const std::string_view text =
          data.size == 0 ? std::string_view() : std::string_view(data.data, data.size);
      return static_cast<ScriptState*>(self)->script->data(connection, text, end != 0, taken);
    };
  }
  return api;
}

// Takes what ends with '\n', as a header; "!" closes, "?" fails.
int32_t TakeLine(weir_connection*, std::string_view text, bool, size_t* taken) {
  if (text.find('!') != std::string_view::npos) return WEIR_CLOSE;
  if (text.find('?') != std::string_view::npos) return WEIR_ERROR;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return WEIR_STOP;
  *taken = end + 1;
  return WEIR_CONTINUE;
}

// What the filter chain got: reads all, and answers "ok" to the end.
class Served final : public net::ServedConnection {
 public:
  Served(net::AcceptedConnection&& accepted, net::WorkerContext* worker, std::string* heard)
      : ServedConnection(std::move(accepted), worker), heard_(heard) {
    io_->set_client(this);
  }
  void Drain() override {}

 private:
  void OnIo(bool, bool) override {
    uint8_t room[7];
    while (io_->readable()) {
      const ssize_t got = io_->Read(room, sizeof room);
      if (got == net::kAgain) return;
      if (got <= 0) {
        heard_->append(got == 0 ? "<end>" : "<failed>");
        const iovec piece = {const_cast<char*>("ok"), 2};
        io_->Write(&piece, 1);
        worker_->reactor->Retire(this);
        return;
      }
      heard_->append(reinterpret_cast<char*>(room), static_cast<size_t>(got));
    }
  }
  std::string* heard_;
};

class Terminal final : public net::TerminalFilter {
 public:
  explicit Terminal(net::WorkerContext* worker) : worker_(worker) {}
  void Serve(net::AcceptedConnection&& accepted) override {
    ++served;
    peer = accepted.peer.ToString();
    local = accepted.local.ToString();
    direct = accepted.notes == nullptr ? "" : accepted.notes->direct.ToString();
    if (accepted.notes != nullptr) note = accepted.notes->Find("a", "b");
    new Served(std::move(accepted), worker_, &heard);
  }
  net::WorkerContext* worker_;
  int served = 0;
  std::string heard, peer, local, direct, note;
};

class PreConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    worker_.reactor = loop_.reactor();
    worker_.pool = &pool_;
    worker_.stats = stats_.NewBlock();
    failures_ = stats_.Define("plugin.script.failures", observe::StatKind::kCounter);
    const auto stats = observe::BindListenerStats(&stats_, worker_.stats, "l");
    shared_.worker = &worker_;
    shared_.filters = &filters_;
    shared_.next = &terminal_;
    shared_.timeout_ms = 1'000;
    shared_.active = stats.downstream_pre_cx_active;
    shared_.timed_out = stats.downstream_pre_cx_timeout;
  }
  void TearDown() override {
    if (peer_ >= 0) close(peer_);
  }
  void Add(Script* script, uint32_t most) {
    script->api = ScriptApi(most);
    filters_.Add("script", &script->api, script, failures_);
  }
  void Accept() {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    peer_ = fds[1];
    net::AcceptedConnection accepted;
    accepted.io = net::SocketIo::Adopt(&loop_, fds[0]);
    accepted.peer = *net::Address::Parse("127.0.0.1:1");
    accepted.local = *net::Address::Parse("127.0.0.1:2");
    (new PreConnection(std::move(accepted), &shared_))->Start();
  }
  void Say(std::string_view text) {
    ASSERT_EQ(write(peer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    Turns();
  }
  void End() {
    shutdown(peer_, SHUT_WR);
    Turns();
  }
  bool IsClosed() {
    char room[16];
    Turns();
    return read(peer_, room, sizeof room) == 0;
  }
  void Turns(int count = 6) {
    for (int i = 0; i < count; ++i) loop_.Turn(false);
  }
  uint64_t Stat(std::string_view name) {
    return stats_.Sum(
        stats_.Define("listener.l." + std::string(name), observe::StatKind::kCounter));
  }
  uint64_t Active() {
    return stats_.Sum(
        stats_.Define("listener.l.downstream_pre_cx_active", observe::StatKind::kGauge));
  }

  base::SlabPool pool_;
  net::EventLoop loop_;
  observe::StatRegistry stats_;
  observe::StatId failures_;
  net::WorkerContext worker_;
  Script first_, second_;
  ListenerFilters filters_;
  Terminal terminal_{&worker_};
  PreConnections shared_;
  int peer_ = -1;
};

TEST_F(PreConnectionTest, BytesAreNeitherLostNorDoubledWhateverTheirPieces) {
  first_.data = second_.data = TakeLine;
  Add(&first_, 64);
  Add(&second_, 64);
  const std::string all = "one\ntwo\nthe rest of it";
  for (size_t step = 1; step <= all.size(); ++step) {
    terminal_.heard.clear();
    terminal_.served = 0;
    Accept();
    for (size_t at = 0; at < all.size(); at += step) Say(std::string_view(all).substr(at, step));
    EXPECT_EQ(Active(), 0u);
    End();
    EXPECT_EQ(terminal_.served, 1);
    EXPECT_EQ(terminal_.heard, "the rest of it<end>") << step;
    char room[16];
    EXPECT_EQ(read(peer_, room, sizeof room), 2);
    close(peer_);
  }
  peer_ = -1;
  EXPECT_EQ(first_.alive, 0);
  EXPECT_EQ(second_.alive, 0);
}

TEST_F(PreConnectionTest, AnEndBehindTheHeaderIsHeard) {
  first_.data = TakeLine;
  Add(&first_, 64);
  Accept();
  ASSERT_EQ(write(peer_, "a\nb", 3), 3);
  End();
  EXPECT_EQ(terminal_.heard, "b<end>");
}

TEST_F(PreConnectionTest, AnEndThatAFilterAcceptsIsHeardToo) {
  first_.data = [](weir_connection*, std::string_view text, bool end, size_t*) {
    return end && text == "ab" ? WEIR_CONTINUE : WEIR_STOP;
  };
  Add(&first_, 64);
  Accept();
  Say("ab");
  EXPECT_EQ(terminal_.served, 0);
  End();
  EXPECT_EQ(terminal_.heard, "ab<end>");
}

TEST_F(PreConnectionTest, AFilterClosesOrFails) {
  first_.data = TakeLine;
  Add(&first_, 64);
  Accept();
  Say("!");
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(stats_.Sum(failures_), 0u);
  close(peer_);
  Accept();
  Say("?");
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(stats_.Sum(failures_), 1u);
  EXPECT_EQ(terminal_.served, 0);
  EXPECT_EQ(first_.alive, 0);
  EXPECT_EQ(Active(), 0u);
}

TEST_F(PreConnectionTest, TakingMoreThanWasShownIsAFailure) {
  first_.data = [](weir_connection*, std::string_view text, bool, size_t* taken) {
    *taken = text.size() + 1;
    return WEIR_CONTINUE;
  };
  Add(&first_, 64);
  Accept();
  Say("a");
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(stats_.Sum(failures_), 1u);
}

// Who wants more than it said it would is not shown more.
TEST_F(PreConnectionTest, WhatAFilterSeesIsBounded) {
  size_t most = 0;
  first_.data = [&most](weir_connection*, std::string_view text, bool, size_t*) {
    most = std::max(most, text.size());
    return WEIR_STOP;
  };
  Add(&first_, 600);
  Accept();
  Say(std::string(599, 'x'));
  EXPECT_EQ(most, 599u);
  Say(std::string(5'000, 'x'));
  EXPECT_EQ(most, 600u);
  EXPECT_TRUE(IsClosed() || errno == ECONNRESET);
  EXPECT_EQ(terminal_.served, 0);
}

TEST_F(PreConnectionTest, WhoEndsBeforeAFilterIsContentIsClosed) {
  first_.data = TakeLine;
  Add(&first_, 64);
  Accept();
  Say("a");
  End();
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(Active(), 0u);
}

TEST_F(PreConnectionTest, WhoSaysNothingIsClosedInTime) {
  first_.data = TakeLine;
  Add(&first_, 64);
  shared_.timeout_ms = 1;
  Accept();
  EXPECT_EQ(Active(), 1u);
  while (Active() != 0) loop_.Turn(true);
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(Stat("downstream_pre_cx_timeout"), 1u);
  EXPECT_EQ(terminal_.served, 0);
}

TEST_F(PreConnectionTest, OrGoesOnAsItIs) {
  first_.data = TakeLine;
  Add(&first_, 64);
  shared_.timeout_ms = 1;
  shared_.continue_on_timeout = true;
  Accept();
  ASSERT_EQ(write(peer_, "abc", 3), 3);
  while (Active() != 0) loop_.Turn(true);
  End();
  EXPECT_EQ(Stat("downstream_pre_cx_timeout"), 1u);
  EXPECT_EQ(terminal_.heard, "abc<end>");
}

TEST_F(PreConnectionTest, OneThatWantsNoBytesCostsNoWait) {
  Add(&first_, 0);
  Accept();
  EXPECT_EQ(terminal_.served, 1);
  Say("abc");
  End();
  EXPECT_EQ(terminal_.heard, "abc<end>");
}

TEST_F(PreConnectionTest, OneMayCloseAtOnce) {
  first_.create = [](weir_connection*) { return WEIR_CLOSE; };
  Add(&first_, 0);
  Accept();
  EXPECT_TRUE(IsClosed());
  EXPECT_EQ(stats_.Sum(failures_), 0u);
  EXPECT_EQ(first_.alive, 0);
}

weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

TEST_F(PreConnectionTest, AddressesAndNotesGoWithTheConnection) {
  std::vector<int32_t> refused;
  first_.create = [&refused](weir_connection* c) {
    const weir_listener_api& api = *ListenerApi();
    EXPECT_EQ(api.set_attribute(c, WEIR_ATTR_DOWNSTREAM_ADDRESS, View("10.0.0.9:99")), WEIR_OK);
    EXPECT_EQ(api.set_attribute(c, WEIR_ATTR_LOCAL_ADDRESS, View("[::1]:443")), WEIR_OK);
    EXPECT_EQ(api.set_metadata(c, View("a"), View("b"), View("c")), WEIR_OK);
    for (const std::string_view bad : {"unix:/a", ":80", "", "x", "1.2.3.4", "1.2.3.4:99999"})
      refused.push_back(api.set_attribute(c, WEIR_ATTR_DOWNSTREAM_ADDRESS, View(bad)));
    refused.push_back(api.set_attribute(c, WEIR_ATTR_DIRECT_ADDRESS, View("1.2.3.4:5")));
    return WEIR_OK;
  };
  second_.create = [](weir_connection* c) {
    weir_view value{};
    EXPECT_EQ(ListenerApi()->attribute(c, WEIR_ATTR_DOWNSTREAM_ADDRESS, &value), WEIR_OK);
    EXPECT_EQ(std::string(value.data, value.size), "10.0.0.9:99");
    EXPECT_EQ(ListenerApi()->attribute(c, WEIR_ATTR_DIRECT_ADDRESS, &value), WEIR_OK);
    EXPECT_EQ(std::string(value.data, value.size), "127.0.0.1:1");
    EXPECT_EQ(ListenerApi()->metadata(c, View("a"), View("b"), &value), WEIR_OK);
    EXPECT_EQ(std::string(value.data, value.size), "c");
    EXPECT_EQ(ListenerApi()->metadata(c, View("a"), View("x"), &value), WEIR_ERROR);
    EXPECT_EQ(ListenerApi()->attribute(c, WEIR_ATTR_ALPN, &value), WEIR_ERROR);
    return WEIR_OK;
  };
  Add(&first_, 0);
  Add(&second_, 0);
  Accept();
  EXPECT_EQ(refused, std::vector<int32_t>(7, WEIR_REFUSED));
  EXPECT_EQ(terminal_.peer, "10.0.0.9:99");
  EXPECT_EQ(terminal_.local, "[::1]:443");
  EXPECT_EQ(terminal_.direct, "127.0.0.1:1");
  EXPECT_EQ(terminal_.note, "c");
  End();
}

TEST_F(PreConnectionTest, NotesAreBounded) {
  first_.create = [](weir_connection* c) {
    const weir_listener_api& api = *ListenerApi();
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(api.set_metadata(c, View("s"), View(std::to_string(i)), View("v")), WEIR_OK);
    EXPECT_EQ(api.set_metadata(c, View("s"), View("64"), View("v")), WEIR_NO_ROOM);
    EXPECT_EQ(api.set_metadata(c, View("s"), View("1"), View("new")), WEIR_OK);
    EXPECT_EQ(api.set_metadata(c, View("s"), View("1"), View(std::string(4097, 'x'))),
              WEIR_NO_ROOM);
    EXPECT_EQ(api.set_metadata(c, View("s"), View(std::string(256, 'x')), View("")), WEIR_NO_ROOM);
    return WEIR_OK;
  };
  Add(&first_, 0);
  Accept();
  End();
}

TEST_F(PreConnectionTest, NamesHaveOnlyBytesThatLogsCanShow) {
  first_.create = [](weir_connection* c) {
    const weir_listener_api& api = *ListenerApi();
    const auto set = [&](uint32_t id, std::string_view text) {
      return api.set_attribute(c, id, View(text));
    };
    EXPECT_EQ(set(WEIR_ATTR_DOWNSTREAM_ADDRESS, "127.0.0.1:1"), WEIR_OK);
    EXPECT_EQ(set(WEIR_ATTR_REQUESTED_SERVER_NAME, "a-b_c.Test9"), WEIR_OK);
    for (const char* bad : {"a b", "a\nb", "a\"b", "a/b", "a\xff"})
      EXPECT_EQ(set(WEIR_ATTR_REQUESTED_SERVER_NAME, bad), WEIR_REFUSED) << bad;
    EXPECT_EQ(set(WEIR_ATTR_REQUESTED_SERVER_NAME, std::string(253, 'a')), WEIR_OK);
    EXPECT_EQ(set(WEIR_ATTR_REQUESTED_SERVER_NAME, std::string(254, 'a')), WEIR_REFUSED);
    EXPECT_EQ(set(WEIR_ATTR_ALPN, "http/1.1"), WEIR_OK);
    EXPECT_EQ(set(WEIR_ATTR_ALPN, "h2\r"), WEIR_REFUSED);
    EXPECT_EQ(set(WEIR_ATTR_ALPN, std::string(256, 'a')), WEIR_REFUSED);
    EXPECT_EQ(api.set_attribute(c, WEIR_ATTR_ALPN, {nullptr, 2}), WEIR_REFUSED);
    weir_view alpn{};
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_ALPN, &alpn), WEIR_OK);
    EXPECT_EQ(std::string_view(alpn.data, alpn.size), "http/1.1") << "what was refused left it";
    weir_view peer{}, local{};
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_DOWNSTREAM_ADDRESS, &peer), WEIR_OK);
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_LOCAL_ADDRESS, &local), WEIR_OK);
    EXPECT_EQ(std::string_view(peer.data, peer.size), "127.0.0.1:1");
    return WEIR_OK;
  };
  Add(&first_, 0);
  Accept();
  Turns();
  EXPECT_EQ(terminal_.served, 1);
  End();
}

TEST_F(PreConnectionTest, AnExceptionThatLeavesAHookClosesTheConnectionAndIsCounted) {
  first_.data = [](weir_connection*, std::string_view, bool, size_t*) -> int32_t { throw 1; };
  Add(&first_, 10);
  Accept();
  Say("a");
  EXPECT_EQ(terminal_.served, 0);
  EXPECT_EQ(stats_.Sum(failures_), 1u);
  EXPECT_TRUE(IsClosed());
}

}  // namespace
}  // namespace weir::server
