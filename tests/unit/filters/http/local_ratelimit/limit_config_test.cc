#include "filters/http/local_ratelimit/limit_config.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/unit/filters/http/local_ratelimit/limit_world.h"

namespace weir::filters::ratelimit {
namespace {

using kit::World;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LimitConfigTest : public ::testing::Test {
 protected:
  void SetUp() override { World().Clear(); }
};

// One token a minute for requests with these entries, by these actions.
std::string One(const std::string& actions, const std::string& entries,
                const std::string& more = "") {
  return "stat_prefix: s\nrate_limits: [{actions: [" + actions + "]}]\ndescriptors:\n- entries: [" +
         entries + "]\n  token_bucket: {max_tokens: 1, fill_interval: 60s}\n" + more;
}

TEST_F(LimitConfigTest, ADescriptorHasItsOwnBucket) {
  const kit::FakeConfig config =
      Load(One("{request_headers: {header_name: X-Tier, descriptor_key: tier}}",
               "{key: tier, value: free}"));
  EXPECT_TRUE(Request().Field("x-tier", "free").Passes(config));
  EXPECT_FALSE(Request().Field("x-tier", "free").Passes(config));
  EXPECT_TRUE(Request().Field("x-tier", "paid").Passes(config));
  EXPECT_TRUE(Request().Passes(config)) << "without the field there is no descriptor";
}

TEST_F(LimitConfigTest, AnEntryWithoutAValueHasABucketForEach) {
  const kit::FakeConfig config = Load(One("{remote_address: {}}", "{key: remote_address}"));
  EXPECT_TRUE(Request().Passes(config));
  EXPECT_FALSE(Request().From("10.1.2.3:9999").Passes(config)) << "another port, the same client";
  EXPECT_FALSE(Request().From("[::ffff:10.1.2.3]:1").Passes(config));
  EXPECT_TRUE(Request().From("10.1.2.4:1").Passes(config));
  EXPECT_TRUE(Request().From("[2001:db8::1]:1").Passes(config));
  EXPECT_FALSE(Request().From("[2001:db8:0:0::1]:1").Passes(config));
  World().Advance(60'000);
  EXPECT_TRUE(Request().Passes(config));
}

TEST_F(LimitConfigTest, AnAddressCanStandForItsNet) {
  const kit::FakeConfig config =
      Load(One("{masked_remote_address: {v4_prefix_mask_len: 16, "
               "v6_prefix_mask_len: 64}}",
               "{key: masked_remote_address}"));
  EXPECT_TRUE(Request().Passes(config));
  EXPECT_FALSE(Request().From("10.1.99.99:1").Passes(config));
  EXPECT_TRUE(Request().From("10.2.0.1:1").Passes(config));
  EXPECT_TRUE(Request().From("[2001:db8::1]:1").Passes(config));
  EXPECT_FALSE(Request().From("[2001:db8::2:3]:1").Passes(config));
  const kit::FakeConfig named = Load(One("{masked_remote_address: {v4_prefix_mask_len: 8}}",
                                         "{key: masked_remote_address, value: 10.0.0.0/8}"));
  EXPECT_TRUE(Request().Passes(named));
  EXPECT_FALSE(Request().From("10.9.9.9:1").Passes(named));
  EXPECT_TRUE(Request().From("11.9.9.9:1").Passes(named));
}

TEST_F(LimitConfigTest, SeveralActionsMakeOneDescriptor) {
  const kit::FakeConfig config =
      Load(One("{generic_key: {descriptor_value: login}}, {destination_cluster: {}}, "
               "{header_value_match: {descriptor_value: post, headers: [{name: ':method', "
               "exact_match: POST}]}}",
               "{key: generic_key, value: login}, {key: destination_cluster, value: app}, "
               "{key: header_match, value: post}"));
  const auto passes = [&](const char* method, const char* cluster) {
    Request request;
    request.SetStart(":method", method);
    request.attributes[WEIR_ATTR_CLUSTER] = cluster;
    return request.Passes(config);
  };
  EXPECT_TRUE(passes("POST", "app"));
  EXPECT_FALSE(passes("POST", "app"));
  EXPECT_TRUE(passes("GET", "app"));
  EXPECT_TRUE(passes("POST", "other"));
}

TEST_F(LimitConfigTest, KeysAndOrderOfEntriesCount) {
  const std::string actions =
      "{generic_key: {descriptor_value: a, descriptor_key: k}}, "
      "{generic_key: {descriptor_value: b}}";
  const auto limits = [&](const std::string& entries) {
    const kit::FakeConfig config = Load(One(actions, entries));
    return Request().Passes(config) && !Request().Passes(config);
  };
  EXPECT_TRUE(limits("{key: k, value: a}, {key: generic_key, value: b}"));
  EXPECT_FALSE(limits("{key: generic_key, value: b}, {key: k, value: a}"));
  EXPECT_FALSE(limits("{key: k, value: a}"));
  EXPECT_FALSE(limits("{key: k, value: a}, {key: generic_key, value: c}"));
}

TEST_F(LimitConfigTest, AMatchCanBeExpectedNotToBe) {
  const kit::FakeConfig config =
      Load(One("{header_value_match: {descriptor_value: anonymous, expect_match: false, headers: "
               "[{name: authorization}]}}",
               "{key: header_match, value: anonymous}"));
  EXPECT_TRUE(Request().Passes(config));
  EXPECT_FALSE(Request().Passes(config));
  EXPECT_TRUE(Request().Field("authorization", "x").Passes(config));
}

TEST_F(LimitConfigTest, AMissingFieldCanBeSkipped) {
  const std::string actions =
      "{generic_key: {descriptor_value: a}}, {request_headers: {header_name: x-a, descriptor_key: "
      "a, skip_if_absent: true}}";
  const kit::FakeConfig config = Load(One(actions, "{key: generic_key, value: a}"));
  EXPECT_TRUE(Request().Passes(config));
  EXPECT_FALSE(Request().Passes(config));
  EXPECT_TRUE(Request().Field("x-a", "1").Passes(config)) << "two entries: another descriptor";
}

TEST_F(LimitConfigTest, ValuesDoNotRunIntoEachOther) {
  const kit::FakeConfig config =
      Load(One("{request_headers: {header_name: x-a, descriptor_key: a}}, {request_headers: "
               "{header_name: x-b, descriptor_key: b}}",
               "{key: a}, {key: b}"));
  EXPECT_TRUE(Request().Field("x-a", "1").Field("x-b", "23").Passes(config));
  EXPECT_TRUE(Request().Field("x-a", "12").Field("x-b", "3").Passes(config));
  EXPECT_FALSE(Request().Field("x-a", "1").Field("x-b", "23").Passes(config));
}

TEST_F(LimitConfigTest, TheDefaultBucketIsTakenFromToo) {
  const std::string bucket = "token_bucket: {max_tokens: 1, fill_interval: 60s}\n";
  const std::string actions = "{generic_key: {descriptor_value: a}}";
  const std::string roomy =
      "stat_prefix: s\nrate_limits: [{actions: [" + actions +
      "]}]\ndescriptors:\n- entries: [{key: generic_key, value: a}]\n  token_bucket: "
      "{max_tokens: 100, fill_interval: 60s}\n" +
      bucket;
  const kit::FakeConfig both = Load(roomy);
  EXPECT_TRUE(Request().Passes(both));
  EXPECT_FALSE(Request().Passes(both));
  const kit::FakeConfig own = Load(roomy + "always_consume_default_token_bucket: false\n");
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Request().Passes(own));
}

TEST_F(LimitConfigTest, TheTighterBucketIsTold) {
  const kit::FakeConfig config =
      Load(One("{generic_key: {descriptor_value: a}}", "{key: generic_key, value: a}",
               "token_bucket: {max_tokens: 50, fill_interval: 60s}\n"
               "enable_x_ratelimit_headers: DRAFT_VERSION_03\n"));
  Request request;
  EXPECT_TRUE(request.Passes(config));
  EXPECT_EQ(request.Answer("x-ratelimit-limit"), "1");
  EXPECT_EQ(request.Answer("x-ratelimit-remaining"), "0");
}

TEST_F(LimitConfigTest, BucketsOfValuesAreBounded) {
  const kit::FakeConfig config =
      Load(One("{request_headers: {header_name: x-key, descriptor_key: key}}", "{key: key}",
               "max_dynamic_descriptors: 5\n"));
  int served = 0;
  for (int i = 0; i < 100; ++i) {
    served += Request().Field("x-key", std::to_string(i)).Passes(config) ? 1 : 0;
  }
  EXPECT_EQ(served, 6) << "five of their own, and one that the others share";
  EXPECT_FALSE(Request().Field("x-key", "0").Passes(config)) << "nobody's bucket was reset";
}

TEST_F(LimitConfigTest, MistakesAreNamedAtTheirPlace) {
  const auto errors = [](const std::string& yaml) { return Load(yaml).errors(); };
  const auto of_bucket = [&](const std::string& bucket) {
    return errors("{stat_prefix: s, token_bucket: " + bucket + "}");
  };
  EXPECT_THAT(errors(""), HasSubstr("local_ratelimit needs stat_prefix"));
  EXPECT_THAT(errors("{}"), HasSubstr("local_ratelimit needs stat_prefix"));
  EXPECT_THAT(of_bucket("{fill_interval: 1s}"), HasSubstr("needs max_tokens"));
  EXPECT_THAT(of_bucket("{max_tokens: 1}"), HasSubstr("needs fill_interval"));
  EXPECT_THAT(of_bucket("{max_tokens: 1, fill_interval: 49ms}"),
              HasSubstr("1:63: the filter: fill_interval is 50ms to 366 days"));
  EXPECT_THAT(of_bucket("{max_tokens: 0, fill_interval: 1s}"), Not(IsEmpty()));
  EXPECT_THAT(errors("{stat_prefix: s, status: {code: 399}}"), HasSubstr("400"));
  EXPECT_THAT(errors("{stat_prefix: s, filter_enabled: {runtime_key: x}}"),
              HasSubstr("needs default_value"));
  EXPECT_THAT(errors("{stat_prefix: s, enable_x_ratelimit_headers: ON}"),
              HasSubstr("none of OFF, DRAFT_VERSION_03"));
  EXPECT_THAT(errors("{stat_prefix: s, vh_rate_limits: INCLUDE}"), HasSubstr("is not available"));
  EXPECT_THAT(errors("{stat_prefix: s, tokens: 1}"), HasSubstr("\"tokens\" is no key"));
  EXPECT_THAT(errors("{stat_prefix: s, rate_limits: [{actions: [{remote_address: {}}]}]}"),
              HasSubstr("one is nothing without the other"));
  EXPECT_THAT(errors("{stat_prefix: s, response_headers_to_add: [{header: {key: host}}]}"),
              HasSubstr("framing field"));
}

TEST_F(LimitConfigTest, MistakesOfActions) {
  const auto errors = [](const std::string& actions) {
    return Load(One(actions, "{key: a}")).errors();
  };
  EXPECT_THAT(errors(""), HasSubstr("1 to 10 actions"));
  EXPECT_THAT(errors("{}"), HasSubstr("an action is exactly one of"));
  EXPECT_THAT(errors("{source_cluster: {}}"), HasSubstr("source_cluster is not available"));
  EXPECT_THAT(errors("{generic_key: {}}"), HasSubstr("needs descriptor_value"));
  EXPECT_THAT(errors("{request_headers: {header_name: a}}"), HasSubstr("needs descriptor_key"));
  EXPECT_THAT(errors("{header_value_match: {descriptor_value: a}}"), HasSubstr("needs headers"));
  EXPECT_THAT(errors("{remote_address: {}}, {masked_remote_address: {}}"),
              HasSubstr("one action at most"));
  EXPECT_THAT(Load(One("{remote_address: {}}", "")).errors(), HasSubstr("1 to 10 entries"));
}

}  // namespace
}  // namespace weir::filters::ratelimit
