#include "filters/listener/proxy_protocol/proxy_protocol.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_connection.h"
#include "plugins/kit/fake_host.h"
#include "tests/unit/filters/listener/proxy_protocol/headers.h"

namespace weir::proxy_protocol {
namespace {

using ::testing::HasSubstr;

class ProxyProtocolTest : public ::testing::Test {
 protected:
  ProxyProtocolTest() { kit::World().Clear(); }

  // What the filter answers when it is shown `bytes` in steps of `step`, and how many it takes.
  std::int32_t Show(const std::string& keys, const std::string& bytes, bool end = false,
                    std::size_t step = SIZE_MAX) {
    const kit::FakeConfig config = kit::FakeConfig::Listener(kProxyProtocolApi, keys);
    EXPECT_TRUE(config.ok()) << config.errors();
    if (!config.ok()) return WEIR_ERROR;
    connection_.emplace();
    alignas(16) std::byte self[1024] = {};
    EXPECT_EQ(kProxyProtocolApi.create(self, config.get(), connection_->handle()), WEIR_OK);
    std::int32_t status = WEIR_STOP;
    taken_ = 0;
    for (std::size_t size = 0; size < bytes.size() && status == WEIR_STOP;) {
      size += std::min(step, bytes.size() - size);
      status =
          kProxyProtocolApi.data(self, connection_->handle(), {bytes.data(), size}, 0, &taken_);
    }
    if (status == WEIR_STOP && end)
      status = kProxyProtocolApi.data(self, connection_->handle(), {bytes.data(), bytes.size()}, 1,
                                      &taken_);
    kProxyProtocolApi.destroy(self);
    return status;
  }
  std::string Client() { return connection_->attributes[WEIR_ATTR_DOWNSTREAM_ADDRESS]; }
  std::uint64_t Count(const std::string& name) {
    return kit::World().counters["proxy_proto." + name];
  }

  std::optional<kit::FakeConnection> connection_{std::in_place};
  std::size_t taken_ = 0;
};

constexpr char kV1Line[] = "PROXY TCP4 10.1.2.3 10.0.0.1 4660 443\r\n";

TEST_F(ProxyProtocolTest, TheConnectionIsThenTheClients) {
  EXPECT_EQ(Show("", std::string(kV1Line) + "GET /"), WEIR_CONTINUE);
  EXPECT_EQ(taken_, sizeof kV1Line - 1);
  EXPECT_EQ(Client(), "10.1.2.3:4660");
  EXPECT_EQ(connection_->attributes[WEIR_ATTR_LOCAL_ADDRESS], "10.0.0.1:443");
  EXPECT_EQ(Show("", V2(0x21, 0x21, Ipv6Addresses())), WEIR_CONTINUE);
  EXPECT_EQ(Client(), "[2001:db8::1]:4660");
  EXPECT_EQ(connection_->attributes[WEIR_ATTR_LOCAL_ADDRESS], "[2001:db8::2]:443");
  EXPECT_EQ(Count("versions.v1.found"), 1u);
  EXPECT_EQ(Count("versions.v2.found"), 1u);
}

TEST_F(ProxyProtocolTest, EverySegmentationIsTheSame) {
  for (const std::string& header :
       {std::string(kV1Line), WithChecksum(0x21, 0x11, Ipv4Addresses() + TlvBytes(5, "id"))}) {
    for (std::size_t step = 1; step <= header.size(); ++step) {
      EXPECT_EQ(Show("", header + "abc", false, step), WEIR_CONTINUE);
      EXPECT_EQ(taken_, header.size());
      EXPECT_EQ(Client(), "10.1.2.3:4660");
    }
  }
}

TEST_F(ProxyProtocolTest, LocalKeepsTheConnectionsOwnAddresses) {
  EXPECT_EQ(Show("", V2(0x20, 0x11, Ipv4Addresses())), WEIR_CONTINUE);
  EXPECT_EQ(taken_, 28u);
  EXPECT_TRUE(connection_->attributes.empty());
}

TEST_F(ProxyProtocolTest, TlvsBecomeMetadata) {
  const std::string rules =
      "{rules: [{tlv_type: 5, on_tlv_present: {key: id}}, "
      "{tlv_type: 0xEA, on_tlv_present: {metadata_namespace: aws, key: vpce}}]}";
  const std::string header =
      V2(0x21, 0x11,
         Ipv4Addresses() + TlvBytes(5, "unique") + TlvBytes(0xea, "vpce-1") + TlvBytes(7, "other"));
  EXPECT_EQ(Show(rules, header), WEIR_CONTINUE);
  EXPECT_EQ(connection_->metadata.size(), 2u);
  const std::pair<std::string, std::string> id{"envoy.filters.listener.proxy_protocol", "id"};
  const std::pair<std::string, std::string> vpce{"aws", "vpce"};
  EXPECT_EQ(connection_->metadata[id], "unique");
  EXPECT_EQ(connection_->metadata[vpce], "vpce-1");
}

TEST_F(ProxyProtocolTest, NoHeaderIsRefusedUnlessAllowed) {
  EXPECT_EQ(Show("", "GET / HTTP/1.1\r\n"), WEIR_CLOSE);
  EXPECT_EQ(Count("not_found_disallowed"), 1u);
  const std::string allow = "{allow_requests_without_proxy_protocol: true}";
  EXPECT_EQ(Show(allow, "GET / HTTP/1.1\r\n"), WEIR_CONTINUE);
  EXPECT_EQ(taken_, 0u);
  EXPECT_EQ(Show(allow, "PR", true), WEIR_CONTINUE);
  EXPECT_EQ(Show(allow, "", true), WEIR_CONTINUE);
  EXPECT_EQ(Show("", "", true), WEIR_CLOSE);
  EXPECT_EQ(Count("not_found_allowed"), 3u);
  EXPECT_EQ(Show(allow, kV1Line), WEIR_CONTINUE);
  EXPECT_EQ(Client(), "10.1.2.3:4660");
}

TEST_F(ProxyProtocolTest, ABadOrCutHeaderClosesEvenWhereNoneIsNeeded) {
  const std::string allow = "{allow_requests_without_proxy_protocol: true, stat_prefix: edge}";
  EXPECT_EQ(Show(allow, "PROXY TCP9 x\r\n"), WEIR_CLOSE);
  EXPECT_EQ(Show(allow, "PROXY TCP4 1.2", true), WEIR_CLOSE);
  EXPECT_EQ(Show(allow, V2(0x21, 0x11, "short")), WEIR_CLOSE);
  EXPECT_EQ(Count("edge.versions.v1.error"), 2u);
  EXPECT_EQ(Count("edge.versions.v2.error"), 1u);
  EXPECT_TRUE(connection_->attributes.empty());
}

TEST_F(ProxyProtocolTest, AVersionCanBeDisallowed) {
  EXPECT_EQ(Show("{disallowed_versions: [V1]}", kV1Line), WEIR_CLOSE);
  EXPECT_EQ(Count("versions.v1.disallowed"), 1u);
  EXPECT_EQ(Show("{disallowed_versions: [V1]}", V2(0x21, 0x11, Ipv4Addresses())), WEIR_CONTINUE);
}

TEST_F(ProxyProtocolTest, MistakesAreReported) {
  const auto errors = [](const char* keys) {
    return kit::FakeConfig::Listener(kProxyProtocolApi, keys).errors();
  };
  EXPECT_THAT(errors("{allow: true}"), HasSubstr("allow"));
  EXPECT_THAT(errors("{disallowed_versions: [V3]}"), HasSubstr("is none of V1, V2"));
  EXPECT_THAT(errors("{disallowed_versions: [V1, V2]}"), HasSubstr("no version is left"));
  EXPECT_THAT(errors("{rules: [{tlv_type: 256, on_tlv_present: {key: a}}]}"),
              HasSubstr("0 to 255"));
  EXPECT_THAT(errors("{rules: [{tlv_type: 1}]}"), HasSubstr("no on_tlv_present"));
  EXPECT_THAT(errors("{rules: [{tlv_type: 1, on_tlv_present: {}}]}"), HasSubstr("no key"));
  EXPECT_THAT(errors("{pass_through_tlvs: {}}"), HasSubstr("pass_through_tlvs is not there"));
  EXPECT_THAT(errors("{tlv_location: FILTER_STATE}"), HasSubstr("is none of DYNAMIC_METADATA"));
}

}  // namespace
}  // namespace weir::proxy_protocol
