#include "core/server/top/admin_client.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

TEST(AdminUrl, HasItsPartsTakenApart) {
  std::string error;
  auto url = ParseAdminUrl("http://127.0.0.1:9901", &error);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "127.0.0.1");
  EXPECT_EQ(url->port, "9901");
  EXPECT_EQ(url->authority, "127.0.0.1:9901");
  EXPECT_EQ(url->prefix, "");
  url = ParseAdminUrl("http://[::1]:9901/", &error);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->authority, "[::1]:9901");
  EXPECT_EQ(url->prefix, "");
  url = ParseAdminUrl("http://admin.test/weir/a/", &error);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->port, "80");
  EXPECT_EQ(url->prefix, "/weir/a");
  url = ParseAdminUrl("unix:/run/admin.sock", &error);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->path, "/run/admin.sock");
  EXPECT_EQ(url->host, "");
}

TEST(AdminUrl, WhatCannotBeAskedIsRefused) {
  for (const char* text :
       {"", "127.0.0.1:9901", "https://127.0.0.1:9901", "http://", "http://:9901",
        "http://a:", "http://a:b", "http://a:123456", "unix:", "http://a:1/?x", "http://u@a:1",
        "http://a:1/\r\nx: y", "http://a b:1"}) {
    std::string error;
    EXPECT_FALSE(ParseAdminUrl(text, &error)) << text;
    EXPECT_NE(error, "") << text;
  }
}

TEST(AskAdmin, SaysWhyThereIsNoAnswer) {
  AdminUrl url;
  url.path = "/nonexistent/socket";
  EXPECT_NE(AskAdmin(url, "/", "", std::chrono::seconds(1)).error, "");
  url.path = std::string(500, 'x');
  EXPECT_EQ(AskAdmin(url, "/", "", std::chrono::seconds(1)).error, "the path is too long");
}

}  // namespace
}  // namespace weir::server
