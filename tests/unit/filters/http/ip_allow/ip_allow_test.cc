#include "filters/http/ip_allow/ip_allow.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_host.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::World;
using ::testing::HasSubstr;

kit::FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return kit::FakeConfig::Http(kIpAllowApi, yaml, per_route);
}

bool Allowed(const kit::FakeConfig& config, const char* address,
             const kit::FakeConfig* route = nullptr) {
  EXPECT_TRUE(config.ok()) << config.errors();
  if (!config.ok()) return false;
  kit::FakeHttpStream stream;
  if (address != nullptr) stream.attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS] = address;
  if (route != nullptr) stream.route_config = route->get();
  alignas(16) unsigned char self[sizeof(IpAllow)] = {};
  EXPECT_EQ(kIpAllowApi.create(self, config.get(), stream.handle()), WEIR_OK);
  const std::int32_t status = kIpAllowApi.request_headers(self, stream.handle(), 1);
  kIpAllowApi.destroy(self);
  if (stream.local_replies == 0) {
    EXPECT_EQ(status, WEIR_CONTINUE);
    return true;
  }
  EXPECT_EQ(status, WEIR_STOP_ALL);
  EXPECT_EQ(stream.reply_status, 403u);
  EXPECT_EQ(stream.reply_details, "ip_allow_denied");
  return false;
}

TEST(IpAllowTest, WithAnAllowListAllOthersAreKeptOut) {
  World().Clear();
  const kit::FakeConfig config = Load("allow: [10.0.0.0/8, '2001:db8::/32']");
  EXPECT_TRUE(Allowed(config, "10.1.2.3:99"));
  EXPECT_TRUE(Allowed(config, "[2001:db8::1]:99"));
  EXPECT_FALSE(Allowed(config, "11.1.2.3:99"));
  EXPECT_FALSE(Allowed(config, "[2001:db9::1]:99"));
  EXPECT_EQ(World().counters["ip_allow.allowed"], 2u);
  EXPECT_EQ(World().counters["ip_allow.denied"], 2u);
}

TEST(IpAllowTest, WithADenyListAllOthersAreLetIn) {
  const kit::FakeConfig config = Load("deny: [{address_prefix: 10.0.0.0, prefix_len: 8}]");
  EXPECT_FALSE(Allowed(config, "10.1.2.3:99"));
  EXPECT_TRUE(Allowed(config, "11.1.2.3:99"));
}

TEST(IpAllowTest, TheLongestRangeDecides) {
  const kit::FakeConfig config =
      Load("{allow: [10.0.0.0/8, 10.1.2.3], deny: [10.1.0.0/16, 0.0.0.0/0]}");
  EXPECT_TRUE(Allowed(config, "10.9.9.9:1"));
  EXPECT_FALSE(Allowed(config, "10.1.9.9:1"));
  EXPECT_TRUE(Allowed(config, "10.1.2.3:1"));
  EXPECT_FALSE(Allowed(config, "192.0.2.1:1"));
  EXPECT_FALSE(Allowed(config, "[2001:db8::1]:1"));
}

TEST(IpAllowTest, AMappedAddressIsTheAddressOfIpv4) {
  EXPECT_FALSE(Allowed(Load("deny: [10.0.0.0/8]"), "[::ffff:10.1.2.3]:99"));
  EXPECT_FALSE(Allowed(Load("deny: [10.0.0.0/8]"), "[::ffff:a01:203]:99"));
  EXPECT_FALSE(Allowed(Load("allow: ['::/0']"), "[::ffff:10.1.2.3]:99"));
}

TEST(IpAllowTest, WhatIsNoIpAddressIsRefusedWhateverTheLists) {
  for (const char* address :
       {static_cast<const char*>(nullptr), "", "/run/weir.sock", "10.1.2.3"}) {
    EXPECT_FALSE(Allowed(Load("allow: [0.0.0.0/0, '::/0']"), address));
    EXPECT_FALSE(Allowed(Load("deny: [10.0.0.0/8]"), address));
  }
}

TEST(IpAllowTest, ARouteHasItsOwnLists) {
  const kit::FakeConfig config = Load("allow: [10.0.0.0/8]");
  const kit::FakeConfig route = Load("{deny: [10.0.0.0/8], stat_prefix: r}", /*per_route=*/true);
  ASSERT_TRUE(route.ok()) << route.errors();
  const std::uint64_t before = World().counters["ip_allow.r.denied"];
  EXPECT_FALSE(Allowed(config, "10.1.2.3:1", &route));
  EXPECT_TRUE(Allowed(config, "11.1.2.3:1", &route));
  EXPECT_EQ(World().counters["ip_allow.r.denied"], before + 1);
}

TEST(IpAllowTest, AnAnswerThatTheHostRefusesFailsTheRequest) {
  const kit::FakeConfig config = Load("allow: [10.0.0.0/8]");
  kit::FakeHttpStream stream;
  stream.failure = WEIR_ERROR;
  alignas(16) unsigned char self[sizeof(IpAllow)] = {};
  ASSERT_EQ(kIpAllowApi.create(self, config.get(), stream.handle()), WEIR_OK);
  EXPECT_LT(kIpAllowApi.request_headers(self, stream.handle(), 1), 0);
  kIpAllowApi.destroy(self);
}

TEST(IpAllowTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("").errors(), HasSubstr("ip_allow needs allow or deny"));
  EXPECT_THAT(Load("{}").errors(), HasSubstr("ip_allow needs allow or deny"));
  EXPECT_THAT(Load("allow: []").errors(), HasSubstr("allow is empty: leave it out"));
  EXPECT_THAT(Load("allow: [10.0.0.0/8, 10.0.0.0/33]").errors(),
              HasSubstr("1:21: the filter: a prefix of 33 bits"));
  EXPECT_THAT(Load("{allow: [10.0.0.0/8], deny: [10.9.9.9/8]}").errors(),
              HasSubstr("this range is there already"));
  EXPECT_THAT(Load("{allow: [10.0.0.0/8], denied: []}").errors(), HasSubstr("\"denied\""));
}

}  // namespace
}  // namespace weir::filters
