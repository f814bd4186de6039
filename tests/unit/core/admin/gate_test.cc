#include "core/admin/gate.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kToken = "0123456789abcdef";

class GateTest : public testing::Test {
 protected:
  GateTest() { admin_.address = *config::ParseIp("127.0.0.1", 9901); }

  // The status of the refusal; 200: none.
  uint32_t Ask(const Request& request) {
    reply_ = Reply();
    const Page* page = Gate(admin_).Check(request, &reply_);
    return page != nullptr ? 200 : reply_.status;
  }
  static Request Get(std::string target, std::string authority = "localhost:9901") {
    Request request;
    request.method = "GET";
    request.target = std::move(target);
    request.authority = std::move(authority);
    return request;
  }

  config::Admin admin_;
  Reply reply_;
};

TEST_F(GateTest, UnknownPageIsA404WithThePages) {
  for (const char* path : {"/nope", "/stats/", "/readyx", "", "*"}) {
    EXPECT_EQ(Ask(Get(path)), 404U) << path;
    EXPECT_THAT(reply_.body, HasSubstr("/stats"));
  }
  Request request = Get("/nope");
  request.method = "POST";
  EXPECT_EQ(Ask(request), 404U);
}

TEST_F(GateTest, PagesThatShowTakeGetAndHeadOnly) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", ""}) {
    Request request = Get("/stats");
    request.method = method;
    EXPECT_EQ(Ask(request), 405U) << method;
    EXPECT_EQ(reply_.allow, "GET, HEAD");
  }
  Request request = Get("/ready");
  request.method = "HEAD";
  EXPECT_EQ(Ask(request), 200U);
}

TEST_F(GateTest, ANameThatSomebodyMadeResolveToThisMachineIsRefused) {
  for (const char* authority : {"localhost", "localhost:9901", "LOCALHOST:1", "a.localhost:9901",
                                "127.0.0.1:9901", "127.0.0.1", "[::1]:9901", "[::1]", "10.0.0.1"})
    EXPECT_EQ(Ask(Get("/stats", authority)), 200U) << authority;
  for (const char* authority : {"evil.test:9901", "evil.test", "", "localhost.evil.test",
                                "127.0.0.1.evil.test", "xlocalhost", "[evil]"})
    EXPECT_EQ(Ask(Get("/stats", authority)), 403U) << authority;
  EXPECT_EQ(Ask(Get("/nope", "evil.test")), 403U) << "not even which pages there are";
  admin_.address = *config::ParseIp("::1", 9901);
  EXPECT_EQ(Ask(Get("/stats", "evil.test")), 403U);
}

TEST_F(GateTest, WhereOthersAskNamesAreTheirs) {
  admin_.address = *config::ParseIp("0.0.0.0", 9901);
  EXPECT_EQ(Ask(Get("/stats", "weir.shop.svc:9901")), 200U);
}

TEST_F(GateTest, WithATokenOnlyWhoShowsItSeesMoreThanProbesDo) {
  admin_.token = kToken;
  EXPECT_EQ(Ask(Get("/ready")), 200U);
  EXPECT_EQ(Ask(Get("/healthz")), 200U);
  EXPECT_EQ(Ask(Get("/stats")), 401U);
  EXPECT_THAT(std::string(reply_.challenge), HasSubstr("Bearer"));
  Request request = Get("/stats");
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdeg",
        "Bearer 0123456789abcdef0", "Basic 0123456789abcdef", "0123456789abcdef",
        "Bearer 0123456789abcdef "}) {
    request.authorization = wrong;
    EXPECT_EQ(Ask(request), 401U) << wrong;
    EXPECT_THAT(reply_.body, Not(HasSubstr(kToken)));
  }
  for (const char* right : {"Bearer 0123456789abcdef", "bearer  0123456789abcdef"}) {
    request.authorization = right;
    EXPECT_EQ(Ask(request), 200U) << right;
  }
}

TEST_F(GateTest, OrdersAreTakenWhereTheyAreAllowed) {
  for (const char* path : {"/drain", "/logging", "/healthcheck/fail", "/healthcheck/ok"}) {
    Request request = Get(path);
    admin_.allow_mutations = true;
    EXPECT_EQ(Ask(request), 405U) << "an order is no GET: a link could give it";
    EXPECT_EQ(reply_.allow, "POST");
    request.method = "POST";
    EXPECT_EQ(Ask(request), 200U) << path;
    admin_.allow_mutations = false;
    EXPECT_EQ(Ask(request), 403U) << path;
    EXPECT_THAT(reply_.body, HasSubstr("allow_mutations"));
  }
}

TEST_F(GateTest, AnotherSitesPageGivesNoOrders) {
  admin_.allow_mutations = true;
  Request request = Get("/drain");
  request.method = "POST";
  for (const char* origin : {"http://evil.test", "null", "http://localhost:9902",
                             "http://localhost", "http://localhost:9901.evil.test"}) {
    request.origin = origin;
    EXPECT_EQ(Ask(request), 403U) << origin;
  }
  for (const char* origin : {"http://localhost:9901", "https://LOCALHOST:9901", ""}) {
    request.origin = origin;
    EXPECT_EQ(Ask(request), 200U) << origin;
  }
  for (const char* site : {"cross-site", "same-site", "nonsense"}) {
    request.fetch_site = site;
    EXPECT_EQ(Ask(request), 403U) << site;
  }
  for (const char* site : {"same-origin", "none"}) {
    request.fetch_site = site;
    EXPECT_EQ(Ask(request), 200U) << site;
  }
}

TEST_F(GateTest, OrdersNeedTheTokenWhereThereIsOne) {
  admin_.allow_mutations = true;
  admin_.token = kToken;
  Request request = Get("/healthcheck/ok");
  request.method = "POST";
  EXPECT_EQ(Ask(request), 401U);
  request.authorization = std::string("Bearer ") + kToken;
  EXPECT_EQ(Ask(request), 200U);
}

}  // namespace
}  // namespace weir::admin
