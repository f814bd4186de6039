#include "core/net/tls/tls_io.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "tests/unit/core/net/tls/tls_pair.h"

namespace weir::net::tls::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TlsIoTest : public ::testing::Test {
 protected:
  void Establish(Version most = Version::kTls13) {
    ServerTlsOptions server = ServerOptions();
    server.max_version = most;
    pair.Build(server, ClientOptions());
    pair.Handshake();
  }

  // What one end sends arrives whole at the other, whatever the cuts and the sizes.
  void Echo(size_t size, size_t longest) {
    const std::string up = Noise(size, 1);
    const std::string down = Noise(size, 2);
    pair.client->received.clear();
    pair.server->received.clear();
    pair.client->Send(up);
    pair.server->Send(down);
    pair.Run(longest);
    EXPECT_EQ(pair.server->received, up);
    EXPECT_EQ(pair.client->received, down);
  }

  TlsPair pair;
};

TEST_F(TlsIoTest, BothSidesKnowWhatWasAgreed) {
  ServerTlsOptions server = ServerOptions();
  server.alpn = {"h2", "http/1.1"};
  ClientTlsOptions client = ClientOptions();
  client.alpn = {"http/1.1"};
  pair.Build(server, client);
  pair.Handshake();
  const TlsSession* at_server = pair.server->io()->tls();
  ASSERT_NE(at_server, nullptr);
  EXPECT_EQ(at_server->alpn(), "http/1.1");
  EXPECT_EQ(at_server->server_name(), "site.example");
  EXPECT_EQ(at_server->version(), "TLSv1.3");
  EXPECT_EQ(at_server->cipher(), "TLS_AES_128_GCM_SHA256");
  EXPECT_FALSE(at_server->resumed());
  EXPECT_FALSE(at_server->peer_verified());
  EXPECT_EQ(at_server->peer_subject(), "");
  const TlsSession* at_client = pair.client->io()->tls();
  EXPECT_EQ(at_client->alpn(), "http/1.1");
  EXPECT_TRUE(at_client->peer_verified());
  EXPECT_EQ(at_client->peer_subject(), "CN=site");
  EXPECT_EQ(pair.server_events.handshakes, 1);
  EXPECT_EQ(pair.client_events.handshakes, 1);
}

TEST_F(TlsIoTest, TheClientHearsOfNothingBeforeTheHandshakeIsDone) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  for (int i = 0; i < 10000 && !pair.client->io()->connected(); ++i) {
    EXPECT_EQ(pair.client->calls, 0);
    EXPECT_FALSE(pair.client->io()->readable());
    EXPECT_FALSE(pair.client->io()->writable());
    pair.Move(pair.client.get(), pair.server.get(), pair.server_inner, 50);
    pair.Move(pair.server.get(), pair.client.get(), pair.client_inner, 50);
  }
  EXPECT_TRUE(pair.client->io()->connected());
  EXPECT_GE(pair.client->calls, 1);
}

TEST_F(TlsIoTest, TheHandshakeAndBodiesSurviveEveryCut) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    for (const size_t longest : {1u, 3u, 100u, 5000u, 70000u, 0u}) {
      TlsPair fresh(longest);
      ServerTlsOptions server = ServerOptions();
      server.max_version = version;
      fresh.Build(server, ClientOptions());
      fresh.Handshake(longest);
      const std::string bytes = Noise(longest == 1 ? 3000 : 300000, longest);
      fresh.server->read_room = 1 + longest % 1000 * 7;
      fresh.client->Send(bytes);
      fresh.server->Send(bytes);
      fresh.Run(longest);
      EXPECT_EQ(fresh.server->received, bytes) << longest;
      EXPECT_EQ(fresh.client->received, bytes) << longest;
    }
  }
}

TEST_F(TlsIoTest, FinishedAndTheFirstRequestMayShareASegment) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  pair.client->to_send = "GET / HTTP/1.1\r\n\r\n";
  pair.server->reads_only_when_told = true;
  pair.Run();
  ASSERT_TRUE(pair.server->io()->connected());
  EXPECT_TRUE(pair.server->io()->readable()) << "no further edge will come";
  pair.server->ReadAll();
  EXPECT_EQ(pair.server->received, pair.client->to_send);
}

TEST_F(TlsIoTest, PlaintextThatDidNotFitIsStillReadable) {
  Establish();
  pair.server->reads_only_when_told = true;
  const std::string bytes = Noise(200000);
  pair.client->Send(bytes);
  pair.Run();
  for (const size_t size : {1u, 16384u, 5u, 20000u}) {
    EXPECT_TRUE(pair.server->io()->readable());
    std::string room(size, '\0');
    const ssize_t got = pair.server->io()->Read(reinterpret_cast<uint8_t*>(room.data()), size);
    ASSERT_EQ(got, static_cast<ssize_t>(size));
    pair.server->received += room;
  }
  pair.server->ReadAll();
  EXPECT_EQ(pair.server->received, bytes);
  EXPECT_FALSE(pair.server->io()->readable());
}

TEST_F(TlsIoTest, SmallPiecesBecomeOneRecordAndOneWrite) {
  Establish();
  const int before = pair.client->wire.writes;
  pair.client->piece_size = 100;
  pair.client->Send(Noise(6400));
  EXPECT_EQ(pair.client->wire.writes, before + 1);
  // 5 of the record's head, 1 of its type and 16 of the tag.
  EXPECT_EQ(pair.client->wire.written.size(), 6400u + 22u);
}

TEST_F(TlsIoTest, LongPiecesBecomeFullRecordsSentTogether) {
  Establish();
  const int before = pair.client->wire.writes;
  pair.client->Send(Noise(60000));
  EXPECT_EQ(pair.client->wire.writes, before + 1);
  EXPECT_EQ(pair.client->wire.written.size(), 60000u + 4 * 22u);
}

TEST_F(TlsIoTest, ATurnsReadsAreFewForALargeBody) {
  Establish();
  pair.client->Send(Noise(65000));
  const int before = pair.server->wire.reads;
  pair.Run();
  EXPECT_LE(pair.server->wire.reads, before + 3);
  EXPECT_EQ(pair.server->received.size(), 65000u);
}

TEST_F(TlsIoTest, WhatTheSocketDoesNotTakeWaitsAndIsBounded) {
  Establish();
  pair.client->wire.write_room = 1000;
  const std::string bytes = Noise(1000000);
  pair.client->Send(bytes);
  EXPECT_FALSE(pair.client->io()->writable());
  EXPECT_LE(pair.client->sent, 65536u);
  EXPECT_LE(pair.pool.pinned_bytes(), 65536u + 1024u);
  const iovec more = {pair.client->to_send.data(), 10};
  EXPECT_EQ(pair.client->io()->Write(&more, 1), kAgain);
  while (pair.client->sent < bytes.size()) {
    pair.client->wire.write_room = 7777;
    pair.client_inner->Wake(false, true);
    pair.Run();
  }
  pair.client->wire.write_room = SIZE_MAX;
  pair.client_inner->Wake(false, true);
  pair.Run();
  EXPECT_EQ(pair.server->received, bytes);
  EXPECT_TRUE(pair.client->io()->writable());
}

TEST_F(TlsIoTest, WritableIsFalseUntilTheLastByteIsTaken) {
  Establish();
  pair.client->wire.write_room = 10;
  pair.client->Send("the whole is accepted, its ciphertext waits");
  EXPECT_EQ(pair.client->sent, pair.client->to_send.size());
  EXPECT_FALSE(pair.client->io()->writable()) << "whoever closes now would cut it off";
  pair.client->wire.write_room = SIZE_MAX;
  pair.client_inner->Wake(false, true);
  EXPECT_TRUE(pair.client->io()->writable());
}

// Whoever is told of room that is not there does not try again by itself.
TEST_F(TlsIoTest, AFullSocketIsTriedOnceForEachEdge) {
  Establish();
  pair.client->wire.write_room = 0;
  pair.client->Send(Noise(500000));
  for (int i = 0; i < 10; ++i) {
    const int before = pair.client->wire.writes;
    pair.client_inner->Wake(false, true);
    EXPECT_LE(pair.client->wire.writes, before + 1);
    pair.client_inner->Wake(true, false);
    EXPECT_LE(pair.client->wire.writes, before + 1);
  }
  EXPECT_FALSE(pair.client->io()->writable());
}

TEST_F(TlsIoTest, NothingIsHeldWhileNothingIsUnderWay) {
  Establish();
  Echo(100000, 0);
  EXPECT_EQ(pair.pool.pinned_bytes(), 0u);
}

TEST_F(TlsIoTest, CloseNotifyComesBeforeTheFin) {
  Establish();
  pair.client->io()->ShutdownWrite();
  EXPECT_TRUE(pair.client->wire.shut);
  EXPECT_EQ(pair.client->wire.written_at_shut, 24u) << "an alert: 5 + 2 + 1 + 16";
  pair.Run();
  EXPECT_TRUE(pair.server->eof);
  EXPECT_FALSE(pair.server->io()->tls()->truncated());
}

TEST_F(TlsIoTest, CloseNotifyAndFinWaitForWhatWasWritten) {
  Establish();
  pair.client->wire.write_room = 100;
  const std::string bytes = Noise(50000);
  pair.client->Send(bytes);
  pair.client->io()->ShutdownWrite();
  EXPECT_FALSE(pair.client->wire.shut);
  pair.client->wire.write_room = SIZE_MAX;
  pair.client_inner->Wake(false, true);
  EXPECT_TRUE(pair.client->wire.shut);
  pair.Run();
  EXPECT_EQ(pair.server->received, bytes);
  EXPECT_TRUE(pair.server->eof);
}

TEST_F(TlsIoTest, AHalfClosedClientStillGetsItsAnswer) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    pair.client.reset();
    pair.server.reset();
    Establish(version);
    pair.client->Send("request");
    pair.client->io()->ShutdownWrite();
    pair.Run();
    EXPECT_TRUE(pair.server->eof);
    const std::string answer = Noise(100000);
    pair.server->Send(answer);
    pair.server->io()->ShutdownWrite();
    pair.Run();
    EXPECT_EQ(pair.client->received, answer);
    EXPECT_TRUE(pair.client->eof);
  }
}

TEST_F(TlsIoTest, DestructionSendsCloseNotify) {
  Establish();
  pair.client->Send("all");
  pair.client->Drop();
  pair.Run();
  EXPECT_EQ(pair.server->received, "all");
  EXPECT_TRUE(pair.server->eof);
  EXPECT_FALSE(pair.server->io()->tls()->truncated());
}

TEST_F(TlsIoTest, AnAbortedEndSendsNoCloseNotify) {
  Establish();
  pair.client->io()->AbortOnClose();
  pair.client->Drop();
  EXPECT_TRUE(pair.client->wire.aborted);
  EXPECT_TRUE(pair.client->wire.written.empty());
}

TEST_F(TlsIoTest, AnAnswerWithoutCloseNotifyIsNotWhole) {
  Establish();
  pair.server->Send("an answer that only its end ends");
  pair.Run();
  pair.client->wire.fin = true;
  pair.client_inner->Wake(true, false);
  EXPECT_TRUE(pair.client->failed);
  EXPECT_FALSE(pair.client->eof);
  EXPECT_EQ(pair.client->received, "an answer that only its end ends") << "what came is not lost";
  EXPECT_TRUE(pair.client->io()->tls()->truncated());
  EXPECT_EQ(pair.client->io()->error(), ECONNRESET);
}

TEST_F(TlsIoTest, BytesAndATruncatingFinInOneEventAreBothSeen) {
  Establish();
  pair.server->Send("bytes");
  pair.client->wire.fin = true;
  pair.client->wire.to_read = pair.server->wire.written;
  pair.client_inner->Wake(true, false);
  EXPECT_EQ(pair.client->received, "bytes");
  EXPECT_TRUE(pair.client->failed);
}

TEST_F(TlsIoTest, ARequestWithoutCloseNotifyIsAHalfCloseThatSaysSo) {
  Establish();
  pair.client->Send("request");
  pair.Run();
  pair.server->wire.fin = true;
  pair.server_inner->Wake(true, false);
  EXPECT_EQ(pair.server->received, "request");
  EXPECT_TRUE(pair.server->eof);
  EXPECT_TRUE(pair.server->io()->tls()->truncated());
}

TEST_F(TlsIoTest, AFinInsideARecordIsAFailureOnEitherSide) {
  Establish();
  pair.client->Send("request");
  pair.server->wire.to_read = pair.client->wire.written.substr(0, 12);
  pair.server->wire.fin = true;
  pair.server_inner->Wake(true, false);
  EXPECT_TRUE(pair.server->failed);
  EXPECT_FALSE(pair.server->eof);
}

TEST_F(TlsIoTest, ARecordThatWasChangedOnTheWayIsAFailure) {
  Establish();
  pair.client->Send("request");
  pair.client->wire.written[10] = static_cast<char>(pair.client->wire.written[10] ^ 1);
  pair.Run();
  EXPECT_TRUE(pair.server->failed);
  EXPECT_EQ(pair.server->received, "");
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kProtocol));
  EXPECT_TRUE(pair.client->failed) << "it had an alert";
}

TEST_F(TlsIoTest, AGarbageHelloEndsOnlyItself) {
  pair.Build(ServerOptions(), ClientOptions());
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), Noise(1000), std::string(5, '\0'),
        std::string("\x16\x03\x01\x40\x01", 5)}) {
    pair.Connect();
    pair.server->wire.to_read = garbage + std::string(20000, 'x');
    pair.server_inner->Wake(true, false);
    EXPECT_FALSE(pair.server->io()->connected());
    EXPECT_NE(pair.server->io()->error(), 0);
    EXPECT_EQ(pair.server->calls, 1) << "its owner hears of the end";
  }
  EXPECT_EQ(pair.server_events.failures.size(), 4u);
  pair.Handshake();
  Echo(1000, 0);
}

TEST_F(TlsIoTest, APeerThatLeavesDuringTheHandshakeIsAFailure) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  pair.server->wire.fin = true;
  pair.server_inner->Wake(true, false);
  EXPECT_FALSE(pair.server->io()->connected());
  EXPECT_NE(pair.server->io()->error(), 0);
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kGone));
}

TEST_F(TlsIoTest, AFailedConnectIsToldWithItsReason) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.client = std::make_unique<End>();
  pair.client->wire.connected = false;
  auto inner = std::make_unique<FakeIo>(&pair.client->wire);
  pair.client_inner = inner.get();
  pair.client->Take(pair.client_context->Connect(std::move(inner), pair.peer));
  pair.client_inner->Wake(false, true);
  EXPECT_EQ(pair.client->calls, 0) << "still connecting";
  pair.client->wire.read_fails = true;
  pair.client_inner->Wake(true, true);
  EXPECT_EQ(pair.client->calls, 1);
  EXPECT_FALSE(pair.client->io()->connected());
  EXPECT_EQ(pair.client->io()->error(), ECONNRESET);
}

TEST_F(TlsIoTest, AResetAfterTheHandshakeIsAFailureBehindWhatCame) {
  Establish();
  pair.server->Send("early answer");
  pair.client->wire.to_read = pair.server->wire.written;
  pair.client->wire.read_fails = true;
  pair.client_inner->Wake(true, true);
  EXPECT_EQ(pair.client->received, "early answer");
  EXPECT_TRUE(pair.client->failed);
}

TEST_F(TlsIoTest, WhatCameBeforeAWriteFailedCanStillBeRead) {
  Establish();
  pair.client->reads_only_when_told = true;
  pair.server->Send("early answer");
  pair.client->wire.to_read = pair.server->wire.written;
  pair.client->wire.write_fails = true;
  pair.client_inner->Wake(true, true);
  pair.client->Send(Noise(100));
  EXPECT_TRUE(pair.client->write_failed);
  pair.client->ReadAll();
  EXPECT_EQ(pair.client->received, "early answer");
}

// The peer's own OpenSSL, to send what our side never sends.
SSL* SslOf(const End& end) {
  return static_cast<TlsIo*>(end.io())->handle_for_tests();
}

TEST_F(TlsIoTest, SomeKeyUpdatesAreFineAndManyAreNot) {
  Establish();
  for (uint32_t i = 0; i < TlsIo::kMaxControlPerSecond; ++i) {
    SSL_key_update(SslOf(*pair.client), SSL_KEY_UPDATE_REQUESTED);
    pair.client->Send("x");
    pair.Run();
  }
  EXPECT_FALSE(pair.server->failed);
  EXPECT_EQ(pair.server->received.size(), TlsIo::kMaxControlPerSecond);
  pair.reactor.set_now(3000);
  SSL_key_update(SslOf(*pair.client), SSL_KEY_UPDATE_REQUESTED);
  pair.client->Send("a second later there is room again");
  pair.Run();
  EXPECT_FALSE(pair.server->failed);
  for (uint32_t i = 0; i < TlsIo::kMaxControlPerSecond + 1; ++i) {
    SSL_key_update(SslOf(*pair.client), SSL_KEY_UPDATE_REQUESTED);
    pair.client->Send("x");
    pair.Run();
  }
  EXPECT_TRUE(pair.server->failed);
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kTooManyUpdates));
}

// What was passed on may be at the peer already: a failure behind it does not make it unwritten.
TEST_F(TlsIoTest, AWriteThatFailsInTheMiddleSaysWhatItTook) {
  Establish();
  pair.client->wire.writes_before_failing = 1;
  const std::string bytes = Noise(200000);
  const iovec piece = {const_cast<char*>(bytes.data()), bytes.size()};
  const ssize_t put = pair.client->io()->Write(&piece, 1);
  EXPECT_GT(put, 0);
  EXPECT_LE(put, 65536);
  EXPECT_EQ(pair.client->io()->Write(&piece, 1), kFailed);
  pair.client->wire.write_fails = false;
  pair.Run();
  EXPECT_EQ(pair.server->received, bytes.substr(0, static_cast<size_t>(put)));
}

TEST_F(TlsIoTest, RenegotiationIsRefused) {
  Establish(Version::kTls12);
  EXPECT_EQ(SSL_renegotiate(SslOf(*pair.client)), 0);
  SSL_clear_options(SslOf(*pair.client), SSL_OP_NO_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(SslOf(*pair.client)), 1);
  pair.client->Send("x");
  pair.Run();
  EXPECT_EQ(pair.server_events.handshakes, 1);
}

// What follows is a record or a message that no honest peer would send.

TEST_F(TlsIoTest, RecordsOfOneByteAreReadInFewTurnsAndHeldNowhere) {
  Establish();
  pair.client->piece_size = 1;
  for (int i = 0; i < 3000; ++i) pair.client->Send("x");
  const int before = pair.server->wire.reads;
  pair.Run();
  EXPECT_EQ(pair.server->received.size(), 3000u);
  EXPECT_LE(pair.server->wire.reads, before + 4);
  EXPECT_EQ(pair.pool.pinned_bytes(), 0u);
}

TEST_F(TlsIoTest, EarlyDataIsNeverTaken) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Handshake();
  // A client that was told it might.
  pair.Connect();
  SSL* ssl = SslOf(*pair.client);
  SSL_SESSION* session = SSL_get1_session(ssl);
  ASSERT_NE(session, nullptr);
  SSL_SESSION_set_max_early_data(session, 16384);
  pair.server->reads_only_when_told = true;
  pair.client.reset();
  pair.client = std::make_unique<End>();
  auto inner = std::make_unique<FakeIo>(&pair.client->wire);
  pair.client_inner = inner.get();
  pair.client->Take(pair.client_context->Connect(std::move(inner), pair.peer));
  ssl = SslOf(*pair.client);
  SSL_set_session(ssl, session);
  SSL_SESSION_free(session);
  size_t put = 0;
  ASSERT_EQ(SSL_write_early_data(ssl, "early", 5, &put), 1);
  pair.client_inner->Wake(true, true);
  pair.Run();
  pair.server->ReadAll();
  EXPECT_EQ(SSL_get_early_data_status(ssl), SSL_EARLY_DATA_REJECTED);
  EXPECT_EQ(pair.server->received, "");
  ASSERT_TRUE(pair.server->io()->connected());
  pair.client->Send("late");
  pair.Run();
  pair.server->ReadAll();
  EXPECT_EQ(pair.server->received, "late");
}

TEST_F(TlsIoTest, ACertificateChainWithoutEndIsRefused) {
  ServerTlsOptions server = ServerOptions();
  server.trusted_ca = {"ca.pem", Authority().chain};
  ClientTlsOptions client = ClientOptions();
  CertificateSource mine = Source("client", {"DNS:client.example"});
  const std::string link = Authority().chain;
  while (mine.chain.text.size() < 200'000) mine.chain.text += link;
  client.certificates = {mine};
  pair.Build(server, client);
  pair.Connect();
  pair.Run();
  EXPECT_FALSE(pair.server->io()->connected());
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kProtocol));
}

TEST_F(TlsIoTest, AHelloLongerThanAnyIsRefusedByItsHead) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  // A record with the head of a ClientHello of 16 MiB.
  pair.server->wire.to_read = std::string("\x16\x03\x01\x00\x04\x01\xff\xff\xff", 9);
  pair.server_inner->Wake(true, false);
  EXPECT_NE(pair.server->io()->error(), 0);
  EXPECT_EQ(pair.server->calls, 1);
}

TEST_F(TlsIoTest, ChangeCipherSpecsWithoutEndAreAFailure) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  std::string hello = std::move(pair.client->wire.written);
  pair.client->wire.written.clear();
  for (int i = 0; i < 1000; ++i) hello += std::string("\x14\x03\x03\x00\x01\x01", 6);
  pair.server->wire.to_read = hello;
  pair.server_inner->Wake(true, false);
  EXPECT_NE(pair.server->io()->error(), 0);
}

TEST_F(TlsIoTest, AnAlertAfterTheOtherIsAFailure) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Connect();
  std::string alerts;
  // Warnings: user_canceled.
  for (int i = 0; i < 1000; ++i) alerts += std::string("\x15\x03\x01\x00\x02\x01\x5a", 7);
  pair.server->wire.to_read = alerts;
  pair.server_inner->Wake(true, false);
  EXPECT_NE(pair.server->io()->error(), 0);
}

TEST_F(TlsIoTest, ANameThatNoHostHasIsNotTold) {
  const std::string names[] = {"site.example\r\nx", "a b",        "\x7f",
                               "\xc3\xa4.example",  "\"quoted\"", std::string(254, 'a')};
  for (const std::string& name : names) {
    ClientTlsOptions client = ClientOptions();
    client.verify = false;
    client.server_name = name;
    pair.Build(ServerOptions(), client);
    pair.Handshake();
    EXPECT_EQ(pair.server->io()->tls()->server_name(), "") << name;
  }
  ClientTlsOptions client = ClientOptions();
  client.verify = false;
  client.server_name = "site_1.sub-name.example";
  pair.Build(ServerOptions(), client);
  pair.Handshake();
  EXPECT_EQ(pair.server->io()->tls()->server_name(), client.server_name);
}

TEST_F(TlsIoTest, TicketsWithoutEndAreAFailureForAClient) {
  Establish();
  for (uint32_t i = 0; i <= TlsIo::kMaxControlPerSecond; ++i) {
    SSL_new_session_ticket(SslOf(*pair.server));
    pair.server->Send("x");
    pair.Run();
  }
  EXPECT_TRUE(pair.client->failed);
  EXPECT_THAT(pair.client_events.failures, ElementsAre(TlsFailure::kTooManyUpdates));
}

}  // namespace
}  // namespace weir::net::tls::test
