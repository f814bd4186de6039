#include "filters/listener/proxy_protocol/header.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/filters/listener/proxy_protocol/headers.h"

namespace weir::proxy_protocol {
namespace {

Verdict Read(std::string_view bytes, Header* out = nullptr) {
  Header header;
  return ReadHeader(bytes, out == nullptr ? &header : out);
}

TEST(ProxyHeader, Version1TellsTheAddresses) {
  Header header;
  ASSERT_EQ(Read("PROXY TCP4 10.1.2.3 10.0.0.1 4660 443\r\nGET /", &header), Verdict::kWhole);
  EXPECT_EQ(header.version, 1);
  EXPECT_EQ(header.size, 39u);
  EXPECT_EQ(header.family, Header::Family::kIpv4);
  EXPECT_EQ(header.source.ip[0], 10);
  EXPECT_EQ(header.source.ip[3], 3);
  EXPECT_EQ(header.source.port, 4660);
  EXPECT_EQ(header.destination.port, 443);
  ASSERT_EQ(Read("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", &header), Verdict::kWhole);
  EXPECT_EQ(header.family, Header::Family::kIpv6);
  EXPECT_EQ(header.source.ip[0], 0x20);
  EXPECT_EQ(header.destination.ip[15], 1);
  EXPECT_EQ(header.destination.port, 65535);
}

TEST(ProxyHeader, UnknownIsTakenWhateverItSays) {
  Header header;
  for (const std::string text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 x 1 99999\r\n"}) {
    ASSERT_EQ(Read(text, &header), Verdict::kWhole) << text;
    EXPECT_EQ(header.size, text.size());
    EXPECT_EQ(header.family, Header::Family::kNone);
  }
}

TEST(ProxyHeader, ABadLineOfVersion1IsBad) {
  for (const std::string text :
       {"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n",
        "PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX", "PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY \r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n", "PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n"}) {
    EXPECT_EQ(Read(text), Verdict::kBad) << text;
  }
  EXPECT_EQ(Read(std::string("PROXY TCP4 1.2.3.4\0 1.2.3.4 1 2\r\n", 34)), Verdict::kBad);
}

// Section 2.1: the longest line has 107 bytes.
TEST(ProxyHeader, ALineOfVersion1IsBounded) {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107u);
  EXPECT_EQ(Read(longest), Verdict::kWhole);
  EXPECT_EQ(Read("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), Verdict::kBad);
  EXPECT_EQ(Read("PROXY UNKNOWN " + std::string(500, 'x')), Verdict::kBad);
}

TEST(ProxyHeader, Version2TellsTheAddresses) {
  Header header;
  ASSERT_EQ(Read(V2(0x21, 0x11, Ipv4Addresses()) + "GET", &header), Verdict::kWhole);
  EXPECT_EQ(header.version, 2);
  EXPECT_EQ(header.size, 28u);
  EXPECT_EQ(header.source.ip[1], 1);
  EXPECT_EQ(header.source.port, 4660);
  EXPECT_EQ(header.destination.port, 443);
  ASSERT_EQ(Read(V2(0x21, 0x21, Ipv6Addresses()), &header), Verdict::kWhole);
  EXPECT_EQ(header.family, Header::Family::kIpv6);
  EXPECT_EQ(header.destination.ip[15], 2);
}

TEST(ProxyHeader, LocalUnspecAndUnixNameNobody) {
  Header header;
  for (const std::string& text :
       {V2(0x20, 0x00, ""), V2(0x20, 0x11, Ipv4Addresses()), V2(0x20, 0xff, "anything"),
        V2(0x21, 0x00, ""), V2(0x21, 0x31, std::string(216, 'x'))}) {
    ASSERT_EQ(Read(text, &header), Verdict::kWhole);
    EXPECT_EQ(header.size, text.size());
    EXPECT_EQ(header.family, Header::Family::kNone);
  }
}

TEST(ProxyHeader, ABadHeaderOfVersion2IsBad) {
  for (const std::string& text :
       {V2(0x11, 0x11, Ipv4Addresses()), V2(0x31, 0x11, Ipv4Addresses()),
        V2(0x22, 0x11, Ipv4Addresses()), V2(0x21, 0x41, Ipv6Addresses()),
        V2(0x21, 0x12, Ipv4Addresses()),  // datagrams over a connection
        V2(0x21, 0x10, Ipv4Addresses()), V2(0x21, 0x13, Ipv4Addresses()),
        V2(0x21, 0x11, Ipv4Addresses().substr(1)), V2(0x21, 0x21, Ipv4Addresses()),
        V2(0x21, 0x31, std::string(215, 'x')),
        V2(0x21, 0x11, Ipv4Addresses() + "\x04"),                           // half a TLV
        V2(0x21, 0x11, Ipv4Addresses() + std::string("\x04\x00\x02x", 4)),  // that runs over
        V2(0x21, 0x11, Ipv4Addresses() + TlvBytes(3, "123")),
        V2(0x21, 0x11, Ipv4Addresses() + TlvBytes(3, "1234"))}) {
    EXPECT_EQ(Read(text), Verdict::kBad);
  }
}

// It is refused as soon as its length is known, before memory is spent on it.
TEST(ProxyHeader, AnOversizedHeaderIsBadAtOnce) {
  const std::string whole = V2(0x21, 0x11, std::string(kMaxHeader - 15, '\0'));
  EXPECT_EQ(Read(whole.substr(0, 16)), Verdict::kBad);
  EXPECT_EQ(Read(whole.substr(0, 15)), Verdict::kMore);
  const std::string most =
      V2(0x21, 0x11, Ipv4Addresses() + TlvBytes(4, std::string(kMaxHeader - 16 - 12 - 3, 'x')));
  ASSERT_EQ(most.size(), kMaxHeader);
  EXPECT_EQ(Read(most), Verdict::kWhole);
}

TEST(ProxyHeader, AChecksumMustBeRight) {
  EXPECT_EQ(Crc32c(0, "123456789"), 0xe3069283u);  // RFC 3720's check value
  const std::string good = WithChecksum(0x21, 0x11, Ipv4Addresses() + TlvBytes(4, "some padding"));
  EXPECT_EQ(Read(good), Verdict::kWhole);
  for (std::size_t i = 16; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    // A changed length or type of a TLV may hide the checksum, which then does not count.
    if (i == 28 || i == 29 || i == 30 || (i >= 43 && i <= 45)) continue;
    EXPECT_EQ(Read(bad), Verdict::kBad) << i;
  }
  EXPECT_EQ(Read(V2(0x21, 0x11,
                    Ipv4Addresses() + good.substr(good.size() - 7) + good.substr(good.size() - 7))),
            Verdict::kBad);
}

TEST(ProxyHeader, EveryPrefixOfAHeaderWantsMore) {
  for (const std::string& whole :
       {std::string("PROXY TCP4 10.1.2.3 10.0.0.1 4660 443\r\n"), std::string("PROXY UNKNOWN\r\n"),
        V2(0x20, 0, ""), V2(0x21, 0x11, Ipv4Addresses()),
        WithChecksum(0x21, 0x21, Ipv6Addresses())}) {
    for (std::size_t size = 0; size < whole.size(); ++size)
      EXPECT_EQ(Read(whole.substr(0, size)), Verdict::kMore) << size;
    Header header;
    ASSERT_EQ(Read(whole + "rest", &header), Verdict::kWhole);
    EXPECT_EQ(header.size, whole.size());
  }
}

TEST(ProxyHeader, OtherProtocolsAreNone) {
  for (const std::string& text :
       {std::string("GET / HTTP/1.1\r\n"), std::string("PRI * HTTP/2.0\r\n"),
        std::string("\x16\x03\x01\x02\x00", 5), std::string("\r\n\r\n\0\r\nQUIX", 11),
        std::string("PROXX"), std::string("\0", 1), std::string("\r\nG")}) {
    EXPECT_EQ(Read(text), Verdict::kNone);
  }
}

}  // namespace
}  // namespace weir::proxy_protocol
