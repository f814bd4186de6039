#include "plugins/util/cidr_trie.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weir::util {
namespace {

struct Entry {
  IpAddress ip;
  unsigned length;
  CidrTrie::Value value;
};

// What the trie must answer, found by looking at every prefix bit by bit.
CidrTrie::Value Naive(const std::vector<Entry>& entries, const IpAddress& ip) {
  const Entry* best = nullptr;
  for (const Entry& entry : entries) {
    if (entry.ip.v6 != ip.v6) continue;
    bool holds = true;
    for (unsigned i = 0; i < entry.length; ++i) holds = holds && entry.ip.Bit(i) == ip.Bit(i);
    if (holds && (best == nullptr || entry.length > best->length)) best = &entry;
  }
  return best == nullptr ? CidrTrie::kNone : best->value;
}

bool NaiveInsert(std::vector<Entry>* entries, const Entry& entry) {
  for (const Entry& other : *entries) {
    if (other.ip.v6 == entry.ip.v6 && other.length == entry.length &&
        other.ip.Prefix(other.length) == entry.ip.Prefix(entry.length)) {
      return false;
    }
  }
  entries->push_back(entry);
  return true;
}

IpAddress Ip(std::string_view text) {
  const auto ip = ParseIp(text);
  EXPECT_TRUE(ip) << text;
  return ip.value_or(IpAddress{});
}

// An IPv4 address whose first bits are those of a number of `width` bits.
IpAddress Top(std::uint64_t bits, unsigned width) {
  return {bits << (64 - width), 0, false};
}

TEST(CidrTrieTest, EachSetOfShortPrefixesAnswersAsTheNaiveSearch) {
  // The 15 prefixes of up to three bits, each subset of them, each address of four bits.
  std::vector<Entry> all;
  for (unsigned length = 0; length <= 3; ++length) {
    for (std::uint64_t bits = 0; bits < 1u << length; ++bits) {
      all.push_back({length == 0 ? IpAddress{} : Top(bits, length), length,
                     static_cast<CidrTrie::Value>(all.size())});
    }
  }
  ASSERT_EQ(all.size(), 15u);
  for (std::uint32_t subset = 0; subset < 1u << 15; ++subset) {
    CidrTrie trie;
    std::vector<Entry> entries;
    // From either end, so that short prefixes come after long ones too.
    for (unsigned k = 0; k < 15; ++k) {
      const unsigned i = subset % 2 == 0 ? k : 14 - k;
      if ((subset >> i & 1) == 0) continue;
      entries.push_back(all[i]);
      ASSERT_TRUE(trie.Insert(all[i].ip, all[i].length, all[i].value));
    }
    for (std::uint64_t bits = 0; bits < 16; ++bits) {
      const IpAddress ip = Top(bits, 4);
      ASSERT_EQ(trie.Find(ip), Naive(entries, ip)) << "set " << subset << ", bits " << bits;
    }
  }
}

// Random prefixes that share many bits, so that nodes part at every length.
IpAddress Near(std::mt19937_64* random, const IpAddress& base) {
  IpAddress ip = base;
  for (int flips = 0; flips < 3; ++flips) {
    const unsigned bit = static_cast<unsigned>((*random)() % ip.bits());
    (bit < 64 ? ip.high : ip.low) ^= 1ull << (bit < 64 ? 63 - bit : 127 - bit);
  }
  return ip;
}

void CompareRandom(const IpAddress& base, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  CidrTrie trie;
  std::vector<Entry> entries;
  for (CidrTrie::Value i = 0; i < 300; ++i) {
    const Entry entry{Near(&random, base), static_cast<unsigned>(random() % (base.bits() + 1)), i};
    ASSERT_EQ(trie.Insert(entry.ip, entry.length, i), NaiveInsert(&entries, entry));
  }
  EXPECT_LE(trie.nodes(), 2 * entries.size() + 1);
  for (int i = 0; i < 5000; ++i) {
    const IpAddress ip = Near(&random, i % 2 == 0 ? base : entries[random() % entries.size()].ip);
    ASSERT_EQ(trie.Find(ip), Naive(entries, ip));
  }
}

TEST(CidrTrieTest, RandomPrefixesAnswerAsTheNaiveSearch) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CompareRandom(Ip("10.20.30.40"), seed);
    CompareRandom(Ip("2001:db8:1:2:3:4:5:6"), seed);
  }
}

TEST(CidrTrieTest, TheLongestPrefixWins) {
  CidrTrie trie;
  EXPECT_TRUE(trie.empty());
  EXPECT_TRUE(trie.Insert(Ip("10.1.2.0"), 24, 2));
  EXPECT_TRUE(trie.Insert(Ip("10.0.0.0"), 8, 0));
  EXPECT_TRUE(trie.Insert(Ip("10.1.0.0"), 16, 1));
  EXPECT_FALSE(trie.Insert(Ip("10.1.99.99"), 16, 7)) << "the same prefix again";
  EXPECT_EQ(trie.Find(Ip("10.9.9.9")), 0u);
  EXPECT_EQ(trie.Find(Ip("10.1.9.9")), 1u);
  EXPECT_EQ(trie.Find(Ip("10.1.2.9")), 2u);
  EXPECT_EQ(trie.Find(Ip("11.0.0.0")), CidrTrie::kNone);
  EXPECT_EQ(trie.Find(Ip("a00::")), CidrTrie::kNone) << "the same bits in the other family";
}

TEST(CidrTrieTest, WholeAddressesAndEverything) {
  CidrTrie trie;
  EXPECT_TRUE(trie.Insert(Ip("0.0.0.0"), 0, 1));
  EXPECT_TRUE(trie.Insert(Ip("255.255.255.255"), 32, 2));
  EXPECT_TRUE(trie.Insert(Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 500, 3));
  EXPECT_EQ(trie.Find(Ip("255.255.255.255")), 2u);
  EXPECT_EQ(trie.Find(Ip("255.255.255.254")), 1u);
  EXPECT_EQ(trie.Find(Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), 3u);
  EXPECT_EQ(trie.Find(Ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")), CidrTrie::kNone);
}

TEST(IpAddressTest, AnAddressHasOneForm) {
  EXPECT_EQ(Ip("::ffff:10.0.0.1"), Ip("10.0.0.1"));
  EXPECT_EQ(Ip("::ffff:a00:1"), Ip("10.0.0.1"));
  EXPECT_EQ(Ip("2001:DB8::1"), Ip("2001:db8:0:0::1"));
  EXPECT_EQ(Ip("fe80::1%eth0"), Ip("fe80::1"));
  EXPECT_NE(Ip("::10.0.0.1"), Ip("10.0.0.1")) << "RFC 4291 section 2.5.5.1: no IPv4 address";
  for (const char* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "0x0a.0.0.1", "1::2::3", "x",
                           "10.0.0.1 ", "[::1]", "%eth0"}) {
    EXPECT_FALSE(ParseIp(text)) << text;
  }
  EXPECT_FALSE(ParseIp(std::string_view("10.0.0.1\0", 9)));
  EXPECT_FALSE(ParseIp(std::string(1 << 20, '1')));
}

TEST(IpAddressTest, WithAPort) {
  const auto v4 = ParseIpPort("10.0.0.1:8080");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->ip, Ip("10.0.0.1"));
  EXPECT_EQ(v4->port, 8080);
  const auto mapped = ParseIpPort("[::ffff:10.0.0.1]:65535");
  ASSERT_TRUE(mapped);
  EXPECT_EQ(mapped->ip, v4->ip);
  EXPECT_EQ(mapped->port, 65535);
  EXPECT_EQ(ParseIpPort("[fe80::1%lo]:1")->ip, Ip("fe80::1"));
  for (const char* text : {"", ":", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:8o",
                           "::1:80", "[::1]", "[::1:80", "[]:1", "[:1", "/run/x.sock", "@x:1"}) {
    EXPECT_FALSE(ParseIpPort(text)) << text;
  }
}

}  // namespace
}  // namespace weir::util
