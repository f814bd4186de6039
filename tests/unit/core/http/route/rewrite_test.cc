#include "core/http/route/rewrite.h"

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/http/path.h"
#include "tests/unit/core/http/route/route_fixtures.h"

namespace weir::http {
namespace {

using test::BuildTable;
using test::Kind;
using test::MakeActionRoute;
using test::MakeRoute;
using test::Request;

struct Outcome {
  RewriteStatus status;
  std::string text;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << static_cast<int>(outcome.status) << " " << outcome.text;
}

Outcome Rewritten(std::string text) {
  return {RewriteStatus::kRewritten, std::move(text)};
}

Outcome RewriteOf(Kind kind, std::string match, std::string rewrite, const std::string& path) {
  config::Route route = MakeRoute(kind, std::move(match), "x");
  std::get<config::RouteAction>(route.action).prefix_rewrite = std::move(rewrite);
  const auto table = BuildTable({route});
  const Route* found = table->Find(Request("h", path));
  if (found == nullptr) return {RewriteStatus::kUnchanged, "404"};
  std::string bytes(RewritePathBound(*found, path), '\0');
  ByteSink sink(bytes.data(), bytes.size());
  const Rewrite result = RewritePath(*found, path, &sink);
  return {result.status, std::string(result.text)};
}

TEST(RewritePath, PutsTheRewriteInThePlaceOfThePrefix) {
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/v2", "/api/x"), Rewritten("/v2/x"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/v2", "/api"), Rewritten("/v2"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/v2", "/apis"), Rewritten("/v2s"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api/", "/", "/api/x"), Rewritten("/x"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/", "/base/", "/x"), Rewritten("/base/x"));
  EXPECT_EQ(RewriteOf(Kind::kPathSeparatedPrefix, "/api", "/v2", "/api/x"), Rewritten("/v2/x"));
  EXPECT_EQ(RewriteOf(Kind::kPath, "/api", "/v2", "/api"), Rewritten("/v2"));
}

// A filter may have given the request another path since its route was found.
TEST(RewritePath, APathThatTheRouteDoesNotMatchIsNotCut) {
  config::Route route = MakeRoute(Kind::kPathSeparatedPrefix, "/api", "x");
  std::get<config::RouteAction>(route.action).prefix_rewrite = "/v2";
  const auto table = BuildTable({route});
  const Route* found = table->Find(Request("h", "/api/x"));
  ASSERT_NE(found, nullptr);
  for (const std::string_view path : {"", "*", "/", "/ap", "/apis", "/other/path", "/?/api"}) {
    std::string bytes(RewritePathBound(*found, path), '\0');
    ByteSink sink(bytes.data(), bytes.size());
    EXPECT_EQ(RewritePath(*found, path, &sink).status, RewriteStatus::kUnmatched) << path;
  }
}

TEST(RewritePath, KeepsTheQuery) {
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/v2", "/api/x?q=/api"), Rewritten("/v2/x?q=/api"));
  EXPECT_EQ(RewriteOf(Kind::kPath, "/api", "/v2", "/api?q"), Rewritten("/v2?q"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/", "/api?q"), Rewritten("/?q"));
}

TEST(RewritePath, KeepsOneSlashWhereTwoMeet) {
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/", "/api/x"), Rewritten("/x"));
  EXPECT_EQ(RewriteOf(Kind::kPathSeparatedPrefix, "/api", "/v2/", "/api/x"), Rewritten("/v2/x"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "/", "/api"), Rewritten("/"));
}

TEST(RewritePath, WithoutARewriteThePathStays) {
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/api", "", "/api/x?q"),
            (Outcome{RewriteStatus::kUnchanged, "/api/x?q"}));
}

TEST(RewritePath, NeverMakesADotSegment) {
  const Outcome refused{RewriteStatus::kDotSegment, ""};
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files../secret"), refused);
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files./x"), refused);
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files.."), refused);
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files..;x/y"), refused);
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files.", "/data/", "/files.."), refused);
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files...x"), Rewritten("/data/...x"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data/", "/files.x"), Rewritten("/data/.x"));
  EXPECT_EQ(RewriteOf(Kind::kPrefix, "/files", "/data", "/files../x"), Rewritten("/data../x"));
}

TEST(RewritePath, TheResultIsNormalWheneverTheRequestWas) {
  const std::vector<std::string> pieces = {"/", ".", "..", "a", ";", "%2F", "x/", "?"};
  size_t state = 1;
  int rewritten = 0;
  PathOptions options;
  options.escaped_slashes = EscapedSlashes::kKeep;
  for (int round = 0; round < 3000; ++round) {
    std::string path = "/f";
    for (int n = 0; n < 5; ++n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      path += pieces[(state >> 33) % pieces.size()];
    }
    std::string scratch(path.size(), '\0');
    const std::string normal(NormalizePath(path, options, scratch.data()).path);
    if (!normal.starts_with("/f")) continue;
    for (const char* rewrite : {"/", "/b", "/b/"}) {
      const Outcome outcome = RewriteOf(Kind::kPrefix, "/f", rewrite, normal);
      if (outcome.status != RewriteStatus::kRewritten) continue;
      ++rewritten;
      std::string again(outcome.text.size(), '\0');
      EXPECT_EQ(NormalizePath(outcome.text, options, again.data()).verdict, PathVerdict::kUnchanged)
          << normal << " -> " << outcome.text;
    }
  }
  EXPECT_GT(rewritten, 1000);
}

TEST(RewritePath, SaysWhenThereIsNoRoom) {
  config::Route route = MakeRoute(Kind::kPrefix, "/a", "x");
  std::get<config::RouteAction>(route.action).prefix_rewrite = "/bcd";
  const auto table = BuildTable({route});
  const Route* found = table->Find(Request("h", "/a/x?q"));
  char bytes[7];
  ByteSink sink(bytes, sizeof bytes);
  EXPECT_EQ(RewritePath(*found, "/a/x?q", &sink).status, RewriteStatus::kNoRoom);
  char enough[8];
  ByteSink second(enough, sizeof enough);
  EXPECT_EQ(RewritePath(*found, "/a/x?q", &second).text, "/bcd/x?q");
}

TEST(RewriteAuthority, TakesTheLiteralWhereThereIsOne) {
  config::Route route = MakeRoute(Kind::kPrefix, "/", "x");
  EXPECT_EQ(RewriteAuthority(*BuildTable({route})->Find(Request("h", "/")), "h"), "h");
  std::get<config::RouteAction>(route.action).host_rewrite_literal = "backend:81";
  const auto table = BuildTable({route});
  EXPECT_EQ(RewriteAuthority(*table->Find(Request("h", "/")), "h"), "backend:81");
}

Outcome LocationOf(const config::RedirectAction& action, const RedirectedRequest& request,
                   Kind kind = Kind::kPrefix, std::string match = "/") {
  const auto table = BuildTable({MakeActionRoute(kind, std::move(match), action)});
  const Route* route = table->Find(Request("h", request.path));
  std::string bytes(LocationBound(*route, request), '\0');
  ByteSink sink(bytes.data(), bytes.size());
  const Rewrite result = RedirectLocation(*route, request, &sink);
  return {result.status, std::string(result.text)};
}

TEST(RedirectLocation, HttpsRedirectChangesTheSchemeAndDropsThePortOfTheOldOne) {
  config::RedirectAction action;
  action.https_redirect = true;
  EXPECT_EQ(LocationOf(action, {"http", "a.com", "/x?q"}), Rewritten("https://a.com/x?q"));
  EXPECT_EQ(LocationOf(action, {"http", "a.com:80", "/"}), Rewritten("https://a.com/"));
  EXPECT_EQ(LocationOf(action, {"http", "a.com:8080", "/"}), Rewritten("https://a.com:8080/"));
  EXPECT_EQ(LocationOf(action, {"http", "[::1]:80", "/"}), Rewritten("https://[::1]/"));
  EXPECT_EQ(LocationOf(action, {"http", "[::1]", "/"}), Rewritten("https://[::1]/"));
  EXPECT_EQ(LocationOf(action, {"https", "a.com:443", "/"}), Rewritten("https://a.com:443/"));
}

TEST(RedirectLocation, SchemeRedirectDropsTheOtherDefaultPort) {
  config::RedirectAction action;
  action.scheme_redirect = "http";
  EXPECT_EQ(LocationOf(action, {"https", "a.com:443", "/"}), Rewritten("http://a.com/"));
}

TEST(RedirectLocation, ReplacesHostAndPort) {
  config::RedirectAction action;
  action.port_redirect = 8443;
  EXPECT_EQ(LocationOf(action, {"http", "a.com", "/"}), Rewritten("http://a.com:8443/"));
  EXPECT_EQ(LocationOf(action, {"http", "a.com:1", "/"}), Rewritten("http://a.com:8443/"));
  EXPECT_EQ(LocationOf(action, {"http", "[::1]:1", "/"}), Rewritten("http://[::1]:8443/"));
  action.host_redirect = "b.com";
  EXPECT_EQ(LocationOf(action, {"http", "a.com:1", "/"}), Rewritten("http://b.com:8443/"));
  action.port_redirect = 0;
  EXPECT_EQ(LocationOf(action, {"http", "a.com:1", "/"}), Rewritten("http://b.com/"));
  action.host_redirect = "b.com:80";
  action.https_redirect = true;
  EXPECT_EQ(LocationOf(action, {"http", "a.com", "/"}), Rewritten("https://b.com:80/"));
}

TEST(RedirectLocation, WritesEveryLengthOfPort) {
  config::RedirectAction action;
  for (uint32_t port : {1u, 9u, 10u, 80u, 100u, 443u, 1000u, 9090u, 10000u, 65535u}) {
    action.port_redirect = port;
    EXPECT_EQ(LocationOf(action, {"http", "a", "/"}),
              Rewritten("http://a:" + std::to_string(port) + "/"));
  }
}

TEST(RedirectLocation, ReplacesThePath) {
  config::RedirectAction action;
  action.path_redirect = "/new";
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old?q=1"}), Rewritten("http://a/new?q=1"));
  action.strip_query = true;
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old?q=1"}), Rewritten("http://a/new"));
  action.path_redirect = "/new?own";
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old?q=1"}), Rewritten("http://a/new?own"));
  action.strip_query = false;
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old?q=1"}), Rewritten("http://a/new?own"));
}

TEST(RedirectLocation, RewritesThePrefix) {
  config::RedirectAction action;
  action.prefix_rewrite = "/new/";
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old/x?q"}, Kind::kPrefix, "/old"),
            Rewritten("http://a/new/x?q"));
  EXPECT_EQ(LocationOf(action, {"http", "a", "/old../x"}, Kind::kPrefix, "/old").status,
            RewriteStatus::kDotSegment);
}

TEST(RedirectLocation, StripsTheQueryWhenAsked) {
  config::RedirectAction action;
  action.strip_query = true;
  EXPECT_EQ(LocationOf(action, {"http", "a", "/x?q"}), Rewritten("http://a/x"));
}

TEST(RedirectLocation, ADoubleSlashInThePathNamesNoOtherHost) {
  EXPECT_EQ(LocationOf({}, {"http", "a", "//evil.com/"}), Rewritten("http://a//evil.com/"));
}

TEST(RedirectLocation, NeedsAnAuthority) {
  EXPECT_EQ(LocationOf({}, {"http", "", "/"}).status, RewriteStatus::kNoAuthority);
  config::RedirectAction action;
  action.host_redirect = "b";
  EXPECT_EQ(LocationOf(action, {"http", "", "/"}), Rewritten("http://b/"));
}

TEST(PathLocation, IsAbsolute) {
  const RedirectedRequest request{"https", "a:81", "//evil.com?q"};
  std::string bytes(LocationBound(request), '\0');
  ByteSink sink(bytes.data(), bytes.size());
  EXPECT_EQ(PathLocation(request, &sink).text, "https://a:81//evil.com?q");
  ByteSink small(bytes.data(), 10);
  EXPECT_EQ(PathLocation(request, &small).status, RewriteStatus::kNoRoom);
  ByteSink unused(bytes.data(), bytes.size());
  EXPECT_EQ(PathLocation({"https", "", "/"}, &unused).status, RewriteStatus::kNoAuthority);
}

}  // namespace
}  // namespace weir::http
