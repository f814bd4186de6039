#include "core/http/route/domain_index.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir::http {
namespace {

// The number of a domain is its place in the list.
class Domains {
 public:
  explicit Domains(std::vector<std::string> domains) : domains_(std::move(domains)) {
    for (uint32_t i = 0; i < domains_.size(); ++i) {
      uint32_t other = 0;
      EXPECT_EQ(index_.Add(domains_[i], i, &other), DomainError::kNone) << domains_[i];
    }
  }

  // The domain that takes the host.
  std::string Find(std::string_view host, LookupCost* cost = nullptr) const {
    const uint32_t number = index_.Find(host, cost);
    return number == DomainIndex::kNone ? "none" : domains_[number];
  }

 private:
  std::vector<std::string> domains_;
  DomainIndex index_;
};

TEST(DomainIndex, ExactBeatsSuffixBeatsPrefixBeatsAny) {
  const Domains all({"*", "www.*", "*.example.com", "www.example.com"});
  EXPECT_EQ(all.Find("www.example.com"), "www.example.com");
  EXPECT_EQ(all.Find("api.example.com"), "*.example.com");
  EXPECT_EQ(all.Find("www.example.org"), "www.*");
  EXPECT_EQ(all.Find("example.org"), "*");
  const Domains without_exact({"*", "www.*", "*.example.com"});
  EXPECT_EQ(without_exact.Find("www.example.com"), "*.example.com");
}

TEST(DomainIndex, TheLongestSuffixAndTheLongestPrefixWin) {
  const Domains suffixes({"*.com", "*.b.com", "*.a.b.com", "*-eu.b.com"});
  EXPECT_EQ(suffixes.Find("x.a.b.com"), "*.a.b.com");
  EXPECT_EQ(suffixes.Find("y.x.a.b.com"), "*.a.b.com");
  EXPECT_EQ(suffixes.Find("a.b.com"), "*.b.com");
  EXPECT_EQ(suffixes.Find("b.com"), "*.com");
  EXPECT_EQ(suffixes.Find("api-eu.b.com"), "*-eu.b.com");
  const Domains prefixes({"a.*", "a.b.*", "a.b-*"});
  EXPECT_EQ(prefixes.Find("a.b.c"), "a.b.*");
  EXPECT_EQ(prefixes.Find("a.b-c"), "a.b-*");
  EXPECT_EQ(prefixes.Find("a.c.b"), "a.*");
}

TEST(DomainIndex, AWildcardStandsForAtLeastOneByte) {
  const Domains all({"*.example.com", "*foo.com", "foo.*", "bar*"});
  EXPECT_EQ(all.Find("example.com"), "none");
  EXPECT_EQ(all.Find(".example.com"), "none");
  EXPECT_EQ(all.Find("a.example.com"), "*.example.com");
  EXPECT_EQ(all.Find("xexample.com"), "none");
  EXPECT_EQ(all.Find("foo.com"), "foo.*");
  EXPECT_EQ(all.Find("xfoo.com"), "*foo.com");
  EXPECT_EQ(all.Find("foo."), "none");
  EXPECT_EQ(all.Find("bar"), "none");
  EXPECT_EQ(all.Find("barn"), "bar*");
}

TEST(DomainIndex, CaseDoesNotMatter) {
  const Domains all({"WWW.Example.com", "*.ORG"});
  EXPECT_EQ(all.Find("www.EXAMPLE.com"), "WWW.Example.com");
  EXPECT_EQ(all.Find("a.b.Org"), "*.ORG");
}

TEST(DomainIndex, AnUpperCaseLetterIsFoundAtEveryPlace) {
  const std::string domain = "az09-.az_[`{.example.org";
  const Domains all({domain});
  for (size_t i = 0; i < domain.size(); ++i) {
    std::string host = domain;
    if (host[i] >= 'a' && host[i] <= 'z') host[i] = static_cast<char>(host[i] - 'a' + 'A');
    EXPECT_EQ(all.Find(host), domain) << host;
  }
  for (char c = 'A'; c <= 'Z'; ++c) {
    const Domains one({std::string(11, static_cast<char>(c | 0x20))});
    EXPECT_NE(one.Find(std::string(11, c)), "none") << c;
  }
}

TEST(DomainIndex, ThePortIsPartOfTheName) {
  const Domains all({"a.com", "a.com:8080", "*.b.com:80", "[::1]:80"});
  EXPECT_EQ(all.Find("a.com:8080"), "a.com:8080");
  EXPECT_EQ(all.Find("a.com:81"), "none");
  EXPECT_EQ(all.Find("x.b.com:80"), "*.b.com:80");
  EXPECT_EQ(all.Find("x.b.com"), "none");
  EXPECT_EQ(all.Find("[::1]:80"), "[::1]:80");
}

TEST(DomainIndex, NoHostOrTooLongAHostGetsOnlyTheCatchAll) {
  const Domains all({"*", "a*", "*b"});
  EXPECT_EQ(all.Find(""), "*");
  EXPECT_EQ(all.Find("a" + std::string(kMaxAuthoritySize, 'b')), "*");
  EXPECT_EQ(all.Find("a" + std::string(kMaxAuthoritySize - 1, 'b')), "*b");
  EXPECT_EQ(Domains({"a"}).Find(""), "none");
  EXPECT_EQ(Domains({}).Find("a"), "none");
}

TEST(DomainIndex, RefusesDomainsThatMeanNothing) {
  DomainIndex index;
  uint32_t other = 0;
  EXPECT_EQ(index.Add("", 0, &other), DomainError::kEmpty);
  EXPECT_EQ(index.Add("a*b", 0, &other), DomainError::kBadWildcard);
  EXPECT_EQ(index.Add("*a*", 0, &other), DomainError::kBadWildcard);
  EXPECT_EQ(index.Add("**", 0, &other), DomainError::kBadWildcard);
  EXPECT_EQ(index.Add("a b", 0, &other), DomainError::kBadByte);
  EXPECT_EQ(index.Add("http://a", 0, &other), DomainError::kBadByte);
  EXPECT_EQ(index.Add("a\xc3\xa9", 0, &other), DomainError::kBadByte);
  EXPECT_EQ(index.Add(std::string(kMaxAuthoritySize + 1, 'a'), 0, &other), DomainError::kTooLong);
}

TEST(DomainIndex, NamesTheOwnerOfADuplicate) {
  DomainIndex index;
  uint32_t other = 0;
  const std::vector<std::string> domains = {"a.com", "*.a.com", "a.*", "*"};
  for (uint32_t i = 0; i < domains.size(); ++i) {
    EXPECT_EQ(index.Add(domains[i], i, &other), DomainError::kNone);
  }
  for (uint32_t i = 0; i < domains.size(); ++i) {
    EXPECT_EQ(index.Add(domains[i], 9, &other), DomainError::kDuplicate);
    EXPECT_EQ(other, i);
  }
  EXPECT_EQ(index.Add("A.COM", 9, &other), DomainError::kDuplicate);
}

// What the rules say, tried on every domain.
std::string FindSlowly(const std::vector<std::string>& domains, const std::string& host) {
  std::string best = "none";
  int best_rank = 0;
  for (const std::string& domain : domains) {
    int rank = 0;
    const std::string text =
        domain.starts_with('*') ? domain.substr(1) : domain.substr(0, domain.find('*'));
    const bool longer = host.size() > text.size();
    if (domain == host) rank = 3000;
    if (domain.starts_with('*') && longer && host.ends_with(text)) rank = 2000 + int(text.size());
    if (domain.ends_with('*') && longer && host.starts_with(text)) rank = 1000 + int(text.size());
    if (domain == "*") rank = 1;
    if (rank > best_rank) {
      best_rank = rank;
      best = domain;
    }
  }
  return best;
}

TEST(DomainIndex, AgreesWithTheRulesTriedOneByOne) {
  std::mt19937 random(7);
  const std::string alphabet = "ab.-";
  auto word = [&](size_t longest) {
    std::string text;
    for (size_t n = 1 + random() % longest; n > 0; --n) text += alphabet[random() % 4];
    return text;
  };
  std::map<std::string, int> kinds;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> domains;
    for (size_t n = random() % 40; n > 0; --n) {
      std::string domain = word(6);
      if (random() % 3 == 0) domain.insert(0, 1, '*');
      if (domain[0] != '*' && random() % 3 == 0) domain += "*";
      if (std::find(domains.begin(), domains.end(), domain) == domains.end()) {
        domains.push_back(domain);
      }
    }
    if (random() % 2 == 0) domains.push_back("*");
    const Domains index(domains);
    for (int probe = 0; probe < 100; ++probe) {
      const std::string host = word(8);
      const std::string want = FindSlowly(domains, host);
      EXPECT_EQ(index.Find(host), want) << host;
      ++kinds[want == "*" || want == "none" ? want
              : want[0] == '*'              ? "suffix"
              : want.back() == '*'          ? "prefix"
                                            : "exact"];
    }
  }
  EXPECT_EQ(kinds.size(), 5u) << "not every kind of answer came up";
}

}  // namespace
}  // namespace weir::http
