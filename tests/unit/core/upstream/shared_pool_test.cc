// Pools whose connections are shared by several streams.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/scripted_codec.h"
#include "tests/unit/core/upstream/pool_world.h"

namespace weir::upstream {
namespace {

using test::ScriptedCodec;

class SharedPoolTest : public PoolTest {
 protected:
  SharedPoolTest() { codec_.codecs.choices[0].api = ScriptedCodec::Api(); }
  ~SharedPoolTest() override { ScriptedCodec::first_capacity = 100; }

  // A connection on its way that is there now; its peer has said nothing yet.
  void Establish(size_t i) {
    at(i).Establish();
    worker_.Turn();
  }
  void Send(size_t i, const std::string& lines) {
    at(i).Send(lines);
    worker_.Turn();
  }
  size_t Served() const {
    size_t served = 0;
    for (const auto& request : requests_) served += request->got() != nullptr ? 1u : 0u;
    return served;
  }
  Host* host() { return pool().hosts()[0]; }
};

TEST_F(SharedPoolTest, RequestsShareAMultiplexedConnection) {
  for (int i = 0; i < 5; ++i) EXPECT_NE(Begin().got(), nullptr);
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(at(0).Written(), "f1\nf2\nf3\nf4\nf5\n");
  EXPECT_EQ(pool().hosts()[0]->sharing.front(), requests_[0]->got());
  at(0).Send("F4\nF1\n");
  worker_.Turn();
  EXPECT_TRUE(requests_[0]->answered());
  EXPECT_TRUE(requests_[3]->answered());
  EXPECT_FALSE(requests_[1]->answered());
  EXPECT_EQ(requests_[0]->got()->active(), 3u);
}

TEST_F(SharedPoolTest, AConnectionWithoutRoomIsNotShared) {
  Begin();
  ScriptedCodec::last->capacity = 1;
  Begin();
  EXPECT_EQ(dialled(), 1u);
  Begin();
  EXPECT_EQ(dialled(), 2u);
}

// A body that waits for the window of the whole connection; the connection's codec.
class BusyPoolTest : public SharedPoolTest {
 protected:
  ScriptedCodec* Fill(size_t bytes) {
    Request& request = NewRequest();
    request.Post(bytes);
    EXPECT_EQ(request.Acquire(), PoolFailure::kNone);
    ScriptedCodec* codec = ScriptedCodec::last;
    codec->hold_body = codec->full = true;
    worker_.Turn();
    return codec;
  }
};

TEST_F(BusyPoolTest, AFurtherConnectionIsOpenedWhenBytesWaitForTheWindowOfTheConnection) {
  ScriptedCodec* first = Fill(65536);
  EXPECT_EQ(dialled(), 1u);
  // Its head needs no window: it does not wait for the connect.
  Request& second = Begin();
  EXPECT_EQ(second.got(), requests_[0]->got());
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(Stat("upstream_cx_busy"), 1u);
  Request& third = Begin();
  EXPECT_NE(third.got(), requests_[0]->got());
  EXPECT_EQ(Begin().got(), third.got());
  EXPECT_EQ(dialled(), 2u);
  // With its window back the first one is as good as any.
  first->hold_body = first->full = false;
  Send(0, "F2\n");
  EXPECT_TRUE(second.answered());
  EXPECT_EQ(Begin().got(), requests_[0]->got()) << "the one that was used last";
  EXPECT_EQ(Stat("upstream_cx_busy"), 1u);
}

TEST_F(BusyPoolTest, ALittleThatWaitsAndAStreamsOwnWindowOpenNone) {
  ScriptedCodec* codec = Fill(65535);
  Begin();
  EXPECT_EQ(dialled(), 1u);
  NewRequest().Post(100000);
  EXPECT_EQ(requests_.back()->Acquire(), PoolFailure::kNone);
  codec->full = false;  // each waits for a window of its own
  worker_.Turn();
  Begin();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(Stat("upstream_cx_busy"), 0u);
}

TEST_F(BusyPoolTest, ConnectionsForBytesAreBounded) {
  for (const uint32_t most : {1u, 3u}) {
    requests_.clear();
    pool_.reset();
    worker_.Turn();
    cluster_.max_busy_connections = most;
    pool();  // its counters are there
    const size_t before = dialled();
    const uint64_t counted = Stat("upstream_cx_busy");
    for (int i = 0; i < 20; ++i) Fill(65536);
    EXPECT_EQ(dialled() - before, most);
    EXPECT_EQ(Stat("upstream_cx_busy") - counted, most - 1);
    for (const auto& request : requests_) EXPECT_NE(request->got(), nullptr);
  }
}

TEST_F(BusyPoolTest, TheCircuitBreakerHoldsForThemToo) {
  cluster_.circuit_breakers.max_connections = 2;
  for (int i = 0; i < 20; ++i) Fill(65536);
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(Stat("upstream_cx_overflow"), 0u) << "nobody had to wait";
}

// One at a time, and its failure is nobody's.
TEST_F(BusyPoolTest, AConnectForBytesThatFailsFailsNoRequest) {
  Fill(65536);
  worker_.dialer.at_once = false;
  for (int i = 0; i < 3; ++i) Begin();
  EXPECT_EQ(dialled(), 2u);
  at(1).Refuse();
  worker_.Turn();
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1u);
  for (const auto& request : requests_) {
    EXPECT_EQ(request->failure, PoolFailure::kNone);
    EXPECT_EQ(request->got(), requests_[0]->got());
  }
  Begin();
  EXPECT_EQ(dialled(), 3u);
}

TEST_F(BusyPoolTest, OutputThatTheBackendDoesNotReadCountsToo) {
  Begin();
  at(0).peer.write_room = 0;
  Request& request = NewRequest();
  request.Post(70000);
  EXPECT_EQ(request.Acquire(), PoolFailure::kNone);
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
  Begin();
  EXPECT_EQ(dialled(), 2u);
}

TEST_F(SharedPoolTest, MaxRequestsPerConnectionHoldsForSharedOnes) {
  cluster_.max_requests_per_connection = 2;
  for (int i = 0; i < 4; ++i) Begin();
  EXPECT_EQ(dialled(), 2u);
  at(0).Send("F1\nF2\n");
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_FALSE(at(1).peer.closed);
}

TEST_F(SharedPoolTest, AStreamThatIsResetLeavesTheOthersAlone) {
  Begin();
  Begin();
  requests_[0]->Release(false);
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  EXPECT_EQ(ScriptedCodec::last->resets, "1:9 ");
  at(0).Send("F2\n");
  worker_.Turn();
  EXPECT_TRUE(requests_[1]->answered());
}

TEST_F(SharedPoolTest, DrainLetsSharedStreamsEnd) {
  Begin();
  Begin();
  pool().Drain();
  at(0).Send("F1\n");
  worker_.Turn();
  EXPECT_FALSE(at(0).peer.closed);
  at(0).Send("F2\n");
  worker_.Turn();
  EXPECT_TRUE(requests_[1]->answered());
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(SharedPoolTest, ANewConnectionIsOnItsWayUntilThePeerGivesRoom) {
  ScriptedCodec::first_capacity = 0;
  worker_.dialer.at_once = false;
  Request& request = Begin();
  Establish(0);
  EXPECT_TRUE(request.waiting());
  EXPECT_EQ(host()->connecting, 1u);
  Begin();
  EXPECT_EQ(dialled(), 1u) << "who waits for its room does not dial another";
  Send(0, "M9\n");
  EXPECT_EQ(Served(), 2u);
  EXPECT_EQ(host()->connecting, 0u);
  EXPECT_EQ(host()->expected, 0u);
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(SharedPoolTest, APeerThatNeverGivesRoomIsAConnectTimeout) {
  ScriptedCodec::first_capacity = 0;
  cluster_.connect_timeout = config::Milliseconds(500);
  cluster_.max_connect_attempts = 1;
  Request& request = Begin();
  worker_.Pass(600);
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 1u);
  EXPECT_EQ(request.failure, PoolFailure::kConnectTimeout);
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(SharedPoolTest, APeerThatLeavesAtOnceIsAFailedConnect) {
  ScriptedCodec::first_capacity = 0;
  cluster_.max_connect_attempts = 1;
  Request& request = Begin();
  Send(0, "G0\n");
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1u);
  EXPECT_EQ(request.failure, PoolFailure::kConnectFailed);
}

TEST_F(SharedPoolTest, ManyWhoWaitWantOneConnection) {
  worker_.dialer.at_once = false;
  for (int i = 0; i < 50; ++i) Begin();
  EXPECT_EQ(dialled(), 1u);
  Establish(0);
  EXPECT_EQ(Served(), 50u);
}

TEST_F(SharedPoolTest, MoreThanAConnectionWillTakeWantAnother) {
  codec_.codecs.choices[0].params.max_streams = 4;
  worker_.dialer.at_once = false;
  for (int i = 0; i < 9; ++i) Begin();
  EXPECT_EQ(dialled(), 3u);
}

TEST_F(SharedPoolTest, AConnectionWithLessRoomThanWasCountedOnIsJoinedByOthersForTheRest) {
  ScriptedCodec::first_capacity = 2;
  worker_.dialer.at_once = false;
  for (int i = 0; i < 7; ++i) Begin();
  ASSERT_EQ(dialled(), 1u);
  Establish(0);
  EXPECT_EQ(Served(), 2u);
  // The room of the first is what is counted upon now.
  EXPECT_EQ(dialled(), 4u);
  for (size_t i = 1; i < 4; ++i) Establish(i);
  EXPECT_EQ(Served(), 7u);
  EXPECT_EQ(dialled(), 4u);
}

TEST_F(SharedPoolTest, AFailedConnectCostsAllThatWaitedForItOneAttempt) {
  cluster_.max_connect_attempts = 2;
  worker_.dialer.at_once = false;
  for (int i = 0; i < 5; ++i) Begin();
  at(0).Refuse();
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  at(1).Refuse();
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  for (const auto& request : requests_) EXPECT_EQ(request->failure, PoolFailure::kConnectFailed);
  EXPECT_EQ(Stat("upstream_cx_connect_attempts_exceeded"), 5u);
}

TEST_F(SharedPoolTest, MaxConnectionsHoldsForSharedOnes) {
  cluster_.circuit_breakers.max_connections = 2;
  ScriptedCodec::first_capacity = 1;
  for (int i = 0; i < 4; ++i) Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(Served(), 2u);
  EXPECT_NE(Stat("upstream_cx_overflow"), 0u);
}

TEST_F(SharedPoolTest, TheMostRecentlyUsedSharedConnectionIsTakenFirst) {
  Begin();
  ScriptedCodec* const first = ScriptedCodec::last;
  first->capacity = 0;
  Begin();
  ASSERT_EQ(dialled(), 2u);
  first->capacity = 5;
  Send(0, "M5\n");  // its room is back
  EXPECT_EQ(Begin().got(), requests_[0]->got());
  EXPECT_EQ(Begin().got(), requests_[0]->got());
}

TEST_F(SharedPoolTest, RoomThatThePeerGivesServesThoseWhoWait) {
  cluster_.circuit_breakers.max_connections = 1;
  ScriptedCodec::first_capacity = 1;
  for (int i = 0; i < 4; ++i) Begin();
  EXPECT_EQ(Served(), 1u);
  Send(0, "M2\n");
  EXPECT_EQ(Served(), 3u);
  Send(0, "M9\nF1\n");
  EXPECT_EQ(Served(), 4u);
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(SharedPoolTest, AfterGoawayAConnectionEndsWithItsLastStreamAndTakesNoOther) {
  Begin();
  Begin();
  Send(0, "G0\n");
  EXPECT_FALSE(at(0).peer.closed);
  Request& third = Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_NE(third.got(), requests_[0]->got());
  Send(0, "F1\n");
  EXPECT_FALSE(at(0).peer.closed);
  Send(0, "F2\n");
  EXPECT_TRUE(requests_[1]->answered());
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_FALSE(at(1).peer.closed);
}

TEST_F(SharedPoolTest, AnIdleConnectionThatGetsGoawayIsClosed) {
  Begin();
  Send(0, "F1\n");
  EXPECT_FALSE(at(0).peer.closed);
  Send(0, "G0\n");
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(SharedPoolTest, AHostWhoseOnlyConnectionLeavesGetsAnotherBeyondTheLimit) {
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Send(0, "G0\n");
  Request& next = Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_NE(next.got(), nullptr);
  EXPECT_EQ(host()->leaving, 1u);
  Send(0, "F1\n");
  EXPECT_EQ(host()->leaving, 0u);
}

TEST_F(SharedPoolTest, WhoeverWaitsWhenTheOnlyConnectionLeavesGetsAnother) {
  cluster_.circuit_breakers.max_connections = 1;
  ScriptedCodec::first_capacity = 1;
  Begin();
  Request& waits = Begin();
  EXPECT_TRUE(waits.waiting());
  Send(0, "G0\n");
  EXPECT_EQ(dialled(), 2u);
  EXPECT_NE(waits.got(), nullptr);
}

TEST_F(SharedPoolTest, AConnectionWhoseNumbersAreUsedUpIsReplaced) {
  Begin();
  ScriptedCodec::last->capacity = 0;
  ScriptedCodec::last->going = true;  // capacity 0, not reusable, and nothing came
  EXPECT_NE(Begin().got(), nullptr);
  EXPECT_EQ(dialled(), 2u);
  Send(0, "F1\n");
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(SharedPoolTest, ReplaysShareOneFreshConnection) {
  Begin();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(NewRequest().Acquire(true), PoolFailure::kNone);
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  for (size_t i = 1; i <= 10; ++i) EXPECT_EQ(requests_[i]->got(), requests_[1]->got());
  EXPECT_NE(requests_[0]->got(), requests_[1]->got());
}

TEST_F(SharedPoolTest, AtMaxConnectionsAReplaySharesWithOthers) {
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Request& replay = NewRequest();
  EXPECT_EQ(replay.Acquire(true), PoolFailure::kNone);
  worker_.Turn();
  EXPECT_EQ(replay.got(), requests_[0]->got());
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(SharedPoolTest, ANewRequestDoesNotWaitBehindAReplayWhereThereIsRoom) {
  Begin();
  worker_.dialer.at_once = false;
  EXPECT_EQ(NewRequest().Acquire(true), PoolFailure::kNone);
  EXPECT_EQ(Begin().got(), requests_[0]->got());
  EXPECT_TRUE(requests_[1]->waiting());
  Establish(1);
  EXPECT_NE(requests_[1]->got(), nullptr);
}

TEST_F(SharedPoolTest, AWornOutConnectionFinishesItsStreamsAndCloses) {
  cluster_.max_requests_per_connection = 3;
  for (int i = 0; i < 3; ++i) Begin();
  EXPECT_EQ(host()->sharing.front(), nullptr);
  Send(0, "M9\nF2\n");
  Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_FALSE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 0u);
  Send(0, "F1\nF3\n");
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1u);
}

TEST_F(SharedPoolTest, AnIdleSharedConnectionIsClosedAfterTheIdleTimeoutAndABusyOneIsNot) {
  cluster_.idle_timeout = config::Milliseconds(1'000);
  Begin();
  worker_.Pass(5'000);
  EXPECT_FALSE(at(0).peer.closed);
  Send(0, "F1\n");
  worker_.Pass(900);
  EXPECT_FALSE(at(0).peer.closed);
  worker_.Pass(300);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1u);
}

TEST_F(SharedPoolTest, AnIdleTimeoutLeavesTheCodecsOwnTime) {
  const weir_codec_api timed = ScriptedCodec::TimedApi();
  codec_.codecs.choices[0].api = &timed;
  cluster_.idle_timeout = config::Milliseconds(60'000);
  Begin();
  ScriptedCodec::last->deadline = worker_.reactor.now_ms() + 1'000;
  Send(0, "F1\n");
  worker_.Pass(500);
  EXPECT_EQ(ScriptedCodec::last->ticks, "");
  ScriptedCodec* const codec = ScriptedCodec::last;
  worker_.Pass(600);
  EXPECT_NE(codec->ticks, "");
  codec->deadline = 0;
  worker_.Pass(100);
  worker_.Pass(60'100);
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(SharedPoolTest, AnErrorOfTheConnectionFailsItsStreamsAndTellsThePeer) {
  Begin();
  Begin();
  at(0).Written();
  Send(0, "X0\n");
  EXPECT_TRUE(requests_[0]->reset());
  EXPECT_TRUE(requests_[1]->reset());
  EXPECT_EQ(at(0).Written(), "r1\nr2\n");
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1u);
}

// A cluster that takes either protocol: {h2, h1} in effect.
class AutoPoolTest : public SharedPoolTest {
 protected:
  AutoPoolTest() {
    many_.alpn = "many";
    one_.alpn = "one";
    codec_.codecs.choices[0].api = &many_;
    codec_.codecs.choices.push_back({&one_, codec_.codecs.choices[0].params});
    worker_.dialer.at_once = false;
  }
  void Agree(const std::string& name) {
    tls_.agreed = name;
    worker_.dialer.tls = &tls_;
  }

  weir_codec_api many_ = *ScriptedCodec::Api(true);
  weir_codec_api one_ = *ScriptedCodec::Api(false);
  test::FakeTls tls_;
};

TEST_F(AutoPoolTest, InCleartextItIsTheLast) {
  Begin();
  Begin();
  EXPECT_EQ(dialled(), 2u) << "one request each";
  Establish(0);
  EXPECT_FALSE(requests_[0]->got()->multiplexed());
}

TEST_F(AutoPoolTest, OverTlsItIsWhatWasAgreedOn) {
  Agree("many");
  for (int i = 0; i < 5; ++i) Begin();
  EXPECT_EQ(dialled(), 1u);
  Establish(0);
  EXPECT_EQ(Served(), 5u);
  EXPECT_TRUE(requests_[0]->got()->multiplexed());
}

TEST_F(AutoPoolTest, WhereOneStreamAtATimeWasAgreedOnTheRestIsDialledFor) {
  Agree("one");
  for (int i = 0; i < 5; ++i) Begin();
  EXPECT_EQ(dialled(), 1u);
  ScriptedCodec::first_capacity = 1;
  Establish(0);
  EXPECT_EQ(Served(), 1u);
  EXPECT_EQ(dialled(), 5u);
  for (size_t i = 1; i < 5; ++i) Establish(i);
  EXPECT_EQ(Served(), 5u);
  // What the backend speaks is known by now.
  Begin();
  Begin();
  EXPECT_EQ(dialled(), 7u);
}

}  // namespace
}  // namespace weir::upstream
