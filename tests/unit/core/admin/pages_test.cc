#include "core/admin/pages.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "core/admin/page_table.h"
#include "tests/support/test_certificates.h"
#include "tests/unit/core/admin/fake_host.h"

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kConfig = R"(
admin: { address: "127.0.0.1:1", token: hunter2hunter2hunter2 }
listeners:
  - name: main
    address: 0.0.0.0:8080
    http:
      routes:
        - { match: { prefix: /a }, route: { cluster: app } }
        - { match: { path: /b }, direct_response: { status: 204 } }
  - { name: raw, address: "unix:/tmp/raw", tcp: { cluster: app } }
clusters:
  - { name: app, endpoints: [127.0.0.1:9000, "[::1]:9001"] }
)";

class PagesTest : public testing::Test {
 protected:
  void SetUp() override { host_.Load(kConfig); }
  std::string Body(const char* path, std::string_view query = "") {
    const Reply reply = FindPage(path)->make(query, &host_);
    EXPECT_EQ(reply.status, 200U) << reply.body;
    return reply.body;
  }

  FakeHost host_;
};

TEST_F(PagesTest, ReadySaysWhetherNewWorkIsWelcome) {
  EXPECT_EQ(ReadyPage("", &host_).status, 200U);
  EXPECT_EQ(ReadyPage("", &host_).body, "LIVE\n");
  host_.state = observe::ServerState::kDraining;
  EXPECT_EQ(ReadyPage("", &host_).status, 503U);
  EXPECT_EQ(ReadyPage("", &host_).body, "DRAINING\n");
  EXPECT_EQ(HealthzPage("", &host_).status, 200U) << "what drains is alive";
  host_.state = observe::ServerState::kInitializing;
  EXPECT_EQ(ReadyPage("", &host_).status, 503U);
  EXPECT_EQ(ReadyPage("", &host_).body, "INITIALIZING\n");
}

TEST_F(PagesTest, EveryPageRefusesWhatItDoesNotKnow) {
  for (const char* path :
       {"/", "/help", "/ready", "/healthz", "/stats", "/stats/prometheus", "/clusters",
        "/listeners", "/config_dump", "/plugins", "/certs", "/memory", "/version"}) {
    const Page* page = FindPage(path);
    ASSERT_NE(page, nullptr) << path;
    EXPECT_EQ(page->make("nonsense", &host_).status, 400U) << path;
    EXPECT_EQ(page->make("format=xml", &host_).status, 400U) << path;
    EXPECT_EQ(page->make("", &host_).status, 200U) << path;
  }
}

TEST_F(PagesTest, HelpListsThePages) {
  EXPECT_THAT(HelpText(), HasSubstr("/ready"));
  EXPECT_THAT(HelpText(), HasSubstr("/config_dump"));
}

TEST_F(PagesTest, OnlyWhatProbesAskIsOpenAndQuick) {
  for (const char* path :
       {"/stats", "/stats/prometheus", "/clusters", "/listeners", "/connections", "/streams",
        "/config_dump", "/config", "/plugins", "/certs", "/memory", "/version"}) {
    EXPECT_FALSE(FindPage(path)->open) << path;
    EXPECT_FALSE(FindPage(path)->quick) << path;
  }
}

TEST_F(PagesTest, ListenersLeadToTheirRoutesAndClusters) {
  const std::string json = Body("/listeners", "format=json");
  EXPECT_THAT(json, HasSubstr(R"({"name":"main","local_address":{"socket_address":{)"
                              R"("address":"0.0.0.0","port_value":8080}},"tls":false,)"
                              R"("stat_prefix":"main","filters":["http_connection_manager"],)"
                              R"("http_filters":["mux"],"virtual_hosts":[{)"));
  EXPECT_THAT(json, HasSubstr(R"("routes":[{"name":"","match":"prefix /a","action":"cluster app",)"
                              R"("cluster":"app"},{"name":"","match":"path /b",)"
                              R"("action":"direct_response 204","cluster":null}])"));
  EXPECT_THAT(json, HasSubstr(R"("local_address":{"pipe":{"path":"/tmp/raw"}})"));
  EXPECT_THAT(json, HasSubstr(R"("virtual_hosts":[],"cluster":"app"})"));
  std::string text = Body("/listeners");
  EXPECT_THAT(text, HasSubstr("main::0.0.0.0:8080\n"));
  EXPECT_THAT(text, HasSubstr("prefix /a -> cluster app\n"));
  host_.bound["main"] = *config::ParseIp("127.0.0.1", 4711);
  EXPECT_THAT(Body("/listeners", "format=json"),
              HasSubstr(R"("address":"127.0.0.1","port_value":4711)"));
  text = Body("/listeners");
  EXPECT_THAT(text, HasSubstr("main::127.0.0.1:4711\n"));
}

TEST_F(PagesTest, ClustersShowTheirEndpointsAndWhatTheWorkersSayOfThem) {
  host_.Set("cluster.app.upstream_rq_total", 5);
  host_.Set("cluster.app2.upstream_rq_total", 6);
  EndpointFacts facts;
  facts.cluster = "app";
  facts.address = *config::ParseIp("10.0.0.1", 80);
  facts.connections = 3;
  facts.active_requests = 2;
  facts.cx_total = 9;
  facts.rq_total = 7;
  facts.rq_error = 1;
  facts.healthy = false;
  host_.endpoints = {facts};
  EXPECT_THAT(Body("/clusters", "format=json"),
              HasSubstr(R"("name":"app","lb_policy":"ROUND_ROBIN","stats":{"upstream_rq_total":5},)"
                        R"("circuit_breakers":{"max_connections":1024,"max_pending_requests":1024,)"
                        R"("max_requests":1024},"host_statuses":[{"address":{"socket_address":{)"
                        R"("address":"10.0.0.1","port_value":80}},"hostname":"","weight":1,)"
                        R"("healthy":false,"health_flags":["unhealthy"],)"
                        R"("stats":{"cx_active":3,"rq_active":2,"cx_connect_fail":0,"cx_total":9,)"
                        R"("rq_error":1,"rq_success":0,"rq_timeout":0,"rq_total":7}}]})"));
  const std::string text = Body("/clusters");
  EXPECT_THAT(text, HasSubstr("app::10.0.0.1:80::cx_active::3\n"));
  EXPECT_THAT(text, HasSubstr("app::10.0.0.1:80::rq_total::7\n"));
  EXPECT_THAT(text, HasSubstr("app::10.0.0.1:80::health_flags::/unhealthy\n"));
}

TEST_F(PagesTest, ClustersShowTheFilesEndpointsWhenNoWorkerAnswers) {
  const std::string text = Body("/clusters");
  EXPECT_THAT(text, HasSubstr("app::127.0.0.1:9000::cx_active::0\n"));
  EXPECT_THAT(text, HasSubstr("app::[::1]:9001::weight::1\n"));
}

TEST_F(PagesTest, TheConfigurationIsWholeButForSecrets) {
  for (const char* query : {"", "format=json"}) {
    const std::string body = Body("/config_dump", query);
    EXPECT_THAT(body, HasSubstr("static_resources"));
    EXPECT_THAT(body, HasSubstr("connection_limit"));
    EXPECT_THAT(body, Not(HasSubstr("hunter2")));
  }
  EXPECT_THAT(Body("/config_dump", "format=json"), HasSubstr(R"("port_value":8080)"));
}

TEST_F(PagesTest, MemoryIsThatOfTheProcess) {
  // Under a sanitizer the memory is not malloc's.
  const std::string heap = mallinfo2().arena > 0 ? "[1-9][0-9]*" : "0";
  EXPECT_THAT(Body("/memory"), testing::MatchesRegex("allocated: " + heap + "\nheap_size: " + heap +
                                                     "\nresident: [1-9][0-9]*\npinned: 0\n"));
  EXPECT_THAT(Body("/memory", "format=json"), HasSubstr(R"("resident":)"));
}

TEST_F(PagesTest, PluginsAreThoseOfTheHost) {
  EXPECT_EQ(Body("/plugins"), "NAME\n");
  EXPECT_EQ(Body("/plugins", "format=json"), "[]\n");
  host_.plugins_text.clear();
  EXPECT_EQ(PluginsPage("", &host_).status, 503U) << "nobody has answered";
}

TEST_F(PagesTest, VersionSaysWhoAnswers) {
  host_.facts = {"1.2.3", 7, 100, 42, 2};
  EXPECT_EQ(Body("/version", "format=json"),
            R"({"version":"1.2.3","state":"LIVE","uptime_s":7,"start_unix_s":100,"pid":42,)"
            R"("concurrency":2})"
            "\n");
  EXPECT_THAT(Body("/version"), HasSubstr("weir 1.2.3\n"));
}

TEST_F(PagesTest, CertificatesAreThoseInUseWithWhatKeepsNewerOnesOut) {
  const weir::test::TestCertificate authority = weir::test::MakeAuthority("Root");
  weir::test::CertificateRequest request;
  request.common_name = "front";
  request.names = {"DNS:a.test"};
  request.days = 20;
  const weir::test::TestCertificate made = weir::test::MakeCertificate(authority, request);
  CertificateSource source;
  source.used_by = "listener main";
  source.path = "/etc/tls.pem";
  source.pem = made.key + made.chain;
  source.read_unix_s = 86'400;
  host_.certificates = {source};
  const std::string json = Body("/certs", "format=json");
  EXPECT_THAT(json, HasSubstr(R"({"used_by":"listener main","ca_cert":[],"cert_chain":[{)"
                              R"("path":"/etc/tls.pem","subject":"CN=front",)"));
  EXPECT_THAT(json, HasSubstr(R"("last_read":"1970-01-02T00:00:00Z"})"));
  EXPECT_THAT(Body("/certs"), HasSubstr(" days left"));
  EXPECT_THAT(Body("/certs"), Not(HasSubstr("cannot be used")));
  host_.certificates[0].error = "tls.key: no private key in PEM form";
  host_.certificates[0].error_unix_s = 2 * 86'400;
  EXPECT_THAT(Body("/certs", "format=json"),
              HasSubstr(R"("error":"tls.key: no private key in PEM form",)"
                        R"("failed_since":"1970-01-03T00:00:00Z"})"));
  EXPECT_THAT(Body("/certs"), HasSubstr("  since 1970-01-03T00:00:00Z what is there now cannot be "
                                        "used: tls.key: no private key in PEM form\n"));
  EXPECT_THAT(Body("/certs") + json, Not(HasSubstr("PRIVATE KEY---")));
}

}  // namespace
}  // namespace weir::admin
