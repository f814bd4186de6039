#include "core/net/address.h"

#include <cstring>

#include <gtest/gtest.h>
#include <netinet/in.h>

namespace weir::net {
namespace {

TEST(AddressTest, WhatParseReadsPrintWrites) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:8080",
                           "[::]:0", "[2001:db8::1]:443", "[fe80::1%7]:80",
                           "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535",
                           "unix:/run/app.sock", "unix:@abstract"}) {
    const auto address = Address::Parse(text);
    ASSERT_TRUE(address.has_value()) << text;
    EXPECT_EQ(address->ToString(), text);
    EXPECT_LE(address->ToString().size(), Address::kMaxText);
  }
}

TEST(AddressTest, APortAloneMeansAllIpv4Interfaces) {
  const auto address = Address::Parse(":8080");
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->ToString(), "0.0.0.0:8080");
  EXPECT_TRUE(address->is_any());
}

TEST(AddressTest, WhatIsNoAddressIsRefused) {
  for (const char* text : {"",
                           ":",
                           "80",
                           "1.2.3.4",
                           "1.2.3.4:",
                           "1.2.3.4:65536",
                           "1.2.3.4:-1",
                           "1.2.3.4:+1",
                           "1.2.3:80",
                           "1.2.3.4:8 0",
                           "1.2.3.256:80",
                           "localhost:80",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[]:80",
                           "[::g]:80",
                           "[::1%]:80",
                           "[::1%eth0]:80",
                           "[1.2.3.4]:80",
                           "unix:",
                           " 1.2.3.4:80",
                           "1.2.3.4:000000000080"}) {
    EXPECT_FALSE(Address::Parse(text).has_value()) << text;
  }
}

TEST(AddressTest, AUnixPathIsAsLongAsASockaddrTakes) {
  EXPECT_TRUE(Address::Unix("/" + std::string(106, 'a')).has_value());
  EXPECT_FALSE(Address::Unix("/" + std::string(107, 'a')).has_value());
  EXPECT_FALSE(Address::Unix(std::string_view("/a\0b", 4)).has_value());
}

TEST(AddressTest, GoesThroughASockaddrAndBack) {
  for (const char* text : {"127.0.0.1:80", "[::1]:8080", "[fe80::1%7]:80"}) {
    const Address address = *Address::Parse(text);
    sockaddr_storage storage;
    const socklen_t size = address.ToSockaddr(&storage);
    EXPECT_EQ(Address::From(reinterpret_cast<sockaddr*>(&storage), size), address);
  }
}

TEST(AddressTest, AnAbstractSocketsNameHasNoNulAtItsEnd) {
  sockaddr_storage storage;
  const socklen_t size = Address::Unix("@abc")->ToSockaddr(&storage);
  const auto* un = reinterpret_cast<sockaddr_un*>(&storage);
  EXPECT_EQ(size, offsetof(sockaddr_un, sun_path) + 4);
  EXPECT_EQ(std::memcmp(un->sun_path, "\0abc", 4), 0);
}

TEST(AddressTest, APeersUnixPathIsNotKept) {
  sockaddr_un un = {};
  un.sun_family = AF_UNIX;
  std::strcpy(un.sun_path, "/tmp/chosen-by-the-peer");
  const Address address = Address::From(reinterpret_cast<sockaddr*>(&un), sizeof(un));
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(address.path(), "");
  EXPECT_EQ(address.ToString(), "unix:");
}

TEST(AddressTest, AShortSockaddrIsNoAddress) {
  sockaddr_in in = {};
  in.sin_family = AF_INET;
  EXPECT_EQ(Address::From(reinterpret_cast<sockaddr*>(&in), sizeof(in) - 1).family(), AF_UNSPEC);
}

TEST(AddressTest, AMappedIpv4AddressIsPrintedAsIpv4) {
  EXPECT_EQ(Address::Parse("[::ffff:1.2.3.4]:80")->ToString(), "1.2.3.4:80");
  char text[Address::kMaxText];
  EXPECT_EQ(std::string(text, Address::Parse("[::ffff:1.2.3.4]:80")->PrintIp(text)), "1.2.3.4");
}

TEST(AddressTest, EqualPathsAreEqualAddresses) {
  EXPECT_EQ(*Address::Unix("/a"), *Address::Unix("/a"));
  EXPECT_FALSE(*Address::Unix("/a") == *Address::Unix("/b"));
  EXPECT_FALSE(*Address::Unix("/a") == Address::UnnamedUnix());
}

}  // namespace
}  // namespace weir::net
