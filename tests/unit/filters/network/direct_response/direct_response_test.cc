#include "filters/network/direct_response/direct_response.h"

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

constexpr const weir_network_filter_api& kApi = kNetworkDirectResponseApi;

FakeConfig Load(const std::string& yaml) {
  return FakeConfig::Network(kApi, yaml);
}

// The filter's state on one connection.
class Filter {
 public:
  Filter(const FakeConfig& config, FakeConnection* connection) : connection_(connection) {
    EXPECT_TRUE(config.ok()) << config.errors();
    EXPECT_LE(kApi.state_size, sizeof state_);
    EXPECT_EQ(kApi.create(state_, config.get(), connection->handle()), WEIR_OK);
  }
  std::int32_t NewConnection() { return kApi.new_connection(state_, connection_->handle()); }
  std::int32_t Data(bool end) { return kApi.data(state_, connection_->handle(), end ? 1 : 0); }

 private:
  alignas(16) unsigned char state_[1024] = {};
  FakeConnection* connection_;
};

TEST(NetworkDirectResponseTest, WritesAndClosesAfterTheOutput) {
  for (const std::string yaml : {"response: {inline_string: hello}", "response: hello"}) {
    const FakeConfig config = Load(yaml);
    FakeConnection connection;
    Filter filter(config, &connection);
    EXPECT_EQ(filter.NewConnection(), WEIR_STOP);
    EXPECT_EQ(connection.written, "hello");
    EXPECT_TRUE(connection.closed);
    EXPECT_TRUE(connection.flushed);
  }
}

TEST(NetworkDirectResponseTest, WithoutAResponseTheConnectionIsClosed) {
  for (const std::string yaml : {"", "{}", "response: ''"}) {
    const FakeConfig config = Load(yaml);
    FakeConnection connection;
    Filter filter(config, &connection);
    EXPECT_EQ(filter.NewConnection(), WEIR_STOP);
    EXPECT_EQ(connection.written, "");
    EXPECT_TRUE(connection.closed);
  }
}

TEST(NetworkDirectResponseTest, WhatTheClientSaysIsDropped) {
  const FakeConfig config = Load("response: hello");
  FakeConnection connection;
  Filter filter(config, &connection);
  filter.NewConnection();
  connection.received = "GET / HTTP/1.1\r\n\r\n";
  EXPECT_EQ(filter.Data(false), WEIR_STOP);
  EXPECT_EQ(connection.received, "");
  EXPECT_EQ(filter.Data(true), WEIR_STOP);
  EXPECT_EQ(connection.written, "hello");
}

TEST(NetworkDirectResponseTest, AFailedWriteFailsClosed) {
  const FakeConfig config = Load("response: hello");
  FakeConnection connection;
  connection.failure = WEIR_ERROR;
  Filter filter(config, &connection);
  EXPECT_EQ(filter.NewConnection(), WEIR_ERROR);
}

TEST(NetworkDirectResponseTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("response: {filename: /x}").errors(),
              HasSubstr("1:22: the filter: filename is not available"));
  EXPECT_THAT(Load("response: {}").errors(), HasSubstr("response needs inline_string"));
  EXPECT_THAT(Load("response: []").errors(), HasSubstr("response is an empty list; expected text"));
  EXPECT_THAT(Load("reponse: x").errors(), HasSubstr("\"reponse\" is no key of the filter"));
  EXPECT_THAT(Load("x").errors(), HasSubstr("direct_response must be a mapping"));
  EXPECT_THAT(Load("response: " + std::string((1 << 20) + 1, 'x')).errors(),
              HasSubstr("more than 1048576 bytes"));
}

TEST(NetworkDirectResponseTest, IsTerminal) {
  EXPECT_NE(kApi.flags & WEIR_NETWORK_TERMINAL, 0u);
}

}  // namespace
}  // namespace weir::filters
