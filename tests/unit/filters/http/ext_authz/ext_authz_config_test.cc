#include "filters/http/ext_authz/ext_authz_config.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "filters/http/ext_authz/ext_authz.h"
#include "plugins/kit/fake_config.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kExtAuthzApi, yaml, per_route);
}

constexpr char kService[] = "http_service: {server_uri: {uri: 'http://authz', cluster: authz}}\n";

TEST(ExtAuthzConfigTest, EnvoysFormIsUnderstood) {
  const FakeConfig config = Load(R"(
transport_api_version: V3
failure_mode_allow: false
status_on_error: {code: 503}
include_peer_certificate: false
stat_prefix: waf
with_request_body: {max_request_bytes: 8192, allow_partial_message: true}
allowed_headers: {patterns: [{exact: Cookie}, {prefix: x-, ignore_case: true}]}
disallowed_headers: {patterns: [{suffix: -secret}]}
clear_route_cache: true
http_service:
  server_uri: {uri: "http://authz:9000", cluster: authz, timeout: 0.25s}
  path_prefix: /check
  authorization_request:
    headers_to_add: [{key: X-From, value: weir}]
  authorization_response:
    allowed_upstream_headers: {patterns: [{prefix: x-auth-}]}
    allowed_upstream_headers_to_append: {patterns: [{exact: x-more}]}
    allowed_client_headers: {patterns: [{exact: x-why}]}
    allowed_client_headers_on_success: {patterns: [{exact: set-cookie}]}
)");
  EXPECT_TRUE(config.ok()) << config.errors();
}

TEST(ExtAuthzConfigTest, MistakesAreNamed) {
  const std::string service = kService;
  const std::pair<std::string, const char*> cases[] = {
      {"", "needs http_service"},
      {"{}", "needs http_service"},
      {"grpc_service: {envoy_grpc: {cluster_name: a}}", "grpc_service is not available"},
      {"http_service: {}", "needs server_uri"},
      {"http_service: {server_uri: {uri: 'http://a'}}", "needs a cluster"},
      {"http_service: {server_uri: {cluster: a, timeout: 0s}}", "a timeout is 1ms to 1h"},
      {"http_service: {server_uri: {cluster: a}, path_prefix: check}", "begins with /"},
      {"http_service: {server_uri: {cluster: a}, retry_policy: {}}", "retry_policy"},
      {"http_service: {server_uri: {cluster: a}, authorization_request: {headers_to_add: "
       "[{key: host, value: x}]}}",
       "framing field"},
      {"http_service: {server_uri: {cluster: a}, authorization_request: {headers_to_add: "
       "[{key: x, value: '%REQ(a)%'}]}}",
       "values are static"},
      {"http_service: {server_uri: {cluster: a}, authorization_request: {allowed_headers: "
       "{patterns: "
       "[]}}}\nallowed_headers: {patterns: []}",
       "two places"},
      {service + "with_request_body: {}", "needs max_request_bytes"},
      {service + "with_request_body: {max_request_bytes: 0}", "1"},
      {service + "with_request_body: {max_request_bytes: 9, pack_as_bytes: true}", "pack_as_bytes"},
      {service + "include_peer_certificate: true", "include_peer_certificate: true is not"},
      {service + "status_on_error: {code: 200}", "400"},
      {service + "filter_enabled: {default_value: {numerator: 1}}", "filter_enabled"},
      {service + "transport_api_version: V2", "V2"},
      {service + "allowed_headers: {patterns: [{exact: a, prefix: b}]}", ""},
      {service + "allowed_header: {}", "allowed_header"},
  };
  for (const auto& [yaml, expected] : cases) {
    const FakeConfig config = Load(yaml);
    EXPECT_FALSE(config.ok()) << yaml;
    EXPECT_THAT(config.errors(), HasSubstr(expected)) << yaml;
  }
}

TEST(ExtAuthzConfigTest, ARoutesEntryHasOneOfDisabledAndCheckSettings) {
  for (const char* yaml :
       {"", "{}", "disabled: false", "{disabled: true, check_settings: {}}",
        "check_settings: {context_extensions: {a: b}}",
        "check_settings: {disable_request_body_buffering: true, with_request_body: "
        "{max_request_bytes: 9}}"}) {
    EXPECT_FALSE(Load(yaml, true).ok()) << yaml;
  }
  EXPECT_TRUE(Load("check_settings: {disable_request_body_buffering: true}", true).ok());
  EXPECT_TRUE(Load("disabled: true", true).ok());
}

}  // namespace
}  // namespace weir::filters
