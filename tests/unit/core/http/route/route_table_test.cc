#include "core/http/route/route_table.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/http/route/route_fixtures.h"

namespace weir::http {
namespace {

using test::BuildErrors;
using test::BuildTable;
using test::ClusterOf;
using test::Kind;
using test::MakeActionRoute;
using test::MakeHost;
using test::MakeRoute;
using test::Request;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(RouteTable, TheHostChoosesAndOtherHostsDoNotHelpOut) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a.com", "*.a.com"}), MakeHost("rest", {"*"})};
  configuration.virtual_hosts[0].routes[0].match.value = "/only";
  const auto table = BuildTable(configuration);
  EXPECT_EQ(ClusterOf(*table, Request("a.com", "/only")), "a");
  EXPECT_EQ(ClusterOf(*table, Request("x.a.com", "/only")), "a");
  EXPECT_EQ(ClusterOf(*table, Request("a.com", "/else")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("b.com", "/else")), "rest");
  EXPECT_EQ(ClusterOf(*table, Request("", "/else")), "rest");
}

TEST(RouteTable, WithoutACatchAllAnUnknownHostHasNoRoute) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a.com"})};
  const auto table = BuildTable(configuration);
  EXPECT_EQ(ClusterOf(*table, Request("b.com", "/")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("", "/")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("a.com:80", "/")), "404");
}

TEST(RouteTable, PortsAreIgnoredWhenAsked) {
  config::RouteConfiguration configuration;
  configuration.ignore_port_in_host_matching = true;
  configuration.virtual_hosts = {MakeHost("a", {"a.com"}), MakeHost("six", {"[::1]"})};
  const auto table = BuildTable(configuration);
  EXPECT_EQ(ClusterOf(*table, Request("a.com:8080", "/")), "a");
  EXPECT_EQ(ClusterOf(*table, Request("a.com", "/")), "a");
  EXPECT_EQ(ClusterOf(*table, Request("[::1]:8080", "/")), "six");
  EXPECT_EQ(ClusterOf(*table, Request("[::1]", "/")), "six");
}

TEST(RouteTable, TheFirstRouteThatMatchesWins) {
  const auto table =
      BuildTable({MakeRoute(Kind::kPrefix, "/a", "prefix"), MakeRoute(Kind::kPath, "/a", "path"),
                  MakeRoute(Kind::kPrefix, "/", "rest")});
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a")), "prefix");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/b")), "rest");
}

TEST(RouteTable, AnExactPathIsComparedWithoutTheQuery) {
  const auto table = BuildTable({MakeRoute(Kind::kPath, "/a", "path")});
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a")), "path");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a?b=/c")), "path");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a?")), "path");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a/")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/A")), "404");
}

TEST(RouteTable, APrefixNeedsNoSeparator) {
  const auto table = BuildTable({MakeRoute(Kind::kPrefix, "/a", "prefix")});
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a")), "prefix");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/ab")), "prefix");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/a/b")), "prefix");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/b?x=/a")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "*")), "404");
}

TEST(RouteTable, APathSeparatedPrefixEndsAtASlash) {
  const auto table = BuildTable({MakeRoute(Kind::kPathSeparatedPrefix, "/api/dev", "api")});
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/dev")), "api");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/dev?x")), "api");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/dev/")), "api");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/dev/v1")), "api");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/developer")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/api/de")), "404");
}

TEST(RouteTable, ARegexMatchesTheWholePathWithoutTheQuery) {
  const auto table = BuildTable({MakeRoute(Kind::kSafeRegex, "/v[0-9]+/.*", "regex")});
  EXPECT_EQ(ClusterOf(*table, Request("h", "/v12/a")), "regex");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/v12/?q")), "regex");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/x/v12/a")), "404");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/v?/v1/")), "404");
}

TEST(RouteTable, CaseIsIgnoredWhenAsked) {
  std::vector<config::Route> routes = {MakeRoute(Kind::kPath, "/Path", "path"),
                                       MakeRoute(Kind::kPathSeparatedPrefix, "/Sep", "separated"),
                                       MakeRoute(Kind::kPrefix, "/Pre", "prefix")};
  for (config::Route& route : routes) route.match.case_sensitive = false;
  const auto table = BuildTable(routes);
  EXPECT_EQ(ClusterOf(*table, Request("h", "/pATH")), "path");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/sep/x")), "separated");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/PREFIX")), "prefix");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/pr")), "404");
}

TEST(RouteTable, OnlyAConnectMatchTakesAConnectAndNothingElse) {
  const auto table = BuildTable(
      {MakeRoute(Kind::kPrefix, "", "prefix"), MakeRoute(Kind::kConnect, "", "connect")});
  RequestView connect = Request("h:443", "");
  connect.method = "CONNECT";
  connect.connect = true;
  EXPECT_EQ(ClusterOf(*table, connect), "connect");
  EXPECT_EQ(ClusterOf(*table, Request("h", "/")), "prefix");
  const auto without = BuildTable({MakeRoute(Kind::kPrefix, "", "prefix")});
  EXPECT_EQ(ClusterOf(*without, connect), "404");
}

TEST(RouteTable, ARouteKnowsItsActionClusterAndLimit) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a"}), MakeHost("b", {"b"})};
  auto& routes = configuration.virtual_hosts[0].routes;
  configuration.virtual_hosts[0].max_request_bytes = 100;
  routes = {MakeRoute(Kind::kPath, "/forward", "cluster-a"),
            MakeActionRoute(Kind::kPath, "/redirect", config::RedirectAction{}),
            MakeActionRoute(Kind::kPath, "/direct", config::DirectResponseAction{204, "body"})};
  routes[1].max_request_bytes = 7;
  int cluster = 0;
  RouteTableHooks hooks;
  hooks.find_cluster = [&](const config::RouteAction& action) -> void* {
    return action.cluster == "cluster-a" ? &cluster : nullptr;
  };
  const auto table = BuildTable(configuration, hooks);

  const Route* forward = table->Find(Request("a", "/forward"));
  EXPECT_EQ(forward->cluster(), &cluster);
  EXPECT_EQ(forward->max_request_bytes(), 100u);
  EXPECT_EQ(forward->forward()->timeout.count(), 15000);
  EXPECT_EQ(forward->redirect(), nullptr);
  EXPECT_EQ(forward->virtual_host().name, "a");

  const Route* redirect = table->Find(Request("a", "/redirect"));
  EXPECT_EQ(redirect->forward(), nullptr);
  EXPECT_EQ(redirect->redirect()->response_code, 301u);
  EXPECT_EQ(redirect->max_request_bytes(), 7u);

  const Route* direct = table->Find(Request("a", "/direct"));
  EXPECT_EQ(direct->direct_response()->status, 204u);
  EXPECT_EQ(direct->direct_response()->body, "body");
  EXPECT_EQ(direct->cluster(), nullptr);
  EXPECT_EQ(table->Find(Request("b", "/"))->max_request_bytes(), Route::kNoLimit);
}

config::PerFilterConfig Override(std::string filter, bool disabled, int line) {
  config::PerFilterConfig config;
  config.filter = std::move(filter);
  config.disabled = disabled;
  config.mark.line = line;
  return config;
}

// The line of the entry that a filter is given, 0 for none.
int LineOf(const FilterOverride& override) {
  return override.config == nullptr
             ? 0
             : static_cast<const config::PerFilterConfig*>(override.config)->mark.line;
}

TEST(RouteTable, TheMostSpecificFilterConfigWinsFilterByFilter) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a"}), MakeHost("b", {"b"})};
  configuration.typed_per_filter_config = {Override("one", false, 1), Override("two", false, 2)};
  config::VirtualHost& host = configuration.virtual_hosts[0];
  host.typed_per_filter_config = {Override("two", false, 3)};
  host.routes.insert(host.routes.begin(), MakeRoute(Kind::kPath, "/off", "a"));
  host.routes[0].typed_per_filter_config = {Override("one", true, 4)};
  int compiled = 0;
  RouteTableHooks hooks;
  hooks.filters = {"one", "two", "three"};
  hooks.compile_filter = [&](size_t index, const config::PerFilterConfig& config, std::string*) {
    EXPECT_EQ(hooks.filters[index], config.filter);
    ++compiled;
    return static_cast<const void*>(&config);
  };
  const auto table = BuildTable(configuration, hooks);
  EXPECT_EQ(compiled, 3) << "once for each entry, however many routes share it";

  const Route& off = *table->Find(Request("a", "/off"));
  EXPECT_EQ(off.filter(0).state, FilterOverride::State::kDisabled);
  EXPECT_EQ(LineOf(off.filter(1)), 3);
  EXPECT_EQ(off.filter(2).state, FilterOverride::State::kUnset);
  const Route& on = *table->Find(Request("a", "/"));
  EXPECT_EQ(on.filter(0).state, FilterOverride::State::kEnabled);
  EXPECT_EQ(LineOf(on.filter(0)), 1);
  EXPECT_EQ(LineOf(on.filter(1)), 3);
  EXPECT_EQ(LineOf(table->Find(Request("b", "/"))->filter(1)), 2);
  EXPECT_TRUE(on.has_filter_overrides());
}

TEST(RouteTable, WithoutFilterConfigsNoRouteHasOverrides) {
  RouteTableHooks hooks;
  hooks.filters = {"one"};
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"*"})};
  const auto table = BuildTable(configuration, hooks);
  const Route& route = *table->Find(Request("x", "/"));
  EXPECT_FALSE(route.has_filter_overrides());
  EXPECT_EQ(route.filter(0).state, FilterOverride::State::kUnset);
}

TEST(RouteTable, FilterMistakesAreErrors) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"*"})};
  configuration.typed_per_filter_config = {Override("nobody", false, 1)};
  EXPECT_THAT(BuildErrors(configuration), ElementsAre(HasSubstr("nobody")));
  RouteTableHooks hooks;
  hooks.filters = {"somebody"};
  EXPECT_THAT(BuildErrors(configuration, hooks), ElementsAre(HasSubstr("nobody")));
  hooks.filters = {"nobody"};
  hooks.compile_filter = [](size_t, const config::PerFilterConfig&, std::string* error) {
    *error = "bad key";
    return static_cast<const void*>(nullptr);
  };
  EXPECT_THAT(BuildErrors(configuration, hooks), ElementsAre("bad key"));
}

TEST(RouteTable, AllMistakesAreFoundAtOnce) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"a.com", ""}), MakeHost("b", {"A.com", "x*y"}),
                                 MakeHost("c", {})};
  configuration.virtual_hosts[2].routes = {MakeRoute(Kind::kSafeRegex, "(", "x"),
                                           MakeRoute(Kind::kPathSeparatedPrefix, "/a/", "x")};
  EXPECT_THAT(BuildErrors(configuration),
              ElementsAre(HasSubstr("empty domain"), HasSubstr("already in virtual host \"a\""),
                          HasSubstr("\"x*y\""), HasSubstr("no domains"),
                          HasSubstr("regular expression \"(\""), HasSubstr("must not end")));
}

std::vector<std::string> ErrorsOf(config::Route route) {
  config::RouteConfiguration configuration;
  configuration.virtual_hosts = {MakeHost("a", {"*"})};
  configuration.virtual_hosts[0].routes = {std::move(route)};
  return BuildErrors(configuration);
}

TEST(RouteTable, RewritesThatCannotBeSentAreErrors) {
  for (const char* rewrite :
       {"x", "/a b", "/a\r\nb", "/a/../b", "/a/.", "/%zz", "/%2e", "/a?b#c", "/a?b"}) {
    config::Route route = MakeRoute(Kind::kPrefix, "/", "x");
    std::get<config::RouteAction>(route.action).prefix_rewrite = rewrite;
    EXPECT_THAT(ErrorsOf(route), ElementsAre(HasSubstr("prefix_rewrite"))) << rewrite;
  }
  config::Route route = MakeRoute(Kind::kSafeRegex, "/.*", "x");
  std::get<config::RouteAction>(route.action).prefix_rewrite = "/a";
  EXPECT_THAT(ErrorsOf(route), ElementsAre(HasSubstr("prefix_rewrite")));
  route = MakeRoute(Kind::kPrefix, "/", "x");
  std::get<config::RouteAction>(route.action).host_rewrite_literal = "a\r\nb";
  EXPECT_THAT(ErrorsOf(route), ElementsAre(HasSubstr("host_rewrite_literal")));
}

TEST(RouteTable, RedirectsThatCannotBeSentAreErrors) {
  config::RedirectAction action;
  action.host_redirect = "a b";
  action.path_redirect = "x";
  action.port_redirect = 65536;
  EXPECT_THAT(ErrorsOf(MakeActionRoute(Kind::kPrefix, "/", action)),
              ElementsAre(HasSubstr("host_redirect"), HasSubstr("port_redirect"),
                          HasSubstr("path_redirect")));
  config::RedirectAction split;
  split.path_redirect = "/a\r\nset-cookie: b";
  EXPECT_THAT(ErrorsOf(MakeActionRoute(Kind::kPrefix, "/", split)),
              ElementsAre(HasSubstr("path_redirect")));
}

}  // namespace
}  // namespace weir::http
