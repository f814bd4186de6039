// Rules of the whole worker that a seed once found broken, each played by hand.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/preface.h"
#include "tests/simulation/rules_world.h"
#include "tests/support/toy_codec/toy_wire.h"

namespace weir::sim {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

TEST_F(RulesTest, AFieldWithoutAValueReachesTheBackend) {
  Start();
  Script* client = Client("GET / HTTP/1.1\r\nhost: a\r\nx-none: \r\nx-one: 1\r\n\r\n");
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  EXPECT_TRUE(Backend(0)->Got("\r\nx-none:")) << Backend(0)->got;
  EXPECT_TRUE(Backend(0)->Got("\r\nx-one: 1\r\n")) << Backend(0)->got;
  EXPECT_LT(Backend(0)->got.size(), 1000u);
  Backend(0)->link->Send(kOk);
  Settle();
  EXPECT_TRUE(client->Got("200 OK"));
  ExpectNothingLeft();
}

TEST_F(RulesTest, ACutAnswerToHttp10EndsWithAReset) {
  Start();
  Script* client = Client("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
  Settle();
  Backend(0)->link->Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n");
  Settle();
  ASSERT_TRUE(client->Got("hello"));
  Backend(0)->link->Close();
  Settle();
  EXPECT_TRUE(client->broken);
  EXPECT_FALSE(client->fin) << "a FIN would say that this was all";
  ExpectNothingLeft();
}

TEST_F(RulesTest, AWholeAnswerToHttp10EndsWithAFin) {
  Start();
  Script* client = Client("GET / HTTP/1.0\r\nhost: a\r\n\r\n");
  Settle();
  Backend(0)->link->Send(
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  Settle();
  EXPECT_TRUE(client->Got("hello"));
  EXPECT_TRUE(client->fin);
  EXPECT_FALSE(client->broken);
  ExpectNothingLeft();
}

TEST_F(RulesTest, AConnectionThatEndsAsItIsMadeIsAFailedConnect) {
  Start();
  connect_ms_ = 10;
  on_dial_ = [this](Script* backend) {
    if (backends_.size() == 1) backend->link->Fin();
  };
  Script* client = Client(kGet);
  Settle();
  now_ += 10;
  net_.set_now(now_);
  while (net_.Step()) {  // established and ended before the worker looks
  }
  Turn();
  Settle();
  Pass(20);
  ASSERT_EQ(backends_.size(), 2u) << "another connect for the request that waits";
  Backend(1)->link->Send(kOk);
  Settle();
  EXPECT_TRUE(client->Got("200 OK"));
  ExpectNothingLeft();
}

TEST_F(RulesTest, AtTheLimitAHostThatLostItsLastConnectionDials) {
  variation_.backends = 3;
  variation_.max_connections = 2;
  Start();
  // One at each host: none is left without a connection, so there is one more than the limit.
  for (int i = 0; i < 3; ++i) {
    Client(kGet);
    Settle();
  }
  ASSERT_EQ(backends_.size(), 3u);
  Script* waits = Client(kGet);  // at the first host
  Settle();
  ASSERT_EQ(backends_.size(), 3u);
  Backend(0)->link->Send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
  Settle();
  EXPECT_TRUE(clients_[0]->Got("200 OK"));
  ASSERT_EQ(backends_.size(), 4u);
  for (size_t i = 1; i < 4; ++i) Backend(i)->link->Send(kOk);
  Settle();
  EXPECT_TRUE(waits->Got("200 OK"));
  ExpectNothingLeft();
}

std::string Hello(uint32_t credit) {
  uint8_t bytes[20];
  toy::Writer writer(bytes);
  writer.Head(toy::kHello, 0, 12, 0);
  writer.Bytes("TOY1", 4);
  writer.Number(credit, 4);
  writer.Number(100, 4);
  return std::string(reinterpret_cast<const char*>(bytes), sizeof(bytes));
}

TEST_F(RulesTest, AReplayedBodyIsCreditedToItsEnd) {
  variation_.up[0] = Speaks::kToy;
  variation_.buffer_down = 16384;
  Start();
  const std::string body(60'000, 'b');
  on_dial_ = [this](Script* backend) {
    backend->link->Send(Hello(backends_.size() == 1 ? 1000 : 1'000'000));
  };
  Client("PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 60000\r\n\r\n" + body);
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  ASSERT_LT(Backend(0)->got.size(), 3000u)
      << "most of what was read waits for the backend's credit";
  Backend(0)->link->Abort();
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_GE(Backend(1)->got.size(), body.size());
  clients_[0]->link->Abort();
  Settle();
  ExpectNothingLeft();
}

TEST_F(RulesTest, ADrainInTheTurnInWhichAConnectionEndsIsHarmless) {
  Start();
  Script* client = Client(kGet);
  Settle();
  client->link->Abort();
  while (net_.Step()) {
  }
  net_.DeliverEdges([this] { worker_->reactor()->CountDispatch(); });
  worker_->Drain();
  Settle();
  ExpectNothingLeft();
}

TEST_F(RulesTest, APoolThatDrainsStillServes) {
  Start();
  connect_ms_ = 50;
  Script* client = Client(kGet);
  Settle();
  worker_->Drain();
  Pass(60);
  ASSERT_TRUE(Backend(0)->Got("GET /"));
  Backend(0)->link->Send(kOk);
  Settle();
  EXPECT_TRUE(client->Got("200 OK"));
  EXPECT_TRUE(client->Got("connection: close"));
  ExpectNothingLeft();
}

TEST_F(RulesTest, AMultiplexedBackendMaySpeakFirstInPieces) {
  variation_.up[0] = Speaks::kToy;
  Start();
  on_dial_ = [](Script* backend) { backend->link->Send(Hello(1000).substr(0, 7)); };
  Client(kGet);
  // The first bytes come with the connection itself.
  worker_->reactor()->RunTurn();
  while (net_.Step()) {
  }
  Turn();
  while (net_.Step()) {
  }
  Turn();
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  Backend(0)->link->Send(Hello(1000).substr(7));
  Settle();
  // Its HELLO, and the head of the request.
  EXPECT_TRUE(Backend(0)->Got("GET")) << "the request went to it";
  clients_[0]->link->Abort();
  Settle();
  ExpectNothingLeft();
}

TEST_F(RulesTest, AResetBehindAFinCancelsTheRequest) {
  Start();
  Script* client = Client(kGet);
  client->link->Fin();
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  EXPECT_FALSE(Backend(0)->fin) << "a FIN alone is a half-close";
  client->link->Abort();
  Settle();
  EXPECT_TRUE(Backend(0)->fin || Backend(0)->broken);
  ExpectNothingLeft();
}

// ---- HTTP/2

std::string Frame(h2::FrameType type, uint8_t flags, uint32_t stream, std::string_view payload) {
  uint8_t header[h2::kFrameHeaderSize];
  h2::WriteFrameHeader(header, static_cast<uint32_t>(payload.size()), type, flags, stream);
  return std::string(reinterpret_cast<const char*>(header), sizeof header) + std::string(payload);
}

// How many frames of a type are whole in what a client sent.
int CountFrames(std::string_view got, h2::FrameType type) {
  int count = 0;
  got.remove_prefix(std::min(got.size(), h2::kPrefaceSize));
  while (got.size() >= h2::kFrameHeaderSize) {
    const auto header = h2::ReadFrameHeader(reinterpret_cast<const uint8_t*>(got.data()));
    if (got.size() < h2::kFrameHeaderSize + header.length) break;
    count += header.type == type ? 1 : 0;
    got.remove_prefix(h2::kFrameHeaderSize + header.length);
  }
  return count;
}

// S-44, and replay (a): a request goes elsewhere when nothing of it was written, and then nothing
// of it is.
TEST_F(RulesTest, ARequestThatIsReplayedDoesNotGoOutOnTheFaultyConnectionToo) {
  variation_.up[0] = Speaks::kH2;
  Start();
  on_dial_ = [](Script* backend) {
    backend->link->Send(Frame(h2::FrameType::kSettings, 0, 0, {}));
  };
  constexpr std::string_view kPost = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
  for (size_t round = 0; round < 16; ++round) {
    // One request is under way. In one turn another is put behind it and the backend breaks the
    // protocol; which of the two is seen first is chance.
    Client(kGet);
    Settle();
    const size_t broken = backends_.size() - 1;
    ASSERT_EQ(CountFrames(Backend(broken)->got, h2::FrameType::kHeaders), 1);
    Backend(broken)->link->Send(Frame(h2::FrameType::kPing, 0, 0, "short"));
    Client(kPost);
    while (net_.Step()) {
    }
    Turn();
    Settle();
    int seen = 0;
    for (size_t i = broken; i < backends_.size(); ++i)
      seen += CountFrames(Backend(i)->got, h2::FrameType::kHeaders);
    EXPECT_EQ(seen, 2) << "each once";
    for (auto& client : clients_) client->link->Abort();
    Settle();
    for (auto& backend : backends_) backend->link->Close();
    Settle();
  }
  ExpectNothingLeft();
}

// Replay (b): what stands above the last stream of a GOAWAY goes elsewhere at once, whatever its
// method, and what stands below is answered where it is.
TEST_F(RulesTest, ARequestAboveGoawayIsSentOnceMoreAtOnce) {
  variation_.up[0] = Speaks::kH2;
  Start();
  on_dial_ = [](Script* backend) {
    backend->link->Send(Frame(h2::FrameType::kSettings, 0, 0, {}));
  };
  constexpr std::string_view kPost = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n";
  Script* below = Client(kPost);
  Settle();
  Script* above = Client(kPost);
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  ASSERT_EQ(CountFrames(Backend(0)->got, h2::FrameType::kHeaders), 2);
  Backend(0)->link->Send(
      Frame(h2::FrameType::kGoaway, 0, 0, std::string_view("\0\0\0\1\0\0\0\0", 8)));
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_EQ(CountFrames(Backend(0)->got, h2::FrameType::kHeaders), 2);
  EXPECT_EQ(CountFrames(Backend(1)->got, h2::FrameType::kHeaders), 1);
  // :status 204, by its index.
  const std::string answer =
      Frame(h2::FrameType::kHeaders, h2::kFlagEndHeaders | h2::kFlagEndStream, 1, "\x89");
  for (size_t i = 0; i < 2; ++i) Backend(i)->link->Send(answer);
  Settle();
  EXPECT_TRUE(below->Got(" 204 ")) << below->got;
  EXPECT_TRUE(above->Got(" 204 ")) << above->got;
  ExpectNothingLeft();
}

}  // namespace
}  // namespace weir::sim
