#include "core/server/network_chain.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/server/plugin_connection.h"
#include "tests/unit/core/server/chain_world.h"

namespace weir::server {
namespace {

using testing::ElementsAre;

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
    accepted.notes = std::move(notes_);
    (new PluginConnection(std::move(accepted), &worker_, &chain_))->Start();
  }
  bool alive() const { return first_.alive > 0; }

  Home home_;
  std::unique_ptr<net::ConnectionNotes> notes_;
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

TEST_F(PluginConnectionTest, NumbersAndNotesOfTheConnectionAreTold) {
  const weir_network_api& api = *NetworkApi();
  ASSERT_TRUE(WEIR_HAS(&api, metadata));
  const auto number = [&api](weir_connection* c, uint32_t id) {
    int64_t value = -1;
    return api.number(c, id, &value) == WEIR_OK ? value : -1;
  };
  const auto text = [](weir_view view) { return std::string(view.data, view.size); };
  first_.new_connection = [&](weir_connection* c) {
    EXPECT_EQ(number(c, WEIR_NUMBER_DOWNSTREAM_PORT), 5);
    EXPECT_EQ(number(c, WEIR_NUMBER_LOCAL_PORT), 80);
    EXPECT_EQ(number(c, WEIR_NUMBER_SECURE), 0);
    EXPECT_GT(number(c, WEIR_NUMBER_START_UNIX_US), 1'700'000'000'000'000);
    EXPECT_EQ(number(c, WEIR_NUMBER_RESPONSE_CODE), -1);
    weir_view value{};
    EXPECT_EQ(api.metadata(c, View("a"), View("b"), &value), WEIR_OK);
    EXPECT_EQ(text(value), "note");
    EXPECT_EQ(api.metadata(c, View("a"), View("c"), &value), WEIR_ERROR);
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_DIRECT_ADDRESS, &value), WEIR_OK);
    EXPECT_EQ(text(value), "9.9.9.9:9");
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_REQUESTED_SERVER_NAME, &value), WEIR_OK);
    EXPECT_EQ(text(value), "a.test");
    EXPECT_EQ(api.attribute(c, WEIR_ATTR_ALPN, &value), WEIR_ERROR);
    return WEIR_CONTINUE;
  };
  notes_ = std::make_unique<net::ConnectionNotes>();
  notes_->Set("a", "b", "note");
  notes_->direct = *net::Address::Parse("9.9.9.9:9");
  notes_->server_name = "a.test";
  Serve();
  EXPECT_TRUE(alive());
}

TEST_F(PluginConnectionTest, ADrainIsHeard) {
  int drains = 0;
  first_.drain = [&drains](weir_connection*) { ++drains; };
  second_.drain = [](weir_connection* c) { NetworkApi()->close(c, 1); };
  Serve();
  Turns();
  EXPECT_EQ(drains, 0);
  home_.DrainAll();
  EXPECT_EQ(drains, 1);
  Turns();
  EXPECT_EQ(Hear(), "");
}

TEST_F(PluginConnectionTest, AConnectionThatComesDuringADrainHearsOfItToo) {
  int drains = 0;
  first_.drain = [&drains](weir_connection*) { ++drains; };
  worker_.draining = true;
  Serve();
  EXPECT_EQ(drains, 1);
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

TEST_F(PluginConnectionTest, EachFilterResumesItself) {
  weir_connection* handle = nullptr;
  int second = 0;
  first_.data = [&](weir_connection* c, bool) { return handle = c, WEIR_STOP; };
  second_.new_connection = [](weir_connection*) { return WEIR_CONTINUE; };
  second_.data = [&](weir_connection*, bool) { return ++second, WEIR_STOP; };
  // The second one's hook runs last, in its own turn.
  second_.writable = [](weir_connection*) {};
  Serve();
  Say("a");
  Turns();
  ASSERT_NE(handle, nullptr);
  EXPECT_EQ(second, 0);
  // As from a timer: the first filter asks for its ticket when the second one had the last hook.
  EXPECT_EQ(NetworkApi()->resume(NetworkApi()->ticket(handle)), WEIR_OK);
  Turns();
  EXPECT_EQ(second, 1) << "the first one let it go on";
  EXPECT_EQ(NetworkApi()->resume(NetworkApi()->ticket(handle)), WEIR_OK);
  Turns();
  EXPECT_EQ(second, 2) << "and not the second one, whose hook ran last";
}

TEST_F(PluginConnectionTest, WhatIsWrittenBetweenHooksGoesOut) {
  weir_connection* handle = nullptr;
  first_.new_connection = [&](weir_connection* c) { return handle = c, WEIR_CONTINUE; };
  Serve();
  Turns();
  EXPECT_EQ(NetworkApi()->write(handle, View("tick"), 0), WEIR_OK);
  Turns();
  EXPECT_EQ(Hear(), "tick");
}

TEST_F(PluginConnectionTest, ACloseBetweenHooksTakesEffect) {
  weir_connection* handle = nullptr;
  first_.new_connection = [&](weir_connection* c) { return handle = c, WEIR_CONTINUE; };
  Serve();
  Turns();
  NetworkApi()->close(handle, 0);
  EXPECT_TRUE(alive()) << "not from inside of the call";
  Turns();
  EXPECT_FALSE(alive());
}

TEST_F(PluginConnectionTest, AFlushedCloseBetweenHooksSendsItsEnd) {
  weir_connection* handle = nullptr;
  first_.new_connection = [&](weir_connection* c) { return handle = c, WEIR_CONTINUE; };
  Serve();
  Turns();
  NetworkApi()->close(handle, 1);
  Turns();
  EXPECT_EQ(Hear(), "");
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_FALSE(alive());
}

TEST_F(PluginConnectionTest, ARoomMadeBetweenHooksIsReadInto) {
  weir_connection* handle = nullptr;
  uint64_t most = 0;
  first_.data = [&](weir_connection* c, bool) {
    handle = c;
    most = std::max(most, NetworkApi()->data_size(c));
    return WEIR_STOP;
  };
  Serve();
  const std::string block(65536, 'x');
  for (int i = 0; i < 20; ++i) {
    [[maybe_unused]] const ssize_t put = write(peer_, block.data(), block.size());
    Turns(1);
  }
  ASSERT_GE(most, kLimit) << "it reads no more now";
  const uint64_t full = NetworkApi()->data_size(handle);
  NetworkApi()->drain(handle, full);
  Turns();
  EXPECT_GT(NetworkApi()->data_size(handle), 0u);
}

TEST_F(PluginConnectionTest, ViewsOfAttributesStayWhenOthersAreAskedFor) {
  weir_view peer{}, local{}, listener{};
  chain_.listener = "front";
  first_.new_connection = [&](weir_connection* c) {
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_DOWNSTREAM_ADDRESS, &peer), WEIR_OK);
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_LOCAL_ADDRESS, &local), WEIR_OK);
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_LISTENER, &listener), WEIR_OK);
    weir_view none{};
    EXPECT_EQ(NetworkApi()->attribute(c, WEIR_ATTR_FILTER_CHAIN, &none), WEIR_ERROR);
    EXPECT_EQ(std::string_view(peer.data, peer.size), "1.2.3.4:5");
    EXPECT_EQ(std::string_view(local.data, local.size), "[::1]:80");
    EXPECT_EQ(std::string_view(listener.data, listener.size), "front");
    return WEIR_CONTINUE;
  };
  Serve();
  EXPECT_EQ(peer.size, 9u);
}

TEST_F(PluginConnectionTest, BytesAreCounted) {
  int64_t received = -1, sent = -1;
  first_.data = [&](weir_connection* c, bool end) {
    if (end) {
      EXPECT_EQ(NetworkApi()->number(c, WEIR_NUMBER_BYTES_RECEIVED, &received), WEIR_OK);
      EXPECT_EQ(NetworkApi()->number(c, WEIR_NUMBER_BYTES_SENT, &sent), WEIR_OK);
    } else {
      NetworkApi()->write(c, View("seven b"), 0);
    }
    return WEIR_STOP;
  };
  Serve();
  Say("abc");
  Turns();
  shutdown(peer_, SHUT_WR);
  Turns();
  EXPECT_EQ(received, 3);
  EXPECT_EQ(sent, 7);
}

TEST_F(PluginConnectionTest, ATextThatIsNowhereIsRefused) {
  first_.new_connection = [](weir_connection* c) {
    EXPECT_EQ(NetworkApi()->write(c, {nullptr, 7}, 0), WEIR_REFUSED);
    EXPECT_EQ(NetworkApi()->write(c, {nullptr, 0}, 0), WEIR_OK);
    weir_view value{};
    EXPECT_EQ(NetworkApi()->metadata(c, {nullptr, 1}, View("k"), &value), WEIR_ERROR);
    return WEIR_CONTINUE;
  };
  Serve();
  Turns();
  EXPECT_EQ(Hear(), "<nothing>");
}

TEST_F(PluginConnectionTest, AnExceptionThatLeavesAHookClosesTheConnectionAndIsCounted) {
  const auto fail = [](auto&&...) -> int32_t { throw 1; };
  const auto run = [&](uint64_t failures) {
    Serve();
    Say("a");
    Turns();
    EXPECT_FALSE(alive());
    EXPECT_EQ(Failures(), failures);
    close(peer_);
    NewSocket();
  };
  first_.new_connection = fail;
  run(1);
  first_.new_connection = [](weir_connection*) { return WEIR_CONTINUE; };
  second_.data = fail;
  run(2);
}

TEST_F(PluginConnectionTest, AnExceptionThatLeavesAPostedHookClosesItsConnection) {
  weir_ticket ticket{};
  first_.new_connection = [&](weir_connection* c) {
    return ticket = NetworkApi()->ticket(c), WEIR_CONTINUE;
  };
  Serve();
  Turns();
  RunPostedOnConnection(
      ticket, [](void*, weir_stream*) { throw 1; }, nullptr);
  Turns();
  EXPECT_FALSE(alive());
  EXPECT_EQ(Failures(), 1u);
}

}  // namespace
}  // namespace weir::server
