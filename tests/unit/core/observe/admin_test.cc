#include "core/observe/admin.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::observe {
namespace {

using testing::HasSubstr;
using testing::Not;

class AdminTest : public testing::Test {
 protected:
  AdminTest() {
    view_.state = ServerState::kLive;
    view_.stats = &registry_;
    Set("http.in.downstream_rq_total", 3);
    Set("http.in.downstream_rq_2xx", 0);
    Set("cluster.a+b.upstream_rq_total", 7);
  }
  void Set(const char* name, uint64_t value) {
    registry_.main_block()->Get(registry_.Define(name, StatKind::kCounter))->Set(value);
  }
  AdminReply Get(std::string_view target) { return AnswerAdmin("GET", target, view_); }

  StatRegistry registry_;
  AdminView view_;
};

TEST_F(AdminTest, ReadySaysWhetherNewWorkIsWelcome) {
  EXPECT_EQ(Get("/ready").status, 200U);
  EXPECT_EQ(Get("/ready").body, "LIVE\n");
  view_.state = ServerState::kDraining;
  EXPECT_EQ(Get("/ready").status, 503U);
  EXPECT_EQ(Get("/ready").body, "DRAINING\n");
  view_.state = ServerState::kInitializing;
  EXPECT_EQ(Get("/ready").status, 503U);
  EXPECT_EQ(Get("/ready").body, "INITIALIZING\n");
}

TEST_F(AdminTest, StatsShowsEveryStat) {
  const AdminReply reply = Get("/stats");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, "text/plain; charset=UTF-8");
  EXPECT_EQ(reply.body,
            "cluster.a+b.upstream_rq_total: 7\n"
            "http.in.downstream_rq_2xx: 0\n"
            "http.in.downstream_rq_total: 3\n"
            "server.stats_refused: 0\n");
}

TEST_F(AdminTest, UsedOnlyLeavesZeroesOut) {
  EXPECT_EQ(Get("/stats?usedonly").body,
            "cluster.a+b.upstream_rq_total: 7\nhttp.in.downstream_rq_total: 3\n");
}

TEST_F(AdminTest, FilterMatchesAPartOfTheName) {
  EXPECT_EQ(Get("/stats?filter=^http%5C..*rq&usedonly").body, "http.in.downstream_rq_total: 3\n");
  EXPECT_EQ(Get("/stats?filter=a%5c+b").body, "cluster.a+b.upstream_rq_total: 7\n");
  EXPECT_EQ(Get("/stats?filter=nothing").body, "");
  EXPECT_EQ(Get("/stats?&format=text&&filter=2xx&").body, "http.in.downstream_rq_2xx: 0\n");
}

TEST_F(AdminTest, WrongFilterIsA400WithTheReason) {
  EXPECT_EQ(Get("/stats?filter=(").status, 400U);
  EXPECT_THAT(Get("/stats?filter=(").body, HasSubstr("missing )"));
  EXPECT_EQ(Get("/stats?filter=%4").status, 400U);
  EXPECT_EQ(Get("/stats?filter=%zz").status, 400U);
  EXPECT_EQ(Get("/stats?filter=" + std::string(1'025, 'a')).status, 400U);
  EXPECT_EQ(Get("/stats?filter=" + std::string(1'024, 'a')).status, 200U);
  EXPECT_EQ(Get("/stats?filter=((((a{100}){100}){100}){100})").status, 400U) << "memory is bounded";
}

TEST_F(AdminTest, ParameterThatIsNotKnownIsNamed) {
  const AdminReply reply = Get("/stats?format=json\x1b[2J");
  EXPECT_EQ(reply.status, 400U);
  EXPECT_THAT(reply.body, HasSubstr("format=json?[2J"));
  EXPECT_EQ(Get("/stats?usedonly=1").status, 400U);
}

TEST_F(AdminTest, HelpListsThePages) {
  for (const char* path : {"/", "/help"}) {
    EXPECT_EQ(Get(path).status, 200U);
    EXPECT_THAT(Get(path).body, HasSubstr("/ready"));
    EXPECT_THAT(Get(path).body, HasSubstr("/stats"));
  }
}

TEST_F(AdminTest, UnknownPageIsA404WithThePages) {
  for (const char* path : {"/nope", "/stats/", "/readyx", "", "*"}) {
    EXPECT_EQ(Get(path).status, 404U) << path;
    EXPECT_THAT(Get(path).body, HasSubstr("/stats"));
  }
  EXPECT_EQ(AnswerAdmin("POST", "/nope", view_).status, 404U);
}

TEST_F(AdminTest, OnlyGetAndHeadAreAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    const AdminReply reply = AnswerAdmin(method, "/stats", view_);
    EXPECT_EQ(reply.status, 405U) << method;
    EXPECT_EQ(reply.allow, "GET, HEAD");
    EXPECT_THAT(reply.body, Not(HasSubstr("downstream")));
  }
  EXPECT_EQ(AnswerAdmin("HEAD", "/ready", view_).status, 200U);
  EXPECT_EQ(Get("/ready").allow, "");
}

}  // namespace
}  // namespace weir::observe
