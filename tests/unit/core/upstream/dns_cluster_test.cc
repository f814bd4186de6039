#include "core/upstream/dns_cluster.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/observe/stats.h"

namespace weir::upstream {
namespace {

using net::dns::Answer;
using net::dns::Family;
using net::dns::ServiceAnswer;
using net::dns::ServiceRecord;
using net::dns::Status;
using testing::ElementsAre;
using testing::IsEmpty;

// Answers out of a table, at once or when the test says so.
class FakeResolver final : public net::dns::Resolver {
 public:
  void Lookup(const std::string& name, Family family, std::function<void(Answer)> done) override {
    ++asked[(family == Family::kIpv4 ? "A " : "AAAA ") + name];
    Give([this, name, family, done] { done(AnswerOf(name, family)); });
  }
  void LookupService(const std::string& name, std::function<void(ServiceAnswer)> done) override {
    ++asked["SRV " + name];
    Give([this, name, done] { done(services[name]); });
  }
  void Flush() {
    std::vector<std::function<void()>> now;
    now.swap(waiting);
    for (const auto& give : now) give();
  }

  bool at_once = true;
  // By "A name" and "AAAA name". What is not there does not exist; "!" fails.
  std::map<std::string, std::vector<std::string>> names;
  std::map<std::string, uint32_t> ttls;
  std::map<std::string, ServiceAnswer> services;
  std::map<std::string, int> asked;
  std::vector<std::function<void()>> waiting;

 private:
  void Give(std::function<void()> give) {
    if (at_once) return give();
    waiting.push_back(std::move(give));
  }
  Answer AnswerOf(const std::string& name, Family family) {
    const std::string key = (family == Family::kIpv4 ? "A " : "AAAA ") + name;
    Answer answer;
    answer.ttl_s = ttls.count(key) != 0 ? ttls[key] : 60;
    answer.status = names[key].empty() ? Status::kEmpty : Status::kFound;
    for (const std::string& text : names[key]) {
      if (text == "!") {
        answer = Answer();
        answer.error = "a test's failure";
        return answer;
      }
      const auto address =
          net::Address::Parse(family == Family::kIpv4 ? text + ":0" : "[" + text + "]:0");
      answer.addresses.push_back(*address);
    }
    return answer;
  }
};

class DnsClusterTest : public testing::Test {
 protected:
  DnsClusterTest() {
    config_.name = "app";
    config_.type = config::ClusterType::kStrictDns;
    AddName("web.test");
  }
  void AddName(const std::string& name, uint16_t port = 80) {
    config::Endpoint endpoint;
    endpoint.lookup = config::Endpoint::Lookup::kAddress;
    endpoint.hostname = name;
    endpoint.address.port = port;
    config_.endpoints.push_back(endpoint);
  }
  void SetService(const std::string& name, std::vector<ServiceRecord> records) {
    config_.endpoints.resize(1);
    config_.endpoints[0].lookup = config::Endpoint::Lookup::kService;
    config_.endpoints[0].service = name;
    dns_.services[name] = {Status::kFound, std::move(records), 60, ""};
  }
  void Start() {
    members_ = std::make_shared<Members>(ConfiguredMembers(config_));
    cluster_ = std::make_unique<DnsCluster>(
        &config_, members_, DnsStats::Bind(&registry_, registry_.main_block(), "app"),
        DnsCluster::World{&dns_, &reactor_, &random_});
  }
  void Pass(uint64_t ms) {
    reactor_.set_now(reactor_.now_ms() + ms);
    reactor_.RunTurn();
  }
  std::vector<std::string> Hosts() {
    std::vector<std::string> texts;
    for (const Member& member : members_->list()->members) {
      std::string text;
      for (const net::Address& address : member.addresses)
        text += (text.empty() ? "" : " ") + address.ToString();
      if (member.weight != 1) text += " *" + std::to_string(member.weight);
      texts.push_back(text);
    }
    return texts;
  }
  uint64_t Stat(const std::string& name) {
    return registry_.Sum(registry_.Define("cluster.app." + name, observe::StatKind::kCounter));
  }

  net::Reactor reactor_{1'000'000};
  base::Random random_{1};
  observe::StatRegistry registry_;
  FakeResolver dns_;
  config::Cluster config_;
  std::shared_ptr<Members> members_;
  std::unique_ptr<DnsCluster> cluster_;
};

TEST_F(DnsClusterTest, EachAddressOfANameIsAHost) {
  dns_.names["A web.test"] = {"10.0.0.2", "10.0.0.1"};
  Start();
  EXPECT_TRUE(cluster_->warm());
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(Stat("update_success"), 1u);
  EXPECT_EQ(Stat("membership_change"), 1u);
}

TEST_F(DnsClusterTest, AnAnswerInAnotherOrderIsTheSame) {
  dns_.names["A web.test"] = {"10.0.0.2", "10.0.0.1"};
  Start();
  dns_.names["A web.test"] = {"10.0.0.1", "10.0.0.2"};
  Pass(5'100);
  EXPECT_EQ(Stat("update_no_rebuild"), 1u);
  EXPECT_EQ(Stat("membership_change"), 1u);
}

TEST_F(DnsClusterTest, AsksAgainAndFollows) {
  dns_.names["A web.test"] = {"10.0.0.1"};
  Start();
  dns_.names["A web.test"] = {"10.0.0.3", "10.0.0.1"};
  Pass(4'900);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80"));
  Pass(200);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "10.0.0.3:80"));
}

TEST_F(DnsClusterTest, AsksWhenTheTtlIsOver) {
  config_.respect_dns_ttl = true;
  dns_.names["A web.test"] = {"10.0.0.1"};
  dns_.ttls["A web.test"] = 30;
  Start();
  Pass(29'900);
  EXPECT_EQ(dns_.asked["A web.test"], 1);
  Pass(200);
  EXPECT_EQ(dns_.asked["A web.test"], 2);
}

TEST_F(DnsClusterTest, AnEmptyAnswerKeepsTheLastOne) {
  dns_.names["A web.test"] = {"10.0.0.1"};
  Start();
  dns_.names.clear();
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(Stat("update_empty"), 1u);
  EXPECT_EQ(Stat("update_attempt"), 2u);
}

TEST_F(DnsClusterTest, AFailureKeepsTheLastAnswer) {
  dns_.names["A web.test"] = {"10.0.0.1"};
  Start();
  dns_.names["A web.test"] = {"!"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80"));
  EXPECT_EQ(Stat("update_failure"), 1u);
}

TEST_F(DnsClusterTest, WithoutAnyAnswerItIsWarmAndEmpty) {
  dns_.names["A web.test"] = {"!"};
  Start();
  EXPECT_TRUE(cluster_->warm());
  EXPECT_THAT(Hosts(), IsEmpty());
}

TEST_F(DnsClusterTest, IsNotWarmBeforeEachNameHasHadItsAnswer) {
  AddName("other.test");
  dns_.at_once = false;
  Start();
  EXPECT_FALSE(cluster_->warm());
  dns_.names["A web.test"] = {"10.0.0.1"};
  dns_.Flush();
  EXPECT_TRUE(cluster_->warm());
}

TEST_F(DnsClusterTest, AnswersThatComeAfterItsEndFindNobody) {
  dns_.at_once = false;
  Start();
  cluster_.reset();
  dns_.Flush();
  Pass(10'000);
  EXPECT_EQ(Stat("update_attempt"), 0u);
}

TEST_F(DnsClusterTest, AutoTakesIpv6WhereThereIsNoIpv4) {
  dns_.names["AAAA web.test"] = {"2001:db8::1"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("[2001:db8::1]:80"));
  dns_.names["A web.test"] = {"10.0.0.1"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80"));
}

TEST_F(DnsClusterTest, AFailureOfIpv4IsNoReasonToTakeIpv6) {
  dns_.names["A web.test"] = {"10.0.0.1"};
  dns_.names["AAAA web.test"] = {"2001:db8::1"};
  Start();
  dns_.names["A web.test"] = {"!"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80"));
}

TEST_F(DnsClusterTest, AllTakesBothAndAHalfAnswerKeepsTheLast) {
  config_.dns_lookup_family = config::DnsFamily::kAll;
  dns_.names["A web.test"] = {"10.0.0.1"};
  dns_.names["AAAA web.test"] = {"2001:db8::1"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "[2001:db8::1]:80"));
  dns_.names["A web.test"] = {"10.0.0.2"};
  dns_.names["AAAA web.test"] = {"!"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "[2001:db8::1]:80"));
}

TEST_F(DnsClusterTest, OneFamilyAloneIsAskedWhereTheOtherIsNotWanted) {
  config_.dns_lookup_family = config::DnsFamily::kV6Only;
  dns_.names["AAAA web.test"] = {"2001:db8::1"};
  Start();
  EXPECT_EQ(dns_.asked.count("A web.test"), 0u);
  EXPECT_THAT(Hosts(), ElementsAre("[2001:db8::1]:80"));
}

TEST_F(DnsClusterTest, ALogicalClusterIsOneHostWithAllAddressesInTheirOrder) {
  config_.type = config::ClusterType::kLogicalDns;
  dns_.names["A web.test"] = {"10.0.0.2", "10.0.0.1"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.2:80 10.0.0.1:80"));
  EXPECT_TRUE(members_->list()->by_endpoint);
}

TEST_F(DnsClusterTest, WhatTwoNamesShareIsOneHost) {
  AddName("other.test");
  AddName("other.test", 81);
  dns_.names["A web.test"] = {"10.0.0.1"};
  dns_.names["A other.test"] = {"10.0.0.1", "10.0.0.2"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "10.0.0.1:81", "10.0.0.2:80", "10.0.0.2:81"));
}

TEST_F(DnsClusterTest, AddressesOfTheFileStayBesideThoseThatAreFound) {
  config::Endpoint fixed;
  fixed.address.ip = {10, 0, 0, 9};
  fixed.address.port = 90;
  config_.endpoints.push_back(fixed);
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.9:90"));
  dns_.names["A web.test"] = {"10.0.0.1"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "10.0.0.9:90"));
}

TEST_F(DnsClusterTest, MoreHostsThanAllowedAreLeftOutAndCounted) {
  config_.max_dns_hosts = 2;
  dns_.names["A web.test"] = {"10.0.0.3", "10.0.0.2", "10.0.0.1"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:80", "10.0.0.2:80"));
  EXPECT_EQ(Stat("update_truncated"), 1u);
}

TEST_F(DnsClusterTest, AServiceSaysHostsPortsAndWeights) {
  SetService("_http._tcp.test",
             {{1, 10, 8080, "a.test"}, {1, 0, 8081, "b.test"}, {2, 10, 8082, "spare.test"}});
  dns_.names["A a.test"] = {"10.0.0.1"};
  dns_.names["A b.test"] = {"10.0.0.2", "10.0.0.3"};
  dns_.names["A spare.test"] = {"10.0.0.4"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:8080 *10", "10.0.0.2:8081", "10.0.0.3:8081"));
}

TEST_F(DnsClusterTest, AServiceFallsBackOnTheNextPriorityWithAddresses) {
  SetService("_http._tcp.test", {{1, 1, 8080, "gone.test"}, {2, 1, 8082, "spare.test"}});
  dns_.names["A spare.test"] = {"10.0.0.4"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.4:8082"));
}

TEST_F(DnsClusterTest, ATargetThatFailsKeepsTheServiceAsItWas) {
  SetService("_http._tcp.test", {{1, 1, 8080, "a.test"}, {1, 1, 8081, "b.test"}});
  dns_.names["A a.test"] = {"10.0.0.1"};
  dns_.names["A b.test"] = {"10.0.0.2"};
  Start();
  dns_.names["A a.test"] = {"!"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:8080", "10.0.0.2:8081"));
  EXPECT_EQ(Stat("update_failure"), 1u);
}

TEST_F(DnsClusterTest, AtFirstATargetThatFailsIsLeftOut) {
  SetService("_http._tcp.test", {{1, 1, 8080, "a.test"}, {1, 1, 8081, "b.test"}});
  dns_.names["A a.test"] = {"!"};
  dns_.names["A b.test"] = {"10.0.0.2"};
  Start();
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.2:8081"));
}

TEST_F(DnsClusterTest, AServiceWithoutRecordsKeepsTheLastAnswer) {
  SetService("_http._tcp.test", {{1, 1, 8080, "a.test"}});
  dns_.names["A a.test"] = {"10.0.0.1"};
  Start();
  dns_.services["_http._tcp.test"] = {Status::kEmpty, {}, 0, "nothing"};
  Pass(5'100);
  EXPECT_THAT(Hosts(), ElementsAre("10.0.0.1:8080"));
  EXPECT_EQ(Stat("update_empty"), 1u);
}

TEST_F(DnsClusterTest, TheShortestTtlOfAServiceAndItsTargetsCounts) {
  config_.respect_dns_ttl = true;
  SetService("_http._tcp.test", {{1, 1, 8080, "a.test"}});
  dns_.names["A a.test"] = {"10.0.0.1"};
  dns_.ttls["A a.test"] = 7;
  Start();
  Pass(6'900);
  EXPECT_EQ(dns_.asked["SRV _http._tcp.test"], 1);
  Pass(200);
  EXPECT_EQ(dns_.asked["SRV _http._tcp.test"], 2);
}

}  // namespace
}  // namespace weir::upstream
