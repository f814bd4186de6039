#include "filters/network/echo/echo.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_connection.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeConnection;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml) {
  return FakeConfig::Network(kEchoApi, yaml);
}

class EchoTest : public ::testing::Test {
 protected:
  EchoTest() : config_(Load("")) {
    EXPECT_TRUE(config_.ok()) << config_.errors();
    EXPECT_LE(kEchoApi.state_size, sizeof state_);
    EXPECT_EQ(kEchoApi.create(state_, config_.get(), connection_.handle()), WEIR_OK);
  }

  std::int32_t Receive(const std::string& bytes, bool end = false) {
    connection_.received += bytes;
    return kEchoApi.data(state_, connection_.handle(), end ? 1 : 0);
  }
  void Writable() { kEchoApi.writable(state_, connection_.handle()); }

  FakeConfig config_;
  FakeConnection connection_;
  alignas(16) unsigned char state_[1024] = {};
};

TEST_F(EchoTest, WhatComesGoesBack) {
  EXPECT_EQ(Receive("hello "), WEIR_STOP);
  EXPECT_EQ(Receive("world"), WEIR_STOP);
  EXPECT_EQ(connection_.written, "hello world");
  EXPECT_EQ(connection_.received, "");
  EXPECT_FALSE(connection_.ended);
}

TEST_F(EchoTest, TheEndGoesBackAfterTheBytes) {
  EXPECT_EQ(Receive("last", true), WEIR_STOP);
  EXPECT_EQ(connection_.written, "last");
  EXPECT_TRUE(connection_.ended);
}

TEST_F(EchoTest, AnEndAloneGoesBack) {
  EXPECT_EQ(Receive("", true), WEIR_STOP);
  EXPECT_TRUE(connection_.ended);
}

TEST_F(EchoTest, AClientThatDoesNotReadIsNotRead) {
  connection_.limit = 4;
  Receive("12345");
  EXPECT_EQ(Receive("678", true), WEIR_STOP);
  EXPECT_EQ(connection_.written, "12345");
  EXPECT_EQ(connection_.received, "678");  // stays, and so the host stops reading
  EXPECT_FALSE(connection_.ended);
  connection_.written.clear();
  Writable();
  EXPECT_EQ(connection_.written, "678");
  EXPECT_TRUE(connection_.ended);
}

TEST_F(EchoTest, WritableWithNothingToDoDoesNothing) {
  Writable();
  EXPECT_EQ(connection_.written, "");
  EXPECT_FALSE(connection_.ended);
  EXPECT_FALSE(connection_.closed);
}

TEST_F(EchoTest, AFailureFailsClosed) {
  connection_.failure = WEIR_ERROR;
  EXPECT_EQ(Receive("x"), WEIR_ERROR);
  Writable();
  EXPECT_TRUE(connection_.closed);
  EXPECT_FALSE(connection_.flushed);
}

TEST_F(EchoTest, AHugePieceGoesBackWhole) {
  const std::string huge(8 << 20, 'e');
  Receive(huge);
  EXPECT_EQ(connection_.written, huge);
}

TEST(EchoConfigTest, TakesNoConfiguration) {
  EXPECT_TRUE(Load("{}").ok());
  EXPECT_TRUE(Load("~").ok());
  EXPECT_THAT(Load("reverse: true").errors(), HasSubstr("\"reverse\" is no key of the filter"));
  EXPECT_THAT(Load("[]").errors(), HasSubstr("echo must be a mapping"));
  EXPECT_NE(kEchoApi.flags & WEIR_NETWORK_TERMINAL, 0u);
}

}  // namespace
}  // namespace weir::filters
