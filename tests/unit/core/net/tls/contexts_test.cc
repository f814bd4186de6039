#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "core/net/tls/context_common.h"
#include "core/net/tls_attributes.h"
#include "plugins/abi/weir.h"
#include "tests/unit/core/net/tls/tls_pair.h"

namespace weir::net::tls::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class ContextsTest : public ::testing::Test {
 protected:
  // The subject of the certificate that a client sees who asks for the name.
  std::string ServedTo(const std::string& name) {
    ClientTlsOptions client = ClientOptions();
    client.server_name = name;
    client.verify = false;
    TlsError error;
    pair.client_context = ClientContext::Make(client, &pair.worker, &pair.client_events, &error);
    pair.peer = pair.client_context->AddPeer("");
    pair.Connect();
    pair.Run();
    if (!pair.client->io()->connected()) return "no handshake";
    return pair.client->io()->tls()->peer_subject();
  }

  // Whether the handshake was done at both ends, and what the server counted.
  bool Meets(const ServerTlsOptions& server, const ClientTlsOptions& client) {
    pair.Build(server, client);
    pair.Connect();
    pair.client->to_send = "x";
    pair.Run();
    return pair.client->io()->connected() && pair.server->io()->connected() &&
           pair.server->received == "x";
  }

  std::string ServerError(const ServerTlsOptions& options, TlsError::Part part) {
    TlsError error;
    EXPECT_EQ(ServerContexts::Make(options, nullptr, &pair.worker, nullptr, &error), nullptr);
    EXPECT_EQ(error.part, part);
    EXPECT_THAT(error.text, Not(HasSubstr("BEGIN")));
    return error.text;
  }

  TlsPair pair;
};

TEST_F(ContextsTest, ACertificateIsChosenByTheNameAskedFor) {
  ServerTlsOptions server;
  server.certificates = {Source("first", {"DNS:first.example"}),
                         Source("second", {"DNS:Second.example", "DNS:also.example"}),
                         Source("wild", {"DNS:*.wild.example"}),
                         Source("exact", {"DNS:exact.wild.example"}), Source("old.example", {})};
  pair.Build(server, ClientOptions());
  EXPECT_EQ(ServedTo("first.example"), "CN=first");
  EXPECT_EQ(ServedTo("second.example"), "CN=second");
  EXPECT_EQ(ServedTo("ALSO.example"), "CN=second");
  EXPECT_EQ(ServedTo("a.wild.example"), "CN=wild");
  EXPECT_EQ(ServedTo("exact.wild.example"), "CN=exact");
  EXPECT_EQ(ServedTo("old.example"), "CN=old.example") << "the common name where there is no other";
  EXPECT_EQ(ServedTo("a.b.wild.example"), "CN=first");
  EXPECT_EQ(ServedTo("wild.example"), "CN=first");
  EXPECT_EQ(ServedTo("nobody.example"), "CN=first");
  EXPECT_EQ(ServedTo(""), "CN=first");
}

TEST_F(ContextsTest, EcdsaAndRsaOfOneNameStandTogetherEcdsaFirst) {
  ServerTlsOptions server;
  server.certificates = {Source("rsa", {"DNS:site.example"}, KeyType::kRsa),
                         Source("ecdsa", {"DNS:site.example"})};
  pair.Build(server, ClientOptions());
  EXPECT_EQ(pair.server_contexts->size(), 1u);
  EXPECT_EQ(ServedTo("site.example"), "CN=ecdsa");
}

TEST_F(ContextsTest, NoCommonProtocolIsFatalAndNoAlpnIsFine) {
  ServerTlsOptions server = ServerOptions();
  server.alpn = {"h2", "http/1.1"};
  ClientTlsOptions client = ClientOptions();
  EXPECT_TRUE(Meets(server, client));
  EXPECT_EQ(pair.server->io()->tls()->alpn(), "");
  client.alpn = {"http/1.1", "h2"};
  EXPECT_TRUE(Meets(server, client));
  EXPECT_EQ(pair.server->io()->tls()->alpn(), "h2") << "the server's order counts";
  client.alpn = {"spdy/3"};
  EXPECT_FALSE(Meets(server, client));
}

TEST_F(ContextsTest, VersionsAreBounded) {
  ServerTlsOptions server = ServerOptions();
  ClientTlsOptions client = ClientOptions();
  server.min_version = Version::kTls13;
  client.max_version = Version::kTls12;
  EXPECT_FALSE(Meets(server, client));
  server.min_version = Version::kTls12;
  EXPECT_TRUE(Meets(server, client));
  EXPECT_EQ(pair.server->io()->tls()->version(), "TLSv1.2");
}

TEST_F(ContextsTest, AClientCertificateIsRequiredOrRequested) {
  static const CertificateSource mine = Source("client", {"DNS:client.example"});
  ServerTlsOptions server = ServerOptions();
  server.trusted_ca = {"ca.pem", Authority().chain};
  ClientTlsOptions client = ClientOptions();
  EXPECT_TRUE(Meets(server, client)) << "requested";
  EXPECT_FALSE(pair.server->io()->tls()->peer_verified());
  server.require_client_certificate = true;
  EXPECT_FALSE(Meets(server, client));
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kNoCertificate));
  client.certificates = {mine};
  EXPECT_TRUE(Meets(server, client));
  EXPECT_TRUE(pair.server->io()->tls()->peer_verified());
  EXPECT_EQ(pair.server->io()->tls()->peer_subject(), "CN=client");
}

TEST_F(ContextsTest, FiltersAndLogsAreToldWhatTheHandshakeSettled) {
  ServerTlsOptions server = ServerOptions();
  server.alpn = {"h2"};
  server.trusted_ca = {"ca.pem", Authority().chain};
  ClientTlsOptions client = ClientOptions();
  client.alpn = {"h2"};
  client.certificates = {
      Source("client", {"DNS:a.example", "URI:spiffe://x/y", "DNS:b.example", "URI:urn:a b"})};
  ASSERT_TRUE(Meets(server, client));
  const auto at_server = [this](uint32_t id) {
    std::string value = "-";
    TlsAttribute(pair.server->io()->tls(), id, &value);
    return value;
  };
  EXPECT_EQ(at_server(WEIR_ATTR_REQUESTED_SERVER_NAME), "site.example");
  EXPECT_EQ(at_server(WEIR_ATTR_ALPN), "h2");
  EXPECT_EQ(at_server(WEIR_ATTR_TLS_VERSION), "TLSv1.3");
  EXPECT_EQ(at_server(WEIR_ATTR_TLS_CIPHER), "TLS_AES_128_GCM_SHA256");
  EXPECT_EQ(at_server(WEIR_ATTR_PEER_SUBJECT), "CN=client");
  EXPECT_EQ(at_server(WEIR_ATTR_PEER_DNS_SAN), "a.example,b.example");
  EXPECT_EQ(at_server(WEIR_ATTR_PEER_URI_SAN), "spiffe://x/y") << "one with a space is none";
  EXPECT_THAT(at_server(WEIR_ATTR_PEER_SERIAL), ::testing::MatchesRegex("[0-9a-f]{2,16}"));
  EXPECT_THAT(at_server(WEIR_ATTR_PEER_FINGERPRINT_256), ::testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_THAT(at_server(WEIR_ATTR_TLS_SESSION_ID), ::testing::MatchesRegex("[0-9a-f]{64}"));
  EXPECT_EQ(at_server(WEIR_ATTR_LISTENER), "-") << "not what a handshake settles";
  std::string value = "-";
  EXPECT_FALSE(TlsAttribute(nullptr, WEIR_ATTR_TLS_VERSION, &value));
  EXPECT_EQ(value, "-");
}

TEST_F(ContextsTest, ACertificateThatNobodyVerifiedSaysNothing) {
  ClientTlsOptions client = ClientOptions();
  client.verify = false;
  ASSERT_TRUE(Meets(ServerOptions(), client));
  std::string value;
  EXPECT_FALSE(TlsAttribute(pair.client->io()->tls(), WEIR_ATTR_PEER_SUBJECT, &value));
  EXPECT_TRUE(TlsAttribute(pair.client->io()->tls(), WEIR_ATTR_TLS_VERSION, &value));
}

TEST_F(ContextsTest, AStrangersCertificateIsRefusedEvenWhereNoneIsRequired) {
  const TestCertificate other = weir::test::MakeAuthority("Other Root");
  const TestCertificate made = weir::test::MakeCertificate(other, {"stranger", {}});
  ServerTlsOptions server = ServerOptions();
  server.trusted_ca = {"ca.pem", Authority().chain};
  ClientTlsOptions client = ClientOptions();
  client.certificates = {{{"c", made.chain}, {"k", made.key}}};
  EXPECT_FALSE(Meets(server, client));
  EXPECT_THAT(pair.server_events.failures, ElementsAre(TlsFailure::kVerify));
}

TEST_F(ContextsTest, ABackendIsVerifiedByAuthorityNameAndTime) {
  ClientTlsOptions client = ClientOptions();
  client.server_name = "other.example";
  EXPECT_FALSE(Meets(ServerOptions(), client));
  EXPECT_THAT(pair.client_events.failures, ElementsAre(TlsFailure::kName));
  client.names = {"no.example", "site.example"};
  EXPECT_TRUE(Meets(ServerOptions(), client)) << "one of the names is enough";
  client.trusted_ca = {"other.pem", weir::test::MakeAuthority("Other Root").chain};
  EXPECT_FALSE(Meets(ServerOptions(), client));
  EXPECT_EQ(pair.client_events.failures.back(), TlsFailure::kVerify);
  ServerTlsOptions expired;
  expired.certificates = {Source("expired", {"DNS:site.example"}, KeyType::kEcdsa, -1)};
  EXPECT_FALSE(Meets(expired, ClientOptions()));
  EXPECT_EQ(pair.client_events.failures.back(), TlsFailure::kVerify);
  EXPECT_THAT(pair.client_events.last_reason, HasSubstr("expired"));
}

TEST_F(ContextsTest, TheEndpointsOwnNameOrAddressIsVerifiedByDefault) {
  ServerTlsOptions server;
  server.certificates = {Source("ip", {"IP:127.0.0.1"})};
  ClientTlsOptions client = ClientOptions();
  client.server_name = "";
  EXPECT_TRUE(Meets(server, client));
  EXPECT_EQ(pair.server->io()->tls()->server_name(), "") << "addresses are not asked for";
  EXPECT_FALSE(Meets(ServerOptions(), client));
}

TEST_F(ContextsTest, SessionsAreResumedWithATicketOfAnyWorker) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerTlsOptions server = ServerOptions();
    server.max_version = version;
    pair.Build(server, ClientOptions());
    pair.Handshake();
    EXPECT_FALSE(pair.client->io()->tls()->resumed());
    // Another worker of the same listener.
    TlsError error;
    pair.server_contexts =
        ServerContexts::Make(server, &pair.tickets, &pair.worker, &pair.server_events, &error);
    pair.Handshake();
    EXPECT_TRUE(pair.client->io()->tls()->resumed());
    EXPECT_TRUE(pair.server->io()->tls()->resumed());
  }
}

TEST_F(ContextsTest, ATicketOfAnotherListenerOrTooOldIsWorthNothing) {
  pair.Build(ServerOptions(), ClientOptions());
  pair.Handshake();
  ServerTlsOptions other = ServerOptions();
  other.id_context = "another listener";
  TlsError error;
  pair.server_contexts =
      ServerContexts::Make(other, &pair.tickets, &pair.worker, &pair.server_events, &error);
  pair.Handshake();
  EXPECT_FALSE(pair.server->io()->tls()->resumed());
  pair.reactor.set_now(3 * 3600 * 1000);
  pair.Handshake();
  EXPECT_FALSE(pair.server->io()->tls()->resumed());
}

// Each resumption gives a new ticket, whose own life begins then.
TEST_F(ContextsTest, AChainOfTicketsEndsWithTheFullHandshakesTime) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ServerTlsOptions server = ServerOptions();
    server.max_version = version;
    server.session_timeout_s = 1000;
    pair.Build(server, ClientOptions());
    const uint64_t start = pair.reactor.now_ms();
    pair.Handshake();
    for (const uint64_t s : {300u, 600u, 900u, 999u}) {
      pair.reactor.set_now(start + s * 1000);
      pair.Handshake();
      EXPECT_TRUE(pair.server->io()->tls()->resumed()) << s;
    }
    pair.reactor.set_now(start + 1'000'000);
    pair.Handshake();
    EXPECT_FALSE(pair.server->io()->tls()->resumed()) << "whichever ticket it is";
    pair.reactor.set_now(start + 1'900'000);
    pair.Handshake();
    EXPECT_TRUE(pair.server->io()->tls()->resumed()) << "a full handshake begins anew";
    pair.reactor.set_now(start + 2'000'000);
    pair.Handshake();
    EXPECT_FALSE(pair.server->io()->tls()->resumed());
  }
}

TEST_F(ContextsTest, AClientIsToldWhatIsLeftOfItsSessionsLife) {
  ServerTlsOptions server = ServerOptions();
  server.session_timeout_s = 1000;
  pair.Build(server, ClientOptions());
  const auto hint = [this] {
    SSL* ssl = static_cast<TlsIo*>(pair.client->io())->handle_for_tests();
    return SSL_SESSION_get_ticket_lifetime_hint(SSL_get_session(ssl));
  };
  const uint64_t start = pair.reactor.now_ms();
  pair.Handshake();
  EXPECT_EQ(hint(), 1000u);
  pair.reactor.set_now(start + 400'000);
  pair.Handshake();
  EXPECT_EQ(hint(), 600u);
  pair.reactor.set_now(start + 999'500);
  pair.Handshake();
  EXPECT_TRUE(pair.server->io()->tls()->resumed());
  EXPECT_EQ(hint(), 1u) << "0 would be: as long as you like";
}

TEST_F(ContextsTest, WithoutTicketsNothingIsResumed) {
  ServerTlsOptions server = ServerOptions();
  server.session_tickets = false;
  pair.Build(server, ClientOptions());
  pair.Handshake();
  pair.Handshake();
  EXPECT_FALSE(pair.server->io()->tls()->resumed());
}

TEST_F(ContextsTest, MistakesNameTheFileAndTheReason) {
  ServerTlsOptions server = ServerOptions();
  server.certificates[0].chain = {"chain.pem", "nothing"};
  EXPECT_THAT(ServerError(server, TlsError::Part::kChain), HasSubstr("chain.pem: no certificate"));
  server = ServerOptions();
  server.certificates[0].key.text = weir::test::EncryptKey(server.certificates[0].key.text, "x");
  EXPECT_THAT(ServerError(server, TlsError::Part::kKey),
              HasSubstr("site.key: the key is encrypted"));
  server = ServerOptions();
  server.certificates[0].key = Source("other", {}).key;
  EXPECT_THAT(ServerError(server, TlsError::Part::kKey),
              HasSubstr("other.key: not the key of the certificate in site.pem"));
  server = ServerOptions();
  server.trusted_ca = {"ca.pem", "x"};
  EXPECT_THAT(ServerError(server, TlsError::Part::kTrustedCa), HasSubstr("ca.pem"));
  server = ServerOptions();
  server.ciphers = "ROT13";
  ServerError(server, TlsError::Part::kCiphers);
  server = ServerOptions();
  server.curves = "P-1";
  ServerError(server, TlsError::Part::kCurves);
}

TEST(ContextCommonTest, NamesAreComparedInLowerCaseWithoutAFinalDot) {
  EXPECT_EQ(LowerHost("A.Example."), "a.example");
  EXPECT_TRUE(IsIpAddress("127.0.0.1"));
  EXPECT_TRUE(IsIpAddress("::1"));
  EXPECT_FALSE(IsIpAddress("a.example"));
}

TEST(ContextCommonTest, AlpnIsSentWithLengths) {
  EXPECT_EQ(AlpnWire({"h2", "http/1.1"}), "\x02h2\x08http/1.1");
  EXPECT_EQ(AlpnWire({""}), "");
  EXPECT_EQ(AlpnWire({std::string(256, 'x')}), "");
}

class SwappedContextsTest : public ContextsTest {
 protected:
  // Whether a client that was here resumes with the server that these options make.
  bool ResumesWith(const ServerTlsOptions& server) {
    TlsError error;
    pair.server_contexts =
        ServerContexts::Make(server, &pair.tickets, &pair.worker, &pair.server_events, &error);
    EXPECT_NE(pair.server_contexts, nullptr) << error.text;
    Talk();
    return pair.server->io()->tls()->resumed();
  }
  void Talk() {
    pair.Connect();
    pair.client->to_send = "x";
    pair.Run();
    pair.server->Send("y");
    pair.Run();
    ASSERT_TRUE(pair.client->io()->connected());
    ASSERT_EQ(pair.client->received, "y");
  }
};

TEST_F(SwappedContextsTest, ASessionIsResumedOnlyUnderACertificateThatIsStillUsed) {
  static const CertificateSource mine = Source("site", {"DNS:site.example"});
  static const CertificateSource renewed = Source("site", {"DNS:site.example"});
  static const CertificateSource other = Source("other", {"DNS:other.example"});
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ClientTlsOptions client = ClientOptions();
    client.max_version = version;
    ServerTlsOptions server = ServerOptions();
    server.certificates = {other, mine};
    pair.Build(server, client);
    Talk();
    EXPECT_TRUE(ResumesWith(server)) << "the same ones, made anew";
    ServerTlsOptions neighbour = server;
    neighbour.certificates[0] = Source("other", {"DNS:other.example"});
    EXPECT_TRUE(ResumesWith(neighbour)) << "another name's certificate has changed";
    ServerTlsOptions changed = neighbour;
    changed.certificates[1] = renewed;
    EXPECT_FALSE(ResumesWith(changed));
    EXPECT_TRUE(ResumesWith(changed)) << "under the new one from then on";
  }
}

TEST_F(SwappedContextsTest, ASessionIsNotResumedUnderOtherAuthorities) {
  ServerTlsOptions server = ServerOptions();
  server.trusted_ca = {"ca.pem", Authority().chain};
  ClientTlsOptions client = ClientOptions();
  client.certificates = {Source("client", {"DNS:client.example"})};
  pair.Build(server, client);
  Talk();
  EXPECT_TRUE(ResumesWith(server));
  server.trusted_ca.text += weir::test::MakeAuthority("More").chain;
  EXPECT_FALSE(ResumesWith(server));
}

TEST_F(SwappedContextsTest, ConnectionsGoOnWithoutTheContextsTheyCameFrom) {
  for (const Version version : {Version::kTls12, Version::kTls13}) {
    ClientTlsOptions client = ClientOptions();
    client.max_version = version;
    pair.Build(ServerOptions(), client);
    pair.Connect();
    // The client's contexts go while its handshake runs; a ticket comes after.
    pair.client_context.reset();
    pair.Run();
    ASSERT_TRUE(pair.server->io()->connected());
    pair.server_contexts.reset();
    pair.client->Send("ping");
    pair.server->Send("pong");
    pair.Run();
    EXPECT_EQ(pair.server->received, "ping");
    EXPECT_EQ(pair.client->received, "pong");
    pair.client->io()->ShutdownWrite();
    pair.Run();
    EXPECT_TRUE(pair.server->eof);
  }
}

TEST_F(SwappedContextsTest, WhatHasNotChangedIsShared) {
  ServerTlsOptions server;
  server.id_context = "test";
  for (const char* name : {"a", "b", "c"})
    server.certificates.push_back(Source(name, {"DNS:" + std::string(name) + ".example"}));
  TlsError error;
  std::shared_ptr<ServerContexts> before =
      ServerContexts::Make(server, &pair.tickets, &pair.worker, &pair.server_events, &error);
  EXPECT_EQ(before->shared(), 0u);
  server.certificates[1] = Source("renewed", {"DNS:b.example"});
  auto after = ServerContexts::Follow(before, server, &error);
  EXPECT_EQ(after->size(), 3u);
  EXPECT_EQ(after->shared(), 2u);
  server.certificates[1].key = server.certificates[0].key;
  EXPECT_EQ(ServerContexts::Follow(after, server, &error), nullptr) << "not its key";
  EXPECT_EQ(error.certificate, 1u);
  server.certificates.erase(server.certificates.begin() + 1);
  server.trusted_ca = {"ca.pem", Authority().chain};
  EXPECT_EQ(ServerContexts::Follow(after, server, &error)->shared(), 0u)
      << "other authorities are of concern to each";
}

TEST_F(SwappedContextsTest, AHandshakeThatHasBegunGoesOnThroughAnyNumberOfChanges) {
  ServerTlsOptions server;
  server.id_context = "test";
  server.alpn = {"h2", "http/1.1"};
  server.certificates = {Source("first", {"DNS:first.example"}),
                         Source("site", {"DNS:site.example"})};
  ClientTlsOptions client = ClientOptions();
  client.alpn = {"h2"};
  for (const bool default_changes : {false, true}) {
    pair.Build(server, client);
    std::shared_ptr<ServerContexts> contexts = std::move(pair.server_contexts);
    auto client_end = std::make_unique<End>();
    pair.server = std::make_unique<End>();
    pair.client = std::move(client_end);
    auto server_io = std::make_unique<FakeIo>(&pair.server->wire);
    auto client_io = std::make_unique<FakeIo>(&pair.client->wire);
    pair.server_inner = server_io.get();
    pair.client_inner = client_io.get();
    const std::shared_ptr<ServerContexts> begun = contexts;  // as the handshake of a listener has
    pair.server->Take(begun->Accept(std::move(server_io)));
    pair.client->Take(pair.client_context->Connect(std::move(client_io), pair.peer));
    ServerTlsOptions next = server;
    TlsError error;
    for (int i = 0; i < 4; ++i) {
      // In turn that of the first context, which the handshake began on, and that which it asks
      // for.
      const bool first = default_changes == (i % 2 == 0);
      next.certificates[first ? 0 : 1] =
          Source("renewed", {first ? "DNS:first.example" : "DNS:site.example"});
      contexts = ServerContexts::Follow(contexts, next, &error);
      ASSERT_NE(contexts, nullptr) << error.text;
    }
    contexts.reset();
    pair.client_inner->Wake(false, true);
    pair.client->to_send = "x";
    pair.Run();
    ASSERT_TRUE(pair.client->io()->connected());
    EXPECT_EQ(pair.client->io()->tls()->alpn(), "h2");
    EXPECT_EQ(pair.server->received, "x");
  }
}

}  // namespace
}  // namespace weir::net::tls::test
