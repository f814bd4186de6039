#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/admin/page_table.h"
#include "core/admin/pages.h"
#include "tests/unit/core/admin/fake_host.h"

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

class StatsPageTest : public testing::Test {
 protected:
  StatsPageTest() {
    host_.Set("http.in.downstream_rq_total", 3);
    host_.Set("http.in.downstream_rq_2xx", 0);
    host_.Set("cluster.a+b.upstream_rq_total", 7);
  }
  Reply Get(std::string_view query) { return StatsPage(query, &host_); }

  FakeHost host_;
};

TEST_F(StatsPageTest, ShowsEveryStat) {
  const Reply reply = Get("");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "text/plain; charset=UTF-8");
  EXPECT_EQ(reply.body,
            "cluster.a+b.upstream_rq_total: 7\n"
            "http.in.downstream_rq_2xx: 0\n"
            "http.in.downstream_rq_total: 3\n"
            "server.stats_refused: 0\n");
}

TEST_F(StatsPageTest, ShowsMoreStatsThanOnePartHolds) {
  for (int i = 0; i < 1000; ++i) host_.Set(("x." + std::to_string(i)).c_str(), 1);
  const std::string body = Get("filter=^x\\.").body;
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 1000);
}

TEST_F(StatsPageTest, UsedOnlyLeavesZeroesOut) {
  EXPECT_EQ(Get("usedonly").body,
            "cluster.a+b.upstream_rq_total: 7\nhttp.in.downstream_rq_total: 3\n");
}

TEST_F(StatsPageTest, FilterMatchesAPartOfTheName) {
  EXPECT_EQ(Get("filter=^http%5C..*rq&usedonly").body, "http.in.downstream_rq_total: 3\n");
  EXPECT_EQ(Get("filter=a%5c+b").body, "cluster.a+b.upstream_rq_total: 7\n");
  EXPECT_EQ(Get("filter=nothing").body, "");
  EXPECT_EQ(Get("&format=text&&filter=2xx&").body, "http.in.downstream_rq_2xx: 0\n");
}

TEST_F(StatsPageTest, WrongFilterIsA400WithTheReason) {
  EXPECT_EQ(Get("filter=(").status, 400U);
  EXPECT_THAT(Get("filter=(").body, HasSubstr("missing )"));
  EXPECT_EQ(Get("filter=%4").status, 400U);
  EXPECT_EQ(Get("filter=%zz").status, 400U);
  EXPECT_EQ(Get("filter=" + std::string(1'025, 'a')).status, 400U);
  EXPECT_EQ(Get("filter=" + std::string(1'024, 'a')).status, 200U);
  EXPECT_EQ(Get("filter=((((a{100}){100}){100}){100})").status, 400U) << "memory is bounded";
}

TEST_F(StatsPageTest, ParameterThatIsNotKnownIsNamed) {
  const Reply reply = Get("format=xml\x1b[2J");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_THAT(reply.body, HasSubstr("format=xml?[2J"));
  EXPECT_THAT(Get("what=1").body, HasSubstr("not known: what=1"));
  EXPECT_EQ(Get("usedonly=1").status, 400U);
  EXPECT_EQ(Get("filter=a&filter=b").status, 400U) << "which of them counts?";
}

TEST_F(StatsPageTest, JsonHasNumbersAndHistogramsApart) {
  host_.Set("cluster.c.upstream_rq_active", 2, observe::StatKind::kGauge);
  host_.Record("cluster.c.upstream_rq_time", 1);
  host_.Record("cluster.c.upstream_rq_time", 4);
  const Reply reply = Get("format=json&filter=^cluster%5C.c%5C.");
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_THAT(reply.body, HasSubstr(R"({"stats":[{"name":"cluster.c.upstream_rq_active",)"
                                    R"("type":"gauge","value":2}],"histograms":[{)"
                                    R"("name":"cluster.c.upstream_rq_time","count":2,"sum":5,)"));
  EXPECT_THAT(reply.body,
              HasSubstr(R"({"le":0.5,"count":0},{"le":1,"count":1},{"le":5,"count":2})"));
}

TEST_F(StatsPageTest, TheFormatOfPrometheusIsAPageAndAFormat) {
  const Reply reply = PrometheusPage("usedonly", &host_);
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(reply.body, Get("usedonly&format=prometheus").body);
  EXPECT_EQ(PrometheusPage("format=json", &host_).status, 400U);
}

}  // namespace
}  // namespace weir::admin
