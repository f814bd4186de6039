#include "core/explain/strict.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/config/config_testing.h"

namespace weir::explain {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Each warning as "line rule".
std::vector<std::string> Warnings(const std::string& text) {
  const config::LoadResult loaded = config::testing::Load(text);
  EXPECT_TRUE(loaded.ok()) << loaded.diagnostics.Print();
  if (!loaded.ok()) return {};
  config::Diagnostics warnings = loaded.diagnostics;
  CheckStrict(*loaded.bootstrap, {}, &warnings);
  std::vector<std::string> found;
  for (const config::Diagnostic& item : warnings.Sorted()) {
    EXPECT_TRUE(item.message.starts_with("warning: ")) << item.message;
    const size_t rule = item.message.rfind('[') + 1;
    found.push_back(std::to_string(item.mark.line) + " " +
                    item.message.substr(rule, item.message.size() - rule - 1));
  }
  return found;
}

// From line 1: an http listener with these keys of its connection manager, and a cluster.
std::string Http(const std::string& keys) {
  return "clusters: [{ name: c, endpoints: [\"10.0.0.1:80\"] }]\n"
         "listeners:\n"
         "- address: 127.0.0.1:80\n"
         "  http:\n" +
         keys;
}

TEST(Strict, AnOrdinaryFileHasNoWarnings) {
  EXPECT_THAT(
      Warnings(Http("    routes:\n"
                    "    - { match: { path: /a }, route: { cluster: c } }\n"
                    "    - { match: { prefix: /b }, route: { cluster: c } }\n"
                    "    - { match: { prefix: / }, redirect: { https_redirect: true } }\n")),
      IsEmpty());
}

TEST(Strict, RoutesThatNoRequestReaches) {
  EXPECT_THAT(Warnings(Http("    routes:\n"
                            "    - { match: { prefix: /a }, route: { cluster: c } }\n"
                            "    - { match: { path: /a/b }, route: { cluster: c } }\n"
                            "    - { match: { path: /x/../y }, route: { cluster: c } }\n"
                            "    - { match: { prefix: /x//y }, route: { cluster: c } }\n"
                            "    - { match: { prefix: /x/. }, route: { cluster: c } }\n"
                            "    - { match: { path: /z%41 }, route: { cluster: c } }\n")),
              ElementsAre("7 shadowed-route", "8 unreachable-route", "9 unreachable-route",
                          "11 unreachable-route"));
}

TEST(Strict, DomainsThatNoHostEquals) {
  const std::string hosts =
      "    virtual_hosts:\n"
      "    - { name: a, domains: [\"a:80\"], routes: [{ match: { prefix: / }, route: { cluster: c "
      "} }] }\n"
      "    - { name: b, domains: [\"b..c\"], routes: [{ match: { prefix: / }, route: { cluster: c "
      "} }] }\n"
      "    - { name: d, domains: [\"d\", \"*.d\"], routes: [] }\n";
  EXPECT_THAT(Warnings(Http(hosts)), ElementsAre("7 unreachable-domain", "8 empty-virtual-host"));
  EXPECT_THAT(Warnings(Http("    strip_any_host_port: true\n" + hosts)),
              ElementsAre("7 unreachable-domain", "8 unreachable-domain", "9 empty-virtual-host"));
}

TEST(Strict, ARedirectToItselfAndAWaitWithoutEnd) {
  EXPECT_THAT(Warnings(Http("    stream_idle_timeout: 0s\n"
                            "    routes:\n"
                            "    - { match: { path: /a }, redirect: { path_redirect: /a } }\n"
                            "    - { match: { path: /b }, redirect: { path_redirect: /a } }\n"
                            "    - { match: { path: /c }, route: { cluster: c, timeout: 0s } }\n"
                            "    - { match: { path: /d }, route: { cluster: c } }\n")),
              ElementsAre("7 redirect-loop", "9 unbounded-wait"));
}

TEST(Strict, AFilterThatNoRouteTurnsOn) {
  const std::string filters =
      "    http_filters: [{ name: cors, disabled: true }, { name: mux }]\n"
      "    routes:\n"
      "    - match: { prefix: / }\n"
      "      route: { cluster: c }\n";
  EXPECT_THAT(Warnings(Http(filters)), ElementsAre("5 unused-filter"));
  EXPECT_THAT(Warnings(Http(filters + "      typed_per_filter_config: { cors: {} }\n")), IsEmpty());
}

TEST(Strict, AClusterIsUsedByRoutesAndByWhateverAPluginNames) {
  const std::string file =
      "listeners:\n"
      "- address: 127.0.0.1:80\n"
      "  http:\n"
      "    http_filters: [{ name: ext_authz, typed_config: { a: { cluster: b } } }, { name: mux "
      "}]\n"
      "    routes: [{ match: { prefix: / }, route: { cluster: a } }]\n"
      "clusters:\n"
      "- { name: a, endpoints: [\"10.0.0.1:80\"] }\n"
      "- { name: b, endpoints: [\"10.0.0.1:80\"] }\n"
      "- { name: c, endpoints: [\"10.0.0.1:80\"] }\n";
  EXPECT_THAT(Warnings(file), ElementsAre("9 unused-cluster"));
}

TEST(Strict, AnAddressWithinAnother) {
  const std::string file =
      "listeners:\n"
      "- { address: \"0.0.0.0:80\", http: { routes: [{ match: { prefix: / }, route: { cluster: a } "
      "}] } }\n"
      "- { address: \"127.0.0.1:80\", http: { routes: [{ match: { prefix: / }, route: { cluster: a "
      "} }] } }\n"
      "- { address: \"127.0.0.1:81\", http: { routes: [{ match: { prefix: / }, route: { cluster: a "
      "} }] } }\n"
      "clusters: [{ name: a, endpoints: [\"10.0.0.1:80\"] }]\n";
  EXPECT_THAT(Warnings(file), ElementsAre("3 overlapping-listeners"));
}

}  // namespace
}  // namespace weir::explain
