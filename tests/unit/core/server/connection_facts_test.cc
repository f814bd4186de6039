#include "core/server/connection_facts.h"

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "core/net/tls_session.h"
#include "plugins/abi/weir.h"

namespace weir::server {
namespace {

struct Session final : net::TlsSession {
  bool verified = false;

  std::string_view alpn() const override { return "h2"; }
  std::string_view server_name() const override { return "a.test"; }
  std::string_view version() const override { return "TLSv1.3"; }
  std::string_view cipher() const override { return "C"; }
  bool resumed() const override { return false; }
  bool peer_verified() const override { return verified; }
  bool truncated() const override { return false; }
  std::string peer_subject() const override { return "CN=anna"; }
  std::string peer_names(net::PeerNames) const override { return "spiffe://anna"; }
};

class TlsIo final : public net::Io {
 public:
  explicit TlsIo(const net::TlsSession* session) : session_(session) {}
  ssize_t Read(uint8_t*, size_t) override { return net::kAgain; }
  ssize_t Write(const iovec*, int) override { return net::kAgain; }
  void ShutdownWrite() override {}
  void AbortOnClose() override {}
  void LookSoon() override {}
  int error() const override { return 0; }
  bool connected() const override { return true; }
  const net::TlsSession* tls() const override { return session_; }

 private:
  const net::TlsSession* session_;
};

const net::Address kPeer = *net::Address::Parse("1.2.3.4:5");
const net::Address kLocal = *net::Address::Parse("[::1]:80");

std::string Text(ConnectionFacts* facts, uint32_t id) {
  std::string_view value;
  return facts->Attribute(id, &value) ? std::string(value) : "<none>";
}
int64_t Number(const ConnectionFacts& facts, uint32_t id) {
  int64_t value = -2;
  return facts.Number(id, &value) ? value : -1;
}

TEST(ConnectionFactsTest, WhatTheHandshakeSettledIsKnown) {
  Session session;
  const TlsIo io(&session);
  ConnectionFacts facts(kPeer, kLocal, &io, nullptr, 1);
  EXPECT_EQ(Text(&facts, WEIR_ATTR_REQUESTED_SERVER_NAME), "a.test");
  EXPECT_EQ(Text(&facts, WEIR_ATTR_ALPN), "h2");
  EXPECT_EQ(Number(facts, WEIR_NUMBER_SECURE), 1);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_PEER_VERIFIED), 0);
  EXPECT_EQ(Text(&facts, WEIR_ATTR_PEER_URI_SAN), "<none>") << "it was not verified";
  session.verified = true;
  EXPECT_EQ(Number(facts, WEIR_NUMBER_PEER_VERIFIED), 1);
  EXPECT_EQ(Text(&facts, WEIR_ATTR_PEER_URI_SAN), "spiffe://anna");
  EXPECT_EQ(Text(&facts, WEIR_ATTR_PEER_SUBJECT), "CN=anna");
}

TEST(ConnectionFactsTest, WhatListenerFiltersNotedIsKnown) {
  net::ConnectionNotes notes;
  notes.direct = *net::Address::Parse("9.9.9.9:9");
  notes.server_name = "noted.test";
  ASSERT_TRUE(notes.Set("space", "key", "value"));
  ConnectionFacts facts(kPeer, kLocal, nullptr, &notes, 1);
  EXPECT_EQ(Text(&facts, WEIR_ATTR_DOWNSTREAM_ADDRESS), "1.2.3.4:5");
  EXPECT_EQ(Text(&facts, WEIR_ATTR_DIRECT_ADDRESS), "9.9.9.9:9");
  EXPECT_EQ(Text(&facts, WEIR_ATTR_REQUESTED_SERVER_NAME), "noted.test");
  EXPECT_EQ(Text(&facts, WEIR_ATTR_ALPN), "<none>");
  std::string_view note;
  EXPECT_TRUE(facts.Note("space", "key", &note));
  EXPECT_EQ(note, "value");
  EXPECT_FALSE(facts.Note("space", "other", &note));
}

TEST(ConnectionFactsTest, ATlsSessionsOwnNameCountsAndNotWhatWasNoted) {
  Session session;
  const TlsIo io(&session);
  net::ConnectionNotes notes;
  notes.server_name = "noted.test";
  ConnectionFacts facts(kPeer, kLocal, &io, &notes, 1);
  EXPECT_EQ(Text(&facts, WEIR_ATTR_REQUESTED_SERVER_NAME), "a.test");
}

TEST(ConnectionFactsTest, NumbersAreThoseOfTheConnection) {
  ConnectionFacts facts(kPeer, kLocal, nullptr, nullptr, 1);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_DOWNSTREAM_PORT), 5);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_LOCAL_PORT), 80);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_SECURE), 0);
  EXPECT_GT(Number(facts, WEIR_NUMBER_START_UNIX_US), 1'600'000'000'000'000);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_CONNECTION_ID), 1);
  EXPECT_EQ(Number(facts, WEIR_NUMBER_RESPONSE_CODE), -1);
}

}  // namespace
}  // namespace weir::server
