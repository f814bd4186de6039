#include "core/upstream/pool.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/core/upstream/pool_world.h"

namespace weir::upstream {
namespace {

TEST_F(PoolTest, DialsOnlyWhenARequestNeedsIt) {
  pool();
  worker_.Turn();
  EXPECT_EQ(dialled(), 0u);
  Begin();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(at(0).address, "10.0.0.1:80");
  EXPECT_NE(at(0).Written().find("GET / HTTP/1.1\r\n"), std::string::npos);
}

TEST_F(PoolTest, ARequestWaitsUntilTheConnectionIsEstablished) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  EXPECT_TRUE(request.waiting());
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 1u);
  EXPECT_EQ(pool().hosts()[0]->connecting, 1u);
  at(0).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
  EXPECT_FALSE(request.waiting());
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0u);
  EXPECT_EQ(pool().hosts()[0]->connecting, 0u);
}

TEST_F(PoolTest, AnIdleConnectionIsUsedAgain) {
  for (int i = 0; i < 5; ++i) Exchange(0);
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(Stat("upstream_cx_total"), 1u);
}

TEST_F(PoolTest, TheMostRecentlyUsedIdleConnectionIsTakenFirst) {
  for (int i = 0; i < 3; ++i) Begin();
  EXPECT_EQ(dialled(), 3u);
  for (const size_t i : {1, 2, 0}) {
    at(i).Send(kOk);
    worker_.Turn();
  }
  ClientConnection* const last = requests_[0]->got();
  EXPECT_EQ(Begin().got(), last);
  EXPECT_EQ(Begin().got(), requests_[2]->got());
  EXPECT_EQ(Begin().got(), requests_[1]->got());
}

TEST_F(PoolTest, AnIdleConnectionThatEndsIsDropped) {
  Exchange(0);
  at(0).Fin();
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(pool().connections(), 0u);
}

TEST_F(PoolTest, AnIdleConnectionWithAFinNobodyHasReadIsNotUsed) {
  Exchange(0);
  // The event is of this very turn: the request comes before it.
  at(0).peer.fin = true;
  at(0).io->Announce();
  Request& request = Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(at(0).peer.written.find("GET"), 0u) << "only the first request went there";
  EXPECT_NE(request.got(), nullptr);
}

TEST_F(PoolTest, AnIdleConnectionWithUnreadBytesIsNotUsed) {
  Exchange(0);
  at(0).Written();
  at(0).peer.to_read = "HTTP/1.1 408 Request Timeout\r\n\r\n";
  at(0).io->Announce();
  Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(at(0).Written(), "");
}

TEST_F(PoolTest, BytesThatNobodyAskedForEndAnIdleConnection) {
  Exchange(0);
  at(0).Send("HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_protocol_error"), 1u);
}

TEST_F(PoolTest, AConnectionWithAnUncleanEndIsNotKept) {
  Request& request = Begin();
  request.Release(false);
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  Begin();
  EXPECT_EQ(dialled(), 2u);
}

TEST_F(PoolTest, ConnectionCloseOfTheBackendEndsTheConnection) {
  Begin();
  at(0).Send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
  worker_.Turn();
  EXPECT_TRUE(requests_[0]->answered());
  EXPECT_TRUE(at(0).peer.closed);
}

TEST_F(PoolTest, AnIdleConnectionIsClosedAfterTheIdleTimeout) {
  cluster_.idle_timeout = config::Milliseconds(60'000);
  Exchange(0);
  worker_.Pass(59'000);
  EXPECT_FALSE(at(0).peer.closed);
  worker_.Pass(1'100);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 1u);
}

TEST_F(PoolTest, ABusyConnectionDoesNotIdle) {
  cluster_.idle_timeout = config::Milliseconds(1'000);
  Exchange(0);
  Begin();
  worker_.Pass(5'000);
  EXPECT_FALSE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_idle_timeout"), 0u);
}

TEST_F(PoolTest, IdleTimeoutOfZeroKeepsConnections) {
  cluster_.idle_timeout = config::Milliseconds(0);
  Exchange(0);
  worker_.Pass(100'000'000);
  EXPECT_FALSE(at(0).peer.closed);
}

TEST_F(PoolTest, MaxRequestsPerConnectionEndsIt) {
  cluster_.max_requests_per_connection = 2;
  Exchange(0);
  EXPECT_FALSE(at(0).peer.closed);
  Exchange(0);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(Stat("upstream_cx_max_requests"), 1u);
  Exchange(1);
  EXPECT_EQ(dialled(), 2u);
}

TEST_F(PoolTest, ConnectTimeoutIsCountedAndTriedAgain) {
  cluster_.connect_timeout = config::Milliseconds(500);
  worker_.dialer.at_once = false;
  Request& request = Begin();
  worker_.Pass(600);
  EXPECT_EQ(Stat("upstream_cx_connect_timeout"), 1u);
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_EQ(dialled(), 2u);
  worker_.Pass(600);
  worker_.Pass(600);
  EXPECT_EQ(dialled(), 3u);
  EXPECT_EQ(request.failure, PoolFailure::kConnectTimeout);
  EXPECT_EQ(Stat("upstream_cx_connect_attempts_exceeded"), 1u);
  EXPECT_FALSE(request.waiting());
}

TEST_F(PoolTest, AnEstablishedConnectionIsPastTheConnectTimeout) {
  cluster_.connect_timeout = config::Milliseconds(500);
  worker_.dialer.at_once = false;
  Request& request = Begin();
  at(0).Establish();
  worker_.Turn();
  worker_.Pass(10'000);
  EXPECT_FALSE(at(0).peer.closed);
  EXPECT_NE(request.got(), nullptr);
}

TEST_F(PoolTest, AFailedConnectIsTriedOnAnotherHost) {
  cluster_ = test::TestCluster(2);
  worker_.dialer.at_once = false;
  Request& request = Begin();
  at(0).Refuse();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  EXPECT_NE(at(0).address, at(1).address);
  at(1).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 1u);
}

TEST_F(PoolTest, AFailedConnectIsTriedOnTheHostsNextAddress) {
  config::Address second = cluster_.endpoints[0].address;
  second.ip[3] = 99;
  cluster_.endpoints[0].additional_addresses.push_back(second);
  worker_.dialer.at_once = false;
  Request& request = Begin();
  EXPECT_EQ(at(0).address, "10.0.0.1:80");
  at(0).Refuse();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  EXPECT_EQ(at(1).address, "10.0.0.99:80");
  at(1).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
  // What worked stays.
  Begin();
  EXPECT_EQ(at(2).address, "10.0.0.99:80");
}

TEST_F(PoolTest, ConnectsThatFailTogetherLeaveTheirAddressOnce) {
  config::Address second = cluster_.endpoints[0].address;
  second.ip[3] = 99;
  cluster_.endpoints[0].additional_addresses.push_back(second);
  worker_.dialer.at_once = false;
  for (int i = 0; i < 4; ++i) Begin();
  ASSERT_EQ(dialled(), 4u);
  for (size_t i = 0; i < 4; ++i) at(i).Refuse();
  worker_.Turn();
  ASSERT_EQ(dialled(), 8u);
  for (size_t i = 4; i < 8; ++i) EXPECT_EQ(at(i).address, "10.0.0.99:80") << i;
}

TEST_F(PoolTest, ThreeFailedConnectsAreAFailure) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(dialled(), i + 1);
    at(i).Refuse();
    worker_.Turn();
  }
  EXPECT_EQ(dialled(), 3u);
  EXPECT_EQ(request.failure, PoolFailure::kConnectFailed);
  EXPECT_EQ(request.failed_host, pool().hosts()[0]);
  EXPECT_EQ(Stat("upstream_cx_connect_fail"), 3u);
  EXPECT_EQ(Stat("upstream_cx_connect_attempts_exceeded"), 1u);
}

TEST_F(PoolTest, EachFailedConnectCostsOneWaitingRequestOneAttempt) {
  cluster_.max_connect_attempts = 1;
  worker_.dialer.at_once = false;
  Begin();
  Begin();
  ASSERT_EQ(dialled(), 2u);
  at(0).Refuse();
  worker_.Turn();
  EXPECT_EQ(requests_[0]->failure, PoolFailure::kConnectFailed);
  EXPECT_TRUE(requests_[1]->waiting());
  at(1).Establish();
  worker_.Turn();
  EXPECT_NE(requests_[1]->got(), nullptr);
}

TEST_F(PoolTest, NoHealthyHostIsAFailureAtOnce) {
  pool().hosts()[0]->healthy = false;
  Request& request = NewRequest();
  EXPECT_EQ(request.Acquire(), PoolFailure::kNoHealthyHost);
  EXPECT_EQ(Stat("upstream_cx_none_healthy"), 1u);
  EXPECT_EQ(dialled(), 0u);
}

TEST_F(PoolTest, TheQueueIsBounded) {
  cluster_.circuit_breakers.max_pending_requests = 2;
  worker_.dialer.at_once = false;
  Begin();
  Begin();
  Request& third = NewRequest();
  EXPECT_EQ(third.Acquire(), PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_rq_pending_overflow"), 1u);
  EXPECT_EQ(pool().pending(), 2u);
}

TEST_F(PoolTest, ARequestThatIsCancelledLeavesTheQueue) {
  cluster_.circuit_breakers.max_pending_requests = 1;
  worker_.dialer.at_once = false;
  Begin();
  pool().Cancel(requests_[0].get());
  EXPECT_EQ(pool().pending(), 0u);
  EXPECT_EQ(Stat("upstream_rq_cancelled"), 1u);
  EXPECT_EQ(Stat("upstream_rq_pending_active"), 0u);
  // Its place is free, and the connection on its way is the next one's.
  Request& next = Begin();
  EXPECT_EQ(dialled(), 1u);
  at(0).Establish();
  worker_.Turn();
  EXPECT_NE(next.got(), nullptr);
  EXPECT_EQ(requests_[0]->got(), nullptr);
}

TEST_F(PoolTest, AConnectionNobodyWaitsForAnyMoreIsKept) {
  worker_.dialer.at_once = false;
  Begin();
  pool().Cancel(requests_[0].get());
  at(0).Establish();
  worker_.Turn();
  EXPECT_EQ(pool().connections(), 1u);
  EXPECT_NE(Begin().got(), nullptr);
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(PoolTest, AtMaxConnectionsRequestsWaitForOneToBecomeFree) {
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Request& second = Begin();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_TRUE(second.waiting());
  EXPECT_EQ(Stat("upstream_cx_overflow"), 1u);
  at(0).Send(kOk);
  worker_.Turn();
  EXPECT_EQ(second.got(), requests_[0]->got());
}

TEST_F(PoolTest, AHostWithoutAConnectionGetsOneBeyondTheLimit) {
  cluster_ = test::TestCluster(2);
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Request& second = Begin();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_NE(second.got(), nullptr);
}

TEST_F(PoolTest, AtMaxConnectionsAClosedOneIsReplacedForThoseWhoWait) {
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Request& second = Begin();
  requests_[0]->Release(false);
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_NE(second.got(), nullptr);
}

TEST_F(PoolTest, WaitingRequestsAreServedInOrder) {
  cluster_.circuit_breakers.max_connections = 1;
  for (int i = 0; i < 4; ++i) Begin();
  for (size_t i = 0; i < 4; ++i) {
    for (size_t k = 0; k < 4; ++k) EXPECT_EQ(requests_[k]->got() != nullptr, k <= i) << i << k;
    at(0).Send(kOk);
    worker_.Turn();
  }
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(PoolTest, MaxRequestsIsABoundOfThoseInFlight) {
  cluster_.circuit_breakers.max_requests = 2;
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kNone);
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kNone);
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kOverflow);
  EXPECT_EQ(Stat("upstream_rq_overflow"), 1u);
  pool().RequestDone();
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kNone);
  pool().RequestDone();
  pool().RequestDone();
}

TEST_F(PoolTest, LimitsAreSharedBetweenTheWorkers) {
  workers_ = 4;
  cluster_.circuit_breakers.max_requests = 9;
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kNone);
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kNone);
  EXPECT_EQ(pool().AdmitRequest(), PoolFailure::kOverflow);
  pool().RequestDone();
  pool().RequestDone();
}

TEST_F(PoolTest, AFreshConnectionCarriedNothingBefore) {
  Exchange(0);
  Request& request = NewRequest();
  EXPECT_EQ(request.Acquire(true), PoolFailure::kNone);
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(request.got()->requests(), 1u);
}

TEST_F(PoolTest, AFreshRequestAtMaxConnectionsIsNotGivenAnIdleOne) {
  cluster_.circuit_breakers.max_connections = 1;
  Exchange(0);
  Request& request = NewRequest();
  EXPECT_EQ(request.Acquire(true), PoolFailure::kNone);
  worker_.Turn();
  // The idle connection makes room for it: it must not wait for one that nobody will end.
  ASSERT_NE(request.got(), nullptr);
  EXPECT_EQ(request.got()->requests(), 1u);
}

TEST_F(PoolTest, DrainClosesIdleConnectionsNowAndBusyOnesWhenTheyAreDone) {
  Begin();
  Begin();
  at(0).Send(kOk);
  worker_.Turn();
  pool().Drain();
  worker_.Turn();
  EXPECT_TRUE(at(0).peer.closed);
  EXPECT_FALSE(at(1).peer.closed);
  at(1).Send(kOk);
  worker_.Turn();
  EXPECT_TRUE(requests_[1]->answered());
  EXPECT_TRUE(at(1).peer.closed);
}

TEST_F(PoolTest, RequestsThatWaitAtDrainAreStillServed) {
  worker_.dialer.at_once = false;
  Request& request = Begin();
  pool().Drain();
  at(0).Establish();
  worker_.Turn();
  EXPECT_NE(request.got(), nullptr);
}

TEST_F(PoolTest, RequestsThatWaitAtDrainForABusyConnectionAreStillServed) {
  cluster_.circuit_breakers.max_connections = 1;
  Begin();
  Request& second = Begin();
  pool().Drain();
  at(0).Send(kOk);
  worker_.Turn();
  EXPECT_NE(second.got(), nullptr);
}

TEST_F(PoolTest, ABrokenConnectionEndsItsStreamOnce) {
  Begin();
  at(0).Break();
  worker_.Turn();
  EXPECT_TRUE(requests_[0]->reset());
  EXPECT_EQ(pool().connections(), 0u);
  EXPECT_EQ(Stat("upstream_cx_destroy"), 1u);
}

TEST_F(PoolTest, ACodecThatCannotBeMadeIsAFailedConnect) {
  const auto stats = observe::BindClusterStats(&worker_.registry, worker_.context.stats, "app");
  UpstreamCodec codec = test::H1Upstream();
  codec.codecs.choices[0].params.stream_window = 0;  // of no use to the codec
  pool_ = std::make_unique<Pool>(&worker_.context, &cluster_, codec, stats, 1);
  Request& request = Begin();
  EXPECT_EQ(request.failure, PoolFailure::kConnectFailed);
  EXPECT_EQ(pool().connections(), 0u);
}

TEST_F(PoolTest, StatesOfAConnection) {
  worker_.dialer.at_once = false;
  Begin();
  at(0).Establish();
  worker_.Turn();
  ClientConnection* connection = requests_[0]->got();
  ASSERT_NE(connection, nullptr);
  EXPECT_EQ(connection->state(), ClientConnection::State::kReady);
  EXPECT_FALSE(connection->Usable()) << "HTTP/1.1 carries one at a time";
  EXPECT_EQ(connection->active(), 1u);
  at(0).Send(kOk);
  EXPECT_TRUE(connection->Usable());
  EXPECT_EQ(connection->active(), 0u);
  at(0).Fin();
  EXPECT_EQ(connection->state(), ClientConnection::State::kClosing);
  EXPECT_FALSE(connection->Usable());
  worker_.Turn();
}

}  // namespace
}  // namespace weir::upstream
