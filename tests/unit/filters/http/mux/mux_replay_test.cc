// When a request is sent a second time, and when not.

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "filters/http/mux/mux_stream.h"
#include "tests/support/toy_codec/toy_codec.h"
#include "tests/unit/filters/http/mux/mux_world.h"

namespace weir::mux {
namespace {

using observe::ResponseFlag;

class ReplayTest : public MuxTest {
 protected:
  // Leaves an idle connection, number 0.
  void Warm() {
    Get();
    Send(0, kOk);
    at(0).Written();
    ASSERT_EQ(dialled(), 1u);
  }
};

TEST_F(ReplayTest, AGetThatMeetsAStaleConnectionIsSentAgainOnAFreshOne) {
  Warm();
  FakeStream& stream = Get();
  EXPECT_EQ(at(0).Written(), "GET / HTTP/1.1\r\nhost: example.com\r\n\r\n");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(stream.log, "");
  ASSERT_EQ(dialled(), 2u);
  EXPECT_EQ(at(1).Written(), "GET / HTTP/1.1\r\nhost: example.com\r\n\r\n");
  Send(1, kOk);
  EXPECT_EQ(stream.log, "200 end");
  EXPECT_EQ(stream.info().attempts, 2u);
  EXPECT_EQ(Stat("upstream_rq_retry"), 1u);
  EXPECT_EQ(Stat("upstream_rq_retry_success"), 1u);
  EXPECT_EQ(Stat("upstream_rq_total"), 2u) << "one request, however often it is sent";
}

TEST_F(ReplayTest, AResetIsLikeAFin) {
  Warm();
  FakeStream& stream = Get();
  at(0).Break();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  Send(1, kOk);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(ReplayTest, OnlyOnce) {
  Warm();
  FakeStream& stream = Get();
  at(0).Fin();
  worker_.Turn();
  at(1).Fin();
  worker_.Turn();
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure.status, 503u);
  EXPECT_TRUE(stream.failure.flags.Has(ResponseFlag::kUpstreamConnectionTermination));
}

TEST_F(ReplayTest, TheFreshConnectionIsNotAnotherIdleOne) {
  Get();
  Get();
  Send(0, kOk);
  Send(1, kOk);
  FakeStream& stream = Get();
  Dialled& used = at(1).Written().size() > at(0).peer.written.size() ? at(1) : at(0);
  used.Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 3u);
  Send(2, kOk);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(ReplayTest, AtMaxConnectionsItStillGetsAFreshOne) {
  cluster_.circuit_breakers.max_connections = 2;
  Get();
  Get();
  Send(0, kOk);
  Send(1, kOk);
  Get();
  at(1).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 3u);
  Send(2, kOk);
  EXPECT_EQ(streams_[2]->log, "200 end");
}

TEST_F(ReplayTest, APostThatWasWrittenIsNot) {
  Warm();
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(stream.failure.status, 503u);
  EXPECT_EQ(Stat("upstream_rq_retry"), 0u);
}

TEST_F(ReplayTest, APostOfWhichNoByteWasWrittenIs) {
  Warm();
  at(0).peer.write_room = 0;
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  at(0).Break();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  EXPECT_EQ(at(1).Written(),
            "POST / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 3\r\n\r\nabc");
  Send(1, kOk);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(ReplayTest, OneWrittenByteIsEnoughToKeepAPostFromIt) {
  Warm();
  at(0).peer.write_room = 1;
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  at(0).Break();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(stream.log, "failed");
}

TEST_F(ReplayTest, AnIdempotentBodyIsSentAgainWhole) {
  Warm();
  FakeStream& stream = Begin("PUT", false, WEIR_HEAD_HAS_LENGTH, 65'536);
  const std::string half(32'768, 'x');
  stream.Body(half, false);
  worker_.Turn();
  stream.Body(half, false);
  worker_.Turn();
  EXPECT_EQ(stream.taken, 65'536u);
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  const std::string again = at(1).Written();
  EXPECT_EQ(again.size() - again.find("\r\n\r\n") - 4, 65'536u);
  EXPECT_EQ(stream.taken, 65'536u) << "bytes are credited once, however often they are sent";
  stream.Body({}, true);
  Send(1, kOk);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(ReplayTest, TheRestOfABodyFollowsWhatWasSentAgain) {
  Warm();
  FakeStream& stream = Begin("PUT", false, WEIR_HEAD_HAS_LENGTH, 6);
  stream.Body("abc", false);
  worker_.Turn();
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  stream.Body("def", true);
  worker_.Turn();
  EXPECT_EQ(at(1).Written(),
            "PUT / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 6\r\n\r\nabcdef");
  EXPECT_EQ(stream.taken, 6u);
}

TEST_F(ReplayTest, ABodyThatComesDuringTheNewConnectIsNotLost) {
  Warm();
  worker_.dialer.at_once = false;
  FakeStream& stream = Begin("PUT", false, WEIR_HEAD_HAS_LENGTH, 6);
  stream.Body("abc", false);
  worker_.Turn();
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  stream.Body("def", true);
  at(1).Establish();
  worker_.Turn();
  EXPECT_EQ(at(1).Written(),
            "PUT / HTTP/1.1\r\nhost: example.com\r\ncontent-length: 6\r\n\r\nabcdef");
  EXPECT_EQ(stream.taken, 6u);
}

TEST_F(ReplayTest, BytesThatTheFirstConnectionDidNotTakeAreCreditedByTheSecond) {
  Warm();
  FakeStream& stream = Begin("PUT", false, WEIR_HEAD_HAS_LENGTH, 6);
  stream.Body("abc", false);
  worker_.Turn();
  EXPECT_EQ(stream.taken, 3u);
  // Given to the connection, which breaks before the turn's flush.
  stream.Body("def", true);
  at(0).Break();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  const std::string again = at(1).Written();
  EXPECT_EQ(again.substr(again.size() - 6), "abcdef");
  EXPECT_EQ(stream.taken, 6u);
}

TEST_F(ReplayTest, MoreThan64KiBAreNotKept) {
  Warm();
  FakeStream& stream = Begin("PUT", false, WEIR_HEAD_HAS_LENGTH, 100'000);
  stream.Body(std::string(65'536, 'x'), false);
  worker_.Turn();
  stream.Body("y", false);
  worker_.Turn();
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(stream.log, "failed");
}

TEST_F(ReplayTest, NotAfterAByteOfAnAnswer) {
  Warm();
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 100 Continue\r\n\r\n");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
  EXPECT_EQ(stream.log, "100 failed");
}

TEST_F(ReplayTest, NotAfterAPartOfAHead) {
  Warm();
  FakeStream& stream = Get();
  Send(0, "HTTP/1.1 200 O");
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u) << "a byte of an answer came";
  EXPECT_EQ(stream.log, "failed");
}

TEST_F(ReplayTest, ATrailerSectionIsSentAgain) {
  Warm();
  FakeStream& stream = Begin("PUT", false);
  stream.Body("abc", false);
  weir_field field{};
  field.name = "x-sum";
  field.name_size = 5;
  field.value = "7";
  field.value_size = 1;
  weir_head trailers{};
  trailers.struct_size = sizeof trailers;
  trailers.kind = WEIR_HEAD_TRAILERS;
  trailers.fields = &field;
  trailers.field_count = 1;
  stream.Trailers(trailers);
  worker_.Turn();
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  const std::string again = at(1).Written();
  EXPECT_NE(again.find("3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"), std::string::npos) << again;
}

TEST_F(ReplayTest, ACancelledReplayLeavesTheQueue) {
  Warm();
  worker_.dialer.at_once = false;
  FakeStream& stream = Get();
  at(0).Fin();
  worker_.Turn();
  EXPECT_EQ(pool().pending(), 1u);
  stream.Cancel();
  EXPECT_EQ(pool().pending(), 0u);
}

TEST_F(ReplayTest, PrefersAnotherHost) {
  cluster_ = test::TestCluster(2);
  FakeStream& stream = Get();
  at(0).Fin();
  worker_.Turn();
  ASSERT_EQ(dialled(), 2u);
  EXPECT_NE(at(0).address, at(1).address);
  Send(1, kOk);
  EXPECT_EQ(stream.log, "200 end");
}

TEST_F(ReplayTest, ATunnelsBytesAreNot) {
  Warm();
  FakeStream& stream = Begin("GET", false, WEIR_HEAD_TUNNEL, 0, "echo");
  Send(0, "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  stream.Body("abc", false);
  worker_.Turn();
  at(0).Fin();
  at(0).Break();
  worker_.Turn();
  EXPECT_EQ(dialled(), 1u);
}

// A frame of the toy protocol.
std::string Frame(uint8_t type, uint8_t stream, const std::string& payload) {
  std::string frame;
  frame += static_cast<char>(type);
  frame += '\0';
  frame += static_cast<char>(payload.size() >> 8);
  frame += static_cast<char>(payload.size());
  frame += std::string(3, '\0');
  frame += static_cast<char>(stream);
  return frame + payload;
}

TEST_F(ReplayTest, APostThatThePeerRefusedIsSentAgain) {
  codec_.codecs.choices[0].api = &toy::kToyCodecApi;
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  const std::string hello("TOY1\0\1\0\0\0\0\0\144", 12);
  Send(0, Frame(1, 0, hello));
  at(0).Written();
  Send(0, Frame(4, 1, std::string("\0\3", 2)));  // RESET, refused
  EXPECT_EQ(stream.log, "");
  EXPECT_EQ(Stat("upstream_rq_retry"), 1u);
  ASSERT_EQ(dialled(), 2u);
  EXPECT_NE(at(1).Written().find("abc"), std::string::npos);
}

TEST_F(ReplayTest, APostThatThePeerResetForAnotherReasonIsNot) {
  codec_.codecs.choices[0].api = &toy::kToyCodecApi;
  FakeStream& stream = Post(3);
  stream.Body("abc", true);
  worker_.Turn();
  const std::string hello("TOY1\0\1\0\0\0\0\0\144", 12);
  Send(0, Frame(1, 0, hello));
  Send(0, Frame(4, 1, std::string("\0\12", 2)));  // RESET, internal
  EXPECT_EQ(stream.log, "failed");
  EXPECT_EQ(dialled(), 1u);
}

TEST_F(ReplayTest, StreamsAboveTheLastOneOfAGoawayAreSentAgainExactlyOnce) {
  codec_.codecs.choices[0].api = &toy::kToyCodecApi;
  for (int i = 0; i < 3; ++i) Post(3).Body("abc", true);
  worker_.Turn();
  ASSERT_EQ(dialled(), 1u);
  const std::string hello("TOY1\0\1\0\0\0\0\0\144", 12);
  Send(0, Frame(1, 0, hello));
  Send(0, Frame(6, 0, std::string("\0\0\0\1", 4)));  // GOAWAY: the first is served
  EXPECT_EQ(Stat("upstream_rq_retry"), 2u);
  ASSERT_EQ(dialled(), 2u) << "one fresh connection for both";
  EXPECT_EQ(streams_[0]->log, "");
  Send(1, Frame(1, 0, hello));
  EXPECT_NE(at(1).Written().find("abc"), std::string::npos);
  Send(1, Frame(6, 0, std::string("\0\0\0\0", 4)));  // GOAWAY: none is
  EXPECT_EQ(Stat("upstream_rq_retry"), 2u);
  EXPECT_EQ(dialled(), 2u);
  EXPECT_EQ(streams_[0]->log, "");
  EXPECT_EQ(streams_[1]->log, "failed");
  EXPECT_EQ(streams_[2]->log, "failed");
  EXPECT_FALSE(at(0).peer.closed) << "the first one is still under way";
}

}  // namespace
}  // namespace weir::mux
