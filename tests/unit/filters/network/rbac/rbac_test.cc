#include "filters/network/rbac/rbac.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"

namespace weir::filters::rbac {
namespace {

using kit::World;
using ::testing::HasSubstr;

kit::FakeConfig Load(const std::string& yaml) {
  return kit::FakeConfig::Network(kNetworkRbacApi, yaml);
}

constexpr char kLocalOnly[] = R"(
stat_prefix: edge
rules:
  policies: {p: {permissions: [{destination_port: 5432}], principals: [{remote_ip: 10.0.0.0/8}]}}
)";

class NetworkRbacTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
  ~NetworkRbacTest() override { Drop(); }

  void Start(const std::string& yaml, const char* from) {
    config_ = std::make_unique<kit::FakeConfig>(Load(yaml));
    ASSERT_TRUE(config_->ok()) << config_->errors();
    connection_->attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = from;
    connection_->attributes[WEIR_ATTR_LOCAL_ADDRESS] = "198.51.100.7:5432";
    ASSERT_EQ(kNetworkRbacApi.create(self_, config_->get(), connection_->handle()), WEIR_OK);
    made_ = true;
  }
  std::int32_t Data(std::string bytes) {
    connection_->received += bytes;
    return kNetworkRbacApi.data(self_, connection_->handle(), 0);
  }
  void Drop() {
    if (made_) kNetworkRbacApi.destroy(self_);
    made_ = false;
  }

  std::unique_ptr<kit::FakeConfig> config_;
  std::optional<kit::FakeConnection> connection_{std::in_place};
  alignas(16) unsigned char self_[sizeof(NetworkRbac)] = {};
  bool made_ = false;
};

TEST_F(NetworkRbacTest, WhatIsAllowedGoesOn) {
  Start(kLocalOnly, "10.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_CONTINUE);
  EXPECT_FALSE(connection_->closed);
  EXPECT_EQ(connection_->received, "x");
  EXPECT_EQ(World().counters["edge.rbac.allowed"], 1u);
}

TEST_F(NetworkRbacTest, WhatIsDeniedIsClosedBeforeAnyoneSeesAByte) {
  Start(kLocalOnly, "11.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_STOP);
  EXPECT_TRUE(connection_->closed);
  EXPECT_FALSE(connection_->flushed);
  EXPECT_EQ(Data("y"), WEIR_STOP);
  EXPECT_EQ(World().counters["edge.rbac.denied"], 1u);
}

TEST_F(NetworkRbacTest, OneTimeJudgesTheFirstBytesOnly) {
  Start(kLocalOnly, "10.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_CONTINUE);
  connection_->attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = "11.0.0.1:9";
  EXPECT_EQ(Data("y"), WEIR_CONTINUE);
  EXPECT_EQ(World().counters["edge.rbac.allowed"], 1u);
}

TEST_F(NetworkRbacTest, ContinuousJudgesEachPiece) {
  Start(std::string(kLocalOnly) + "enforcement_type: CONTINUOUS\n", "10.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_CONTINUE);
  connection_->attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = "11.0.0.1:9";
  EXPECT_EQ(Data("y"), WEIR_STOP);
  EXPECT_TRUE(connection_->closed);
}

TEST_F(NetworkRbacTest, ADelayedDenialKeepsNothingOfWhatComes) {
  Start(std::string(kLocalOnly) + "delay_deny: 2s\n", "11.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_STOP);
  EXPECT_FALSE(connection_->closed);
  EXPECT_EQ(Data("more"), WEIR_STOP);
  EXPECT_EQ(connection_->received, "");
  World().Advance(1999);
  EXPECT_FALSE(connection_->closed);
  World().Advance(1);
  EXPECT_TRUE(connection_->closed);
  Drop();
  EXPECT_EQ(World().timers(), 0u);
}

TEST_F(NetworkRbacTest, WithoutATimerTheDenialIsAtOnce) {
  Start(std::string(kLocalOnly) + "delay_deny: 2s\n", "11.0.0.1:9");
  World().full = true;
  EXPECT_EQ(Data("x"), WEIR_STOP);
  EXPECT_TRUE(connection_->closed);
}

TEST_F(NetworkRbacTest, ShadowRulesOnlyCount) {
  Start("{stat_prefix: edge., shadow_rules: {}, shadow_rules_stat_prefix: try}", "10.0.0.1:9");
  EXPECT_EQ(Data("x"), WEIR_CONTINUE);
  EXPECT_EQ(World().counters["edge.rbac.try.shadow_denied"], 1u);
}

TEST_F(NetworkRbacTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("").errors(), HasSubstr("rbac needs stat_prefix and rules"));
  EXPECT_THAT(Load("rules: {}").errors(), HasSubstr("rbac needs stat_prefix"));
  EXPECT_THAT(Load("{stat_prefix: a, enforcement_type: X}").errors(),
              HasSubstr("none of ONE_TIME_ON_FIRST_BYTE, CONTINUOUS"));
  EXPECT_THAT(Load("{stat_prefix: a, delay_deny: 61s}").errors(), HasSubstr("0s to 60s"));
  EXPECT_THAT(
      Load("{stat_prefix: a, rules: {policies: {p: {permissions: [{url_path: {path: {exact: "
           "/}}}], principals: [{any: true}]}}}}")
          .errors(),
      HasSubstr("a connection has no request"));
  EXPECT_THAT(Load("{stat_prefix: a, rules_stat_prefix: b}").errors(),
              HasSubstr("\"rules_stat_prefix\""));
}

TEST_F(NetworkRbacTest, DenyPoliciesMatchWhatTheHandshakeAndListenerFiltersSaid) {
  const std::string policies = R"(
stat_prefix: edge
rules:
  action: DENY
  policies:
    name: {permissions: [{requested_server_name: {exact: secret.test}}], principals: [{any: true}]}
    who: {permissions: [{any: true}], principals: [{authenticated: {principal_name: {exact: "spiffe://eve"}}}]}
    note: {permissions: [{any: true}], principals: [{metadata: {filter: f, path: [{key: k}], value: {string_match: {exact: bad}}}}]}
)";
  const auto judged = [&](auto&& prepare) {
    connection_.emplace();
    prepare();
    Start(policies, "10.0.0.1:9");
    const std::int32_t status = Data("x");
    Drop();
    return status;
  };
  EXPECT_EQ(judged([] {}), WEIR_CONTINUE);
  EXPECT_EQ(
      judged([&] { connection_->attributes[WEIR_ATTR_REQUESTED_SERVER_NAME] = "secret.test"; }),
      WEIR_STOP);
  EXPECT_EQ(judged([&] {
              connection_->numbers[WEIR_NUMBER_PEER_VERIFIED] = 1;
              connection_->attributes[WEIR_ATTR_PEER_URI_SAN] = "spiffe://eve";
            }),
            WEIR_STOP);
  EXPECT_EQ(judged([&] { connection_->metadata[{"f", "k"}] = "bad"; }), WEIR_STOP);
}

// A rule that cannot be asked must not count as one that does not match.
TEST_F(NetworkRbacTest, AHostThatCannotTellFailsTheHook) {
  weir_network_api old = *kit::FakeNetworkApi();
  old.struct_size = offsetof(weir_network_api, number);
  const Subject subject(&old, connection_->handle());
  EXPECT_THROW(subject.Verified(), std::runtime_error);
  EXPECT_THROW(subject.Metadata("a", "b"), std::runtime_error);
}

}  // namespace
}  // namespace weir::filters::rbac
