#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/net/event_loop.h"
#include "core/net/socket_io.h"
#include "core/server/network_chain.h"

namespace weir::server {

// A filter whose hooks are lambdas of the test; its config is this object.
struct Script {
  std::function<int32_t(weir_connection*)> new_connection = [](weir_connection*) {
    return WEIR_CONTINUE;
  };
  std::function<int32_t(weir_connection*, bool)> data = [](weir_connection*, bool) {
    return WEIR_CONTINUE;
  };
  std::function<void(weir_connection*)> writable = [](weir_connection*) {};
  std::function<void(weir_connection*)> drain = [](weir_connection*) {};
  int32_t create_status = WEIR_OK;
  int alive = 0;
};

struct ScriptState {
  Script* script;
  uint8_t zeroed[100];
};

inline const weir_network_filter_api kScriptApi = {
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
    .drain = [](void* self,
                weir_connection* c) { static_cast<ScriptState*>(self)->script->drain(c); },
};

inline std::string Received(weir_connection* connection) {
  const weir_network_api& api = *NetworkApi();
  std::string text;
  while (text.size() < api.data_size(connection)) {
    const weir_view piece = api.data_piece(connection, text.size());
    text.append(piece.data, piece.size);
  }
  return text;
}

inline weir_view View(std::string_view text) {
  return {text.data(), text.size()};
}

// A worker with one connection over a socketpair, and two filters that a test writes.
class ChainTest : public testing::Test {
 protected:
  void SetUp() override {
    NewSocket();
    worker_.reactor = loop_.reactor();
    worker_.pool = &pool_;
    worker_.receive = &receive_;
    worker_.stats = stats_.NewBlock();
    failures_ = stats_.Define("plugin.script.failures", observe::StatKind::kCounter);
    for (Script& script : scripts_) chain_.Add("script", &kScriptApi, &script, failures_);
  }
  void NewSocket() {
    int fds[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    socket_ = net::SocketIo::Adopt(&loop_, fds[0]);
    peer_ = fds[1];
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

}  // namespace weir::server
