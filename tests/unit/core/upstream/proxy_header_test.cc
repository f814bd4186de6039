#include "core/upstream/proxy_header.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "core/upstream/header_io.h"
#include "tests/support/fake_io.h"

namespace weir::upstream {
namespace {

using config::ProxyProtocol;

std::string Header(ProxyProtocol version, std::string_view source, std::string_view destination) {
  const auto from = net::Address::Parse(source);
  const auto to = net::Address::Parse(destination);
  char out[kMaxProxyHeader];
  return {out, WriteProxyHeader(version, from ? &*from : nullptr, to ? &*to : nullptr, out)};
}

TEST(ProxyHeader, Version1IsALine) {
  EXPECT_EQ(Header(ProxyProtocol::kV1, "10.1.2.3:4660", "10.0.0.1:443"),
            "PROXY TCP4 10.1.2.3 10.0.0.1 4660 443\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kV1, "[2001:db8::1]:1", "[::2]:65535"),
            "PROXY TCP6 2001:db8::1 ::2 1 65535\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kV1, "", ""), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kV1, "unix:/a", "10.0.0.1:443"), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kNone, "10.1.2.3:4660", "10.0.0.1:443"), "");
}

TEST(ProxyHeader, Version2IsBinary) {
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  EXPECT_EQ(Header(ProxyProtocol::kV2, "10.1.2.3:4660", "10.0.0.1:443"),
            signature + std::string("\x21\x11\0\x0c\x0a\1\2\3\x0a\0\0\1\x12\x34\x01\xbb", 16));
  const std::string v6 = Header(ProxyProtocol::kV2, "[2001:db8::1]:4660", "[::2]:443");
  EXPECT_EQ(v6.size(), 52u);
  EXPECT_EQ(v6.substr(12, 6), std::string("\x21\x21\0\x24\x20\x01", 6));
  EXPECT_EQ(Header(ProxyProtocol::kV2, "", ""), signature + std::string("\x20\0\0\0", 4));
}

// A listener on [::] with ipv4_compat has such clients.
TEST(ProxyHeader, AnIpv4AddressIsOneWhateverSocketItCameOver) {
  EXPECT_EQ(Header(ProxyProtocol::kV1, "[::ffff:10.1.2.3]:1", "10.0.0.1:2"),
            "PROXY TCP4 10.1.2.3 10.0.0.1 1 2\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kV1, "10.1.2.3:1", "[::2]:2"),
            "PROXY TCP6 ::ffff:10.1.2.3 ::2 1 2\r\n");
  EXPECT_EQ(Header(ProxyProtocol::kV2, "10.1.2.3:1", "[::2]:2").size(), 52u);
}

struct Client final : net::IoClient {
  void OnIo(bool readable, bool writable) override {
    reads += readable ? 1 : 0;
    writes += writable ? 1 : 0;
  }
  int reads = 0;
  int writes = 0;
};

ssize_t Write(net::Io* io, std::string_view text) {
  const iovec piece = {const_cast<char*>(text.data()), text.size()};
  return io->Write(&piece, 1);
}

TEST(HeaderIo, TheHeaderGoesFirstHoweverFewIsTaken) {
  for (size_t most = 1; most < 9; ++most) {
    test::FakePeer peer;
    peer.most_per_write = most;
    peer.connected = false;
    auto inner = std::make_unique<test::FakeIo>(&peer);
    test::FakeIo* socket = inner.get();
    HeaderIo io(std::move(inner), "HEADER");
    Client client;
    io.set_client(&client);
    EXPECT_EQ(peer.writes, 0);
    peer.connected = true;
    for (int i = 0; i < 10 && peer.written.size() < 6; ++i) socket->Wake(false, true);
    EXPECT_EQ(peer.written, "HEADER");
    EXPECT_TRUE(io.writable());
    EXPECT_GE(client.writes, 1);
    std::string rest = "body";
    while (!rest.empty()) {
      const ssize_t put = Write(&io, rest);
      ASSERT_GT(put, 0);
      rest.erase(0, static_cast<size_t>(put));
    }
    EXPECT_EQ(peer.written, "HEADERbody");
  }
}

TEST(HeaderIo, OneThatIsConnectedAtOnceNeedsNoEdge) {
  test::FakePeer peer;
  HeaderIo io(std::make_unique<test::FakeIo>(&peer), "HEADER");
  EXPECT_EQ(peer.written, "HEADER");
}

TEST(HeaderIo, OurEndWaitsForTheHeader) {
  test::FakePeer peer;
  peer.write_room = 3;
  auto inner = std::make_unique<test::FakeIo>(&peer);
  test::FakeIo* socket = inner.get();
  HeaderIo io(std::move(inner), "HEADER");
  Client client;
  io.set_client(&client);
  EXPECT_EQ(Write(&io, "x"), net::kAgain);
  EXPECT_FALSE(io.writable());
  io.ShutdownWrite();
  EXPECT_FALSE(peer.shut);
  peer.write_room = 100;
  socket->Wake(false, true);
  EXPECT_TRUE(peer.shut);
  EXPECT_EQ(peer.written_at_shut, 6u);
}

TEST(HeaderIo, AFailureIsSeenByWhoeverWrites) {
  test::FakePeer peer;
  peer.write_fails = true;
  HeaderIo io(std::make_unique<test::FakeIo>(&peer), "HEADER");
  EXPECT_TRUE(io.writable());
  EXPECT_EQ(Write(&io, "x"), net::kFailed);
}

}  // namespace
}  // namespace weir::upstream
