#include "core/explain/strict_routes.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/unit/core/http/route/route_fixtures.h"

namespace weir::explain {
namespace {

using http::test::BuildTable;
using http::test::Kind;
using http::test::MakeRoute;

std::string RandomPath(std::mt19937* random) {
  static constexpr char kBytes[] = "//aAb";
  std::string path = "/";
  for (size_t size = (*random)() % 5; size > 0; --size) path += kBytes[(*random)() % 5];
  return path;
}

config::Route RandomRoute(std::mt19937* random) {
  static constexpr Kind kKinds[] = {Kind::kPath, Kind::kPrefix, Kind::kPathSeparatedPrefix,
                                    Kind::kSafeRegex, Kind::kConnect};
  const Kind kind = kKinds[(*random)() % 5];
  std::string value = RandomPath(random);
  if (kind == Kind::kPathSeparatedPrefix) value += "a";
  if (kind == Kind::kSafeRegex && (*random)() % 2 == 0) value += ".*";
  config::Route route = MakeRoute(kind, kind == Kind::kConnect ? "" : value, "c");
  route.match.case_sensitive = kind == Kind::kSafeRegex || (*random)() % 2 == 0;
  return route;
}

// Whatever a covered route takes, the route that covers it takes.
TEST(StrictRoutes, ARouteThatIsCoveredIsNeverReached) {
  std::mt19937 random(7);
  size_t covered = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto table = BuildTable({RandomRoute(&random), RandomRoute(&random)});
    const auto routes = table->RoutesOf(0);
    if (!Covers(routes.first[0], routes.first[1])) continue;
    ++covered;
    for (int j = 0; j < 60; ++j) {
      http::RequestView request;
      const std::string path = RandomPath(&random);
      request.authority = "a";
      request.connect = j % 10 == 0;
      request.path = request.connect ? "" : std::string_view(path);
      EXPECT_NE(table->Find(request), &routes.first[1])
          << path << " by " << routes.first[1].config().match.value;
    }
  }
  EXPECT_GT(covered, 200u);
}

bool FirstCovers(config::Route first, config::Route second) {
  const auto table = BuildTable({std::move(first), std::move(second)});
  return Covers(table->RoutesOf(0).first[0], table->RoutesOf(0).first[1]);
}

TEST(StrictRoutes, AShorterPrefixCoversALongerOne) {
  const auto prefix = [](const char* value) { return MakeRoute(Kind::kPrefix, value, "c"); };
  const auto path = [](const char* value) { return MakeRoute(Kind::kPath, value, "c"); };
  const auto part = [](const char* value) {
    return MakeRoute(Kind::kPathSeparatedPrefix, value, "c");
  };
  const auto regex = [](const char* value) { return MakeRoute(Kind::kSafeRegex, value, "c"); };
  EXPECT_TRUE(FirstCovers(prefix("/"), prefix("/api")));
  EXPECT_TRUE(FirstCovers(prefix("/"), regex("/a.*")));
  EXPECT_TRUE(FirstCovers(prefix("/api"), path("/api/a")));
  EXPECT_TRUE(FirstCovers(part("/api"), prefix("/api/")));
  EXPECT_TRUE(FirstCovers(part("/api"), part("/api/v1")));
  EXPECT_TRUE(FirstCovers(prefix("/api"), part("/api")));
  EXPECT_TRUE(FirstCovers(path("/a"), path("/a")));
  EXPECT_TRUE(FirstCovers(regex("/[ab]"), path("/a")));
  EXPECT_TRUE(FirstCovers(regex("/x"), regex("/x")));
  EXPECT_FALSE(FirstCovers(prefix("/api/"), prefix("/api")));
  EXPECT_FALSE(FirstCovers(part("/api"), prefix("/api")));
  EXPECT_FALSE(FirstCovers(path("/a"), prefix("/a")));
  EXPECT_FALSE(FirstCovers(prefix("/"), MakeRoute(Kind::kConnect, "", "c")));
  config::Route any_case = prefix("/api/x");
  any_case.match.case_sensitive = false;
  EXPECT_FALSE(FirstCovers(prefix("/api"), any_case));
  EXPECT_TRUE(FirstCovers(prefix("/"), any_case));
}

}  // namespace
}  // namespace weir::explain
