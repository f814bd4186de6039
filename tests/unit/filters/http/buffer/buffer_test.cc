#include "filters/http/buffer/buffer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/kit/fake_config.h"
#include "plugins/kit/fake_filter.h"
#include "plugins/kit/fake_stream.h"

namespace weir::filters {
namespace {

using kit::FakeConfig;
using kit::FakeFilter;
using kit::FakeHttpStream;
using kit::FakeMessage;
using ::testing::HasSubstr;

FakeConfig Load(const std::string& yaml, bool per_route = false) {
  return FakeConfig::Http(kBufferApi, yaml, per_route);
}

class BufferTest : public ::testing::Test {
 protected:
  BufferTest() : config_(Load("max_request_bytes: 100")), filter_(kBufferApi, config_, &stream_) {}
  FakeMessage& request() { return stream_.messages[WEIR_REQUEST]; }

  FakeConfig config_;
  FakeHttpStream stream_;
  FakeFilter filter_;
};

TEST_F(BufferTest, ARequestGoesOnWhenAllOfItIsHereWithItsLength) {
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  EXPECT_EQ(request().buffer_limit, 100u);
  request().body = "12345";
  EXPECT_EQ(filter_.RequestData(), WEIR_STOP);
  request().body = "1234567890";
  EXPECT_EQ(filter_.RequestData(true), WEIR_CONTINUE);
  EXPECT_EQ(request().length, 10u);
  EXPECT_EQ(request().body, "1234567890");
}

TEST_F(BufferTest, AnEmptyEndIsAnEnd) {
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  EXPECT_EQ(filter_.RequestData(true), WEIR_CONTINUE);
  EXPECT_EQ(request().length, 0u);
}

TEST_F(BufferTest, AnAnnouncedLengthStays) {
  request().fields = {{"content-length", "3"}};
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  request().body = "abc";
  EXPECT_EQ(filter_.RequestData(true), WEIR_CONTINUE);
  EXPECT_FALSE(request().length.has_value());
}

TEST_F(BufferTest, ALengthThatIsTooLongIsAnsweredAtOnce) {
  for (const std::string length : {"101", "18446744073709551615"}) {
    FakeHttpStream stream;
    stream.messages[WEIR_REQUEST].fields = {{"content-length", length}};
    EXPECT_EQ(FakeFilter(kBufferApi, config_, &stream).RequestHeaders(), WEIR_STOP_ALL);
    EXPECT_EQ(stream.reply_status, 413u);
    EXPECT_EQ(stream.reply_details, "request_payload_too_large");
  }
  request().fields = {{"content-length", "100"}};
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
}

TEST_F(BufferTest, TheLastPieceCountsToo) {
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  request().body = std::string(100, 'x');
  EXPECT_EQ(filter_.RequestData(), WEIR_STOP);
  request().body += 'x';
  EXPECT_EQ(filter_.RequestData(true), WEIR_STOP_ALL);
  EXPECT_EQ(stream_.reply_status, 413u);
}

TEST_F(BufferTest, TrailersEndTheWait) {
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  request().body = "abc";
  EXPECT_EQ(filter_.RequestData(), WEIR_STOP);
  EXPECT_EQ(filter_.RequestTrailers(), WEIR_CONTINUE);
  EXPECT_FALSE(request().length.has_value()) << "HTTP/1.1 has trailers behind chunks alone";
}

TEST_F(BufferTest, ARequestWithoutBodyIsNotHeldUp) {
  EXPECT_EQ(filter_.RequestHeaders(true), WEIR_CONTINUE);
  EXPECT_EQ(request().buffer_limit, 0u);
}

TEST_F(BufferTest, ATunnelHasNoEndToWaitFor) {
  stream_.start.emplace_back(":protocol", "websocket");
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(filter_.RequestData(), WEIR_CONTINUE);
  FakeHttpStream connect;
  connect.SetStart(":method", "CONNECT");
  EXPECT_EQ(FakeFilter(kBufferApi, config_, &connect).RequestHeaders(), WEIR_CONTINUE);
}

TEST_F(BufferTest, ARouteHasItsOwnLimitOrNone) {
  const FakeConfig more = Load("buffer: {max_request_bytes: 5000}", true);
  const FakeConfig off = Load("disabled: true", true);
  ASSERT_TRUE(more.ok() && off.ok()) << more.errors() << off.errors();
  stream_.route_config = more.get();
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  EXPECT_EQ(request().buffer_limit, 5000u);
  FakeHttpStream other;
  other.route_config = off.get();
  FakeFilter filter(kBufferApi, config_, &other);
  EXPECT_EQ(filter.RequestHeaders(), WEIR_CONTINUE);
  EXPECT_EQ(filter.RequestData(), WEIR_CONTINUE);
}

TEST_F(BufferTest, ARefusalOfTheHostFailsClosed) {
  EXPECT_EQ(filter_.RequestHeaders(), WEIR_STOP);
  stream_.failure = WEIR_REFUSED;
  EXPECT_LT(filter_.RequestData(true), 0);
}

TEST_F(BufferTest, MistakesAreNamedAtTheirPlace) {
  EXPECT_THAT(Load("").errors(), HasSubstr("needs max_request_bytes"));
  EXPECT_THAT(Load("{}").errors(), HasSubstr("max_request_bytes is missing"));
  EXPECT_THAT(Load("max_request_bytes: 0").errors(), HasSubstr("1:20: "));
  EXPECT_THAT(Load("max_request_bytes: 1073741825").errors(), HasSubstr("1073741824"));
  EXPECT_THAT(Load("{max_request_bytes: 1, max_request_time: 5s}").errors(),
              HasSubstr("\"max_request_time\" is no key"));
  EXPECT_THAT(Load("disabled: false", true).errors(), HasSubstr("disabled is true, or not there"));
  EXPECT_THAT(Load("{}", true).errors(), HasSubstr("needs disabled: true or buffer"));
  EXPECT_THAT(Load("{disabled: true, buffer: {max_request_bytes: 1}}", true).errors(),
              HasSubstr("not both"));
  EXPECT_THAT(Load("max_request_bytes: 1", true).errors(), HasSubstr("needs disabled"));
}

}  // namespace
}  // namespace weir::filters
