#include "core/http/authority.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

struct Good {
  std::string text;
  std::string host;
  uint16_t port;
  HostKind kind;
};

class GoodAuthorities : public testing::TestWithParam<Good> {};

TEST_P(GoodAuthorities, AreSplit) {
  const Good& good = GetParam();
  Authority authority;
  ASSERT_EQ(ParseAuthority(good.text, &authority), AuthorityError::kNone) << good.text;
  EXPECT_EQ(authority.text, good.text);
  EXPECT_EQ(authority.host, good.host);
  EXPECT_EQ(authority.port, good.port);
  EXPECT_EQ(authority.kind, good.kind);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GoodAuthorities,
    testing::Values(Good{"a", "a", 0, HostKind::kName},
                    Good{"example.com", "example.com", 0, HostKind::kName},
                    Good{"Example.COM:8080", "Example.COM", 8080, HostKind::kName},
                    Good{"example.com.", "example.com.", 0, HostKind::kName},
                    Good{"example.com.:443", "example.com.", 443, HostKind::kName},
                    Good{"my_host-1~x", "my_host-1~x", 0, HostKind::kName},
                    Good{"xn--bcher-kva.example:1", "xn--bcher-kva.example", 1, HostKind::kName},
                    Good{"a:65535", "a", 65535, HostKind::kName},
                    Good{"127.0.0.1", "127.0.0.1", 0, HostKind::kIpv4},
                    Good{"255.255.255.255:80", "255.255.255.255", 80, HostKind::kIpv4},
                    Good{"1.2.3", "1.2.3", 0, HostKind::kName},
                    Good{"123456", "123456", 0, HostKind::kName},
                    Good{"1.2.3.4.example", "1.2.3.4.example", 0, HostKind::kName},
                    Good{"[::1]", "[::1]", 0, HostKind::kIpv6},
                    Good{"[2001:DB8::1]:8443", "[2001:DB8::1]", 8443, HostKind::kIpv6},
                    Good{"[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]", 1, HostKind::kIpv6}));

struct Bad {
  std::string text;
  AuthorityError error;
};

class BadAuthorities : public testing::TestWithParam<Bad> {};

TEST_P(BadAuthorities, AreRefusedWithAReason) {
  const auto& [text, error] = GetParam();
  Authority authority;
  authority.port = 7;
  EXPECT_EQ(ParseAuthority(text, &authority), error) << text;
  EXPECT_EQ(authority.port, 7) << "written in spite of the error";
  EXPECT_FALSE(AuthorityErrorText(error).empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadAuthorities,
    testing::Values(
        Bad{"", AuthorityError::kEmpty}, Bad{":80", AuthorityError::kEmpty},
        Bad{"user@a", AuthorityError::kUserInfo}, Bad{"user:1@a", AuthorityError::kUserInfo},
        Bad{"a@", AuthorityError::kUserInfo}, Bad{"a,b", AuthorityError::kList},
        Bad{"a, b", AuthorityError::kList}, Bad{"a:80,b:80", AuthorityError::kBadPort},
        Bad{"a b", AuthorityError::kBadByte}, Bad{" a", AuthorityError::kBadByte},
        Bad{"a ", AuthorityError::kBadByte}, Bad{"a\t", AuthorityError::kBadByte},
        Bad{std::string("a\0.b", 4), AuthorityError::kBadByte},
        Bad{"a/b", AuthorityError::kBadByte}, Bad{"a\\b", AuthorityError::kBadByte},
        Bad{"a?b", AuthorityError::kBadByte}, Bad{"a#b", AuthorityError::kBadByte},
        Bad{"a%2eb", AuthorityError::kBadByte}, Bad{"a\r\nb", AuthorityError::kBadByte},
        Bad{"b\xc3\xbc", AuthorityError::kBadByte}, Bad{"a'b", AuthorityError::kBadByte},
        Bad{"a;b", AuthorityError::kBadByte}, Bad{"a*b", AuthorityError::kBadByte},
        Bad{"http://a", AuthorityError::kBadPort}, Bad{".", AuthorityError::kEmptyLabel},
        Bad{".a", AuthorityError::kEmptyLabel}, Bad{"a..b", AuthorityError::kEmptyLabel},
        Bad{"a..", AuthorityError::kEmptyLabel}, Bad{"a:", AuthorityError::kBadPort},
        Bad{"a:0", AuthorityError::kBadPort}, Bad{"a:00", AuthorityError::kBadPort},
        Bad{"a:0443", AuthorityError::kBadPort}, Bad{"a:65536", AuthorityError::kBadPort},
        Bad{"a:99999", AuthorityError::kBadPort}, Bad{"a:4294967376", AuthorityError::kBadPort},
        Bad{"a:+80", AuthorityError::kBadPort}, Bad{"a:-1", AuthorityError::kBadPort},
        Bad{"a:8 0", AuthorityError::kBadPort}, Bad{"a:80 ", AuthorityError::kBadPort},
        Bad{"a:0x50", AuthorityError::kBadPort}, Bad{"a:80:80", AuthorityError::kBadPort},
        Bad{"a:http", AuthorityError::kBadPort}, Bad{"1.2.3.256", AuthorityError::kBadIpv4},
        Bad{"01.2.3.4", AuthorityError::kBadIpv4}, Bad{"1.2.3.4.", AuthorityError::kBadIpv4},
        Bad{"1.2.3.99999999999999", AuthorityError::kBadIpv4}, Bad{"::1", AuthorityError::kEmpty},
        Bad{"[]", AuthorityError::kBadIpv6}, Bad{"[::1", AuthorityError::kBadIpv6},
        Bad{"[::1]x", AuthorityError::kBadIpv6}, Bad{"[::1]]", AuthorityError::kBadIpv6},
        Bad{"[a.com]", AuthorityError::kBadIpv6}, Bad{"[1.2.3.4]", AuthorityError::kBadIpv6},
        Bad{"[::1%25eth0]", AuthorityError::kBadIpv6}, Bad{"[v1.x]", AuthorityError::kBadIpv6},
        Bad{std::string("[::1\0]", 6), AuthorityError::kBadIpv6},
        Bad{"[::1]:", AuthorityError::kBadPort}, Bad{"[::1]:0", AuthorityError::kBadPort},
        Bad{"[::1]80", AuthorityError::kBadIpv6}, Bad{"a]", AuthorityError::kBadByte}));

TEST(ParseAuthority, AcceptsOnlyTheBytesOfAName) {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    const bool good = letter || c == '-' || c == '.' || c == '_' || c == '~';
    Authority authority;
    const std::string text = {'a', c, 'b'};
    EXPECT_EQ(ParseAuthority(text, &authority) == AuthorityError::kNone, good) << byte;
  }
}

TEST(ParseAuthority, BoundsTheHostAt255BytesAndThePortBesides) {
  Authority authority;
  const std::string longest(kMaxHostSize, 'a');
  EXPECT_EQ(ParseAuthority(longest, &authority), AuthorityError::kNone);
  EXPECT_EQ(ParseAuthority(longest + ":65535", &authority), AuthorityError::kNone);
  EXPECT_EQ(ParseAuthority(longest + "a", &authority), AuthorityError::kTooLong);
  EXPECT_EQ(ParseAuthority(longest + "a:80", &authority), AuthorityError::kTooLong);
  EXPECT_EQ(ParseAuthority(longest + ":655350", &authority), AuthorityError::kTooLong);
}

struct Normal {
  std::string text;
  std::string result;
  uint16_t port;
};

void ExpectNormal(const AuthorityOptions& options, const Normal& want) {
  std::string bytes = want.text;
  Authority authority;
  ASSERT_EQ(NormalizeAuthority(bytes.data(), bytes.size(), options, 8080, &authority),
            AuthorityError::kNone);
  EXPECT_EQ(authority.text, want.result);
  EXPECT_EQ(authority.port, want.port);
  EXPECT_EQ(authority.text.data(), bytes.data());
  EXPECT_EQ(authority.text.substr(0, authority.host.size()), authority.host);
  Authority again;
  EXPECT_EQ(ParseAuthority(authority.text, &again), AuthorityError::kNone);
  EXPECT_EQ(again.host, authority.host);
}

TEST(NormalizeAuthority, LowersCaseAndKeepsTheRestByDefault) {
  ExpectNormal({}, {"Example.COM.:8080", "example.com.:8080", 8080});
  ExpectNormal({}, {"[2001:DB8::A]", "[2001:db8::a]", 0});
}

TEST(NormalizeAuthority, StripsPortsAsAsked) {
  AuthorityOptions any;
  any.strip_any_port = true;
  ExpectNormal(any, {"A.com:81", "a.com", 0});
  ExpectNormal(any, {"[::1]:81", "[::1]", 0});
  AuthorityOptions matching;
  matching.strip_matching_port = true;
  ExpectNormal(matching, {"a.com:8080", "a.com", 0});
  ExpectNormal(matching, {"a.com:81", "a.com:81", 81});
  ExpectNormal(matching, {"a.com", "a.com", 0});
}

TEST(NormalizeAuthority, StripsATrailingDotBeforeThePort) {
  AuthorityOptions options;
  options.strip_trailing_dot = true;
  ExpectNormal(options, {"a.com.", "a.com", 0});
  ExpectNormal(options, {"a.com.:81", "a.com:81", 81});
  ExpectNormal(options, {"a.com:81", "a.com:81", 81});
  options.strip_any_port = true;
  ExpectNormal(options, {"a.com.:81", "a.com", 0});
}

TEST(NormalizeAuthority, LeavesTheBytesOfABadOneAlone) {
  std::string bytes = "A.com:0";
  Authority authority;
  EXPECT_EQ(NormalizeAuthority(bytes.data(), bytes.size(), {}, 80, &authority),
            AuthorityError::kBadPort);
  EXPECT_EQ(bytes, "A.com:0");
}

struct Pair {
  std::string a;
  std::string b;
  uint16_t default_port;
  bool same;
};

class Pairs : public testing::TestWithParam<Pair> {};

// Host against the authority of an absolute-form target.
TEST_P(Pairs, AreComparedByHostAndEffectivePort) {
  Authority a;
  Authority b;
  ASSERT_EQ(ParseAuthority(GetParam().a, &a), AuthorityError::kNone);
  ASSERT_EQ(ParseAuthority(GetParam().b, &b), AuthorityError::kNone);
  EXPECT_EQ(SameAuthority(a, b, GetParam().default_port), GetParam().same);
  EXPECT_EQ(SameAuthority(b, a, GetParam().default_port), GetParam().same);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Pairs,
    testing::Values(Pair{"a.com", "a.com", 80, true}, Pair{"a.com", "A.COM", 80, true},
                    Pair{"a.com", "b.com", 80, false}, Pair{"a.com", "a.com.", 80, false},
                    Pair{"a.com", "a.com:80", 80, true}, Pair{"a.com", "a.com:443", 443, true},
                    Pair{"a.com", "a.com:443", 80, false}, Pair{"a.com", "a.com:80", 443, false},
                    Pair{"a.com:8080", "a.com:8080", 80, true},
                    Pair{"a.com:8080", "a.com:8081", 80, false}, Pair{"a.com", "aa.com", 80, false},
                    Pair{"[::1]", "[0:0::1]", 80, true}, Pair{"[::A]", "[::a]:80", 80, true},
                    Pair{"[::1]", "[::2]", 80, false},
                    Pair{"127.0.0.1", "[::ffff:127.0.0.1]", 80, false},
                    Pair{"127.0.0.1", "127.0.0.1:80", 80, true}));

}  // namespace
}  // namespace weir::http
