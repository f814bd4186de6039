#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/admin/pages.h"
#include "tests/unit/core/admin/fake_host.h"

namespace weir::admin {
namespace {

using testing::HasSubstr;

net::ConnectionReport Connection(uint64_t id, uint64_t age_ms) {
  net::ConnectionReport report;
  report.id = id;
  report.listener = "main";
  report.peer = "10.0.0.1:1";
  report.local = "10.0.0.2:80";
  report.protocol = "http";
  report.waits_for = "a request";
  report.age_ms = age_ms;
  return report;
}

net::StreamReport Stream(const char* path, uint64_t age_ms) {
  net::StreamReport report;
  report.method = "GET";
  report.authority = "a.test";
  report.path = path;
  report.cluster = "app";
  report.upstream = "10.0.0.3:80";
  report.waits_for = "the backend to answer";
  report.waits_ms = 5;
  report.age_ms = age_ms;
  return report;
}

TEST(ConnectionsPageTest, TheOldestComeFirstAndNoMoreThanTheLimit) {
  FakeHost host;
  host.connections = {Connection(1, 10), Connection(2, 30), Connection(3, 20)};
  EXPECT_EQ(ConnectionsPage("limit=2", &host).body,
            "main 10.0.0.1:1 -> 10.0.0.2:80 http, 30 ms old, 0 streams, waits for a request\n"
            "main 10.0.0.1:1 -> 10.0.0.2:80 http, 20 ms old, 0 streams, waits for a request\n");
  EXPECT_EQ(host.asked_for, 2U);
  EXPECT_FALSE(host.asked_for_busy);
  EXPECT_THAT(ConnectionsPage("limit=1&format=json", &host).body,
              HasSubstr(R"({"connections":[{"id":2,"listener":"main","peer":"10.0.0.1:1",)"));
}

TEST(ConnectionsPageTest, TheLimitIsBounded) {
  FakeHost host;
  for (const char* query : {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "what"}) {
    EXPECT_EQ(ConnectionsPage(query, &host).status, 400U) << query;
    EXPECT_EQ(StreamsPage(query, &host).status, 400U) << query;
  }
  EXPECT_EQ(ConnectionsPage("", &host).status, 200U);
  EXPECT_EQ(host.asked_for, 100U);
}

TEST(ConnectionsPageTest, StreamsSayWhatTheyWaitFor) {
  FakeHost host;
  host.connections = {Connection(1, 10), Connection(2, 5)};
  host.connections[0].streams = {Stream("/young", 7)};
  host.connections[1].streams = {Stream("/old\x1b[2J\"", 9), Stream("/youngest", 1)};
  EXPECT_EQ(StreamsPage("limit=2", &host).body,
            "main 10.0.0.1:1 GET a.test/old?[2J\" -> app 10.0.0.3:80, 9 ms old, waits 5 ms for the "
            "backend to answer\n"
            "main 10.0.0.1:1 GET a.test/young -> app 10.0.0.3:80, 7 ms old, waits 5 ms for the "
            "backend to answer\n");
  EXPECT_TRUE(host.asked_for_busy);
  EXPECT_THAT(StreamsPage("limit=1&format=json", &host).body,
              HasSubstr(R"({"streams":[{"connection":2,"listener":"main","peer":"10.0.0.1:1",)"
                        R"("method":"GET","authority":"a.test","path":"/old\u001b[2J\"",)"));
}

}  // namespace
}  // namespace weir::admin
