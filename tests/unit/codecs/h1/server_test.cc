#include <gtest/gtest.h>

#include "tests/unit/codecs/h1/codec_harness.h"

namespace weir::h1 {
namespace {

TEST(ServerTest, AGetIsAnsweredAndTheConnectionLives) {
  CodecHarness codec;
  codec.Feed("GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: t\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(codec.EventText(), "HEAD GET [] a.example /x?y=1 user-agent=t accept=*/*\nEND\n");
  TestHead response = Response(200);
  response.fields = {{"content-type", "text/plain"}};
  response.flags = WEIR_HEAD_HAS_LENGTH;
  response.length = 5;
  EXPECT_EQ(codec.Send(response, false), WEIR_OK);
  codec.Body("hello", true);
  EXPECT_EQ(codec.Produce(), 0u);
  EXPECT_EQ(codec.TakeOutput(),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello");
  EXPECT_TRUE(codec.Reusable());
  EXPECT_EQ(codec.Capacity(), 1u);
}

}  // namespace
}  // namespace weir::h1
