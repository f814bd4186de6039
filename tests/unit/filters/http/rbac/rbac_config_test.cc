#include <string>

#include <gmock/gmock.h>

#include "tests/unit/filters/http/rbac/rbac_world.h"

namespace weir::filters::rbac {
namespace {

using ::testing::HasSubstr;

std::string Errors(const std::string& yaml) {
  return Load(yaml).errors();
}
std::string OfPermission(const std::string& permission) {
  return Errors("rules: {policies: {p: {permissions: [" + permission +
                "], principals: [{any: true}]}}}");
}
std::string OfPrincipal(const std::string& principal) {
  return Errors("rules: {policies: {p: {permissions: [{any: true}], principals: [" + principal +
                "]}}}");
}

TEST(RbacConfigTest, MistakesOfRulesAreNamedAtTheirPlace) {
  EXPECT_THAT(Errors(""), HasSubstr("rbac needs rules or shadow_rules"));
  EXPECT_THAT(Errors("rules:"), HasSubstr("needs policies"));
  EXPECT_THAT(Errors("rules: {action: PERMIT}"),
              HasSubstr("1:17: the filter: \"PERMIT\" is none of ALLOW, DENY, LOG"));
  EXPECT_THAT(Errors("{rules: {}, matcher: {}}"), HasSubstr("matcher is not available"));
  EXPECT_THAT(Errors("rules: {audit_logging_options: {}}"), HasSubstr("is not available"));
  EXPECT_THAT(Errors("{rules: {}, rule: {}}"), HasSubstr("\"rule\" is no key"));
  EXPECT_THAT(Errors("rules: {policies: {p: {permissions: [{any: true}]}}}"),
              HasSubstr("a policy needs permissions and principals"));
  EXPECT_THAT(Errors("rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}],"
                     " condition: {}}}}"),
              HasSubstr("there is no expression language"));
}

TEST(RbacConfigTest, ARuleIsExactlyOneCondition) {
  EXPECT_THAT(OfPermission(""), HasSubstr("the list is empty: it needs a permission"));
  EXPECT_THAT(OfPrincipal("{}"), HasSubstr("a principal has exactly one condition; known are any"));
  EXPECT_THAT(OfPermission("{any: true, destination_port: 1}"), HasSubstr("exactly one"));
  EXPECT_THAT(OfPermission("{remote_ip: 10.0.0.0/8}"), HasSubstr("exactly one"));
  EXPECT_THAT(OfPermission("{any: false}"), HasSubstr("any must be true"));
  EXPECT_THAT(OfPermission("{and_rules: {}}"), HasSubstr("needs rules"));
  EXPECT_THAT(OfPrincipal("{or_ids: {ids: []}}"), HasSubstr("the list is empty"));
  EXPECT_THAT(OfPermission("{uri_template: {}}"), HasSubstr("uri_template is not available"));
  EXPECT_THAT(OfPrincipal("{filter_state: {}}"), HasSubstr("filter_state is not available"));
}

TEST(RbacConfigTest, MistakesOfConditions) {
  EXPECT_THAT(OfPermission("{destination_port: 65536}"), HasSubstr("65535"));
  EXPECT_THAT(OfPermission("{destination_port_range: {start: 5, end: 5}}"), HasSubstr("is empty"));
  EXPECT_THAT(OfPermission("{url_path: {exact: /x}}"), HasSubstr("url_path needs path"));
  EXPECT_THAT(OfPrincipal("{remote_ip: {address_prefix: 10.0.0.0}}"),
              HasSubstr("needs prefix_len"));
  EXPECT_THAT(OfPrincipal("{metadata: {filter: a, path: [{key: b}, {key: c}], value: "
                          "{present_match: true}}}"),
              HasSubstr("path must have one key"));
  EXPECT_THAT(OfPrincipal("{metadata: {filter: a, path: [{key: b}], value: {null_match: {}}}}"),
              HasSubstr("null_match is not available"));
}

TEST(RbacConfigTest, AllMistakesAreReportedAtOnce) {
  const std::string errors =
      OfPermission("{destination_port: x}, {any: false}, {header: {name: 'a b'}}");
  EXPECT_THAT(errors, HasSubstr("any must be true"));
  EXPECT_THAT(errors, HasSubstr("neither a field name"));
}

TEST(RbacConfigTest, ConditionsInsideOfEachOtherHaveABound) {
  std::string deep = "{any: true}";
  for (int i = 0; i < 20; ++i) deep = "{not_rule: " + deep + "}";
  EXPECT_EQ(OfPermission(deep), "");
  for (int i = 0; i < 20; ++i) deep = "{not_rule: " + deep + "}";
  EXPECT_THAT(OfPermission(deep), HasSubstr("more than 32 conditions inside of each other"));
}

}  // namespace
}  // namespace weir::filters::rbac
