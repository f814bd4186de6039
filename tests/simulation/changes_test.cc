// What streams and connections may count on while endpoints come and go, a configuration takes the
// place of another, and the worker drains; each played by hand.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "codecs/h2/frames/frame.h"
#include "codecs/h2/preface.h"
#include "core/upstream/members.h"
#include "tests/simulation/rules_world.h"

namespace weir::sim {
namespace {

constexpr std::string_view kGet = "GET /r/1 HTTP/1.1\r\nhost: a\r\n\r\n";
constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

class ChangesTest : public RulesTest {
 protected:
  // These ports are what the name of the first cluster stands for.
  void Members(const std::vector<uint16_t>& ports) {
    upstream::MemberList list;
    list.by_endpoint = false;
    for (const uint16_t port : ports)
      list.members.push_back({0, 1, {*net::Address::Parse("127.0.0.1:" + std::to_string(port))}});
    worker_->Publish(0, std::move(list));
    Turn();
    Settle();
  }
  void Adopt(const Setting& setting) {
    worker_->Adopt(setting);
    Turn();
    Settle();
  }
  // The next configuration, with the first cluster made anew.
  Setting Replaced() const {
    Setting next = variation_.First();
    next.number = next.versions[0] = 1;
    return next;
  }
  void Answer(size_t backend) {
    ASSERT_LT(backend, backends_.size());
    Backend(backend)->link->Send(kOk);
    Settle();
  }
  uint64_t NoneHealthy() const { return worker_->Stat("cluster.app0.upstream_cx_none_healthy"); }
};

// ---- Endpoints ----------------------------------------------------------------------------------

TEST_F(ChangesTest, AnIdleConnectionToAnEndpointThatIsGoneEndsAtOnce) {
  Start();
  Client(kGet);
  Settle();
  Answer(0);
  ASSERT_FALSE(Backend(0)->fin);
  Members({9001});
  EXPECT_TRUE(Backend(0)->fin);
  EXPECT_EQ(worker_->upstream_open(), 0u);
  ExpectNothingLeft();
}

TEST_F(ChangesTest, AStreamOnAnEndpointThatIsGoneIsServedAndThenTheConnectionEnds) {
  Start();
  Script* client = Client(kGet);
  Settle();
  Members({9001});
  Script* other = Client(kGet);
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_EQ(Backend(0)->link->port(), 9000);
  EXPECT_EQ(Backend(1)->link->port(), 9001);
  Answer(0);
  EXPECT_TRUE(client->Got("200 OK"));
  EXPECT_TRUE(Backend(0)->fin) << "nobody else may have it";
  Answer(1);
  EXPECT_TRUE(other->Got("200 OK"));
  ExpectNothingLeft();
}

TEST_F(ChangesTest, WhoWaitsForAnEndpointThatIsGoneGoesToAnother) {
  connect_ms_ = 1000;
  Start();
  Script* client = Client(kGet);
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  connect_ms_ = 0;
  Members({9001, 9002});
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_EQ(Backend(1)->link->port(), 9001);
  Answer(1);
  EXPECT_TRUE(client->Got("200 OK"));
  Pass(1100);
  EXPECT_TRUE(Backend(0)->got.empty());
  EXPECT_TRUE(Backend(0)->fin || Backend(0)->broken) << "made for nobody, it goes when it is made";
  ExpectNothingLeft();
}

TEST_F(ChangesTest, WithoutEndpointsRequestsAreRefusedAndCountedUntilTheyAreBack) {
  connect_ms_ = 1000;
  Start();
  Script* waits = Client(kGet);
  Settle();
  connect_ms_ = 0;
  Members({});
  EXPECT_TRUE(waits->Got("503 Service Unavailable")) << "nothing will come to who waits";
  Script* comes = Client(kGet);
  Settle();
  EXPECT_TRUE(comes->Got("503 Service Unavailable"));
  EXPECT_EQ(NoneHealthy(), 2u);
  Pass(1100);
  Members({9000});
  Script* later = Client(kGet);
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  Answer(1);
  EXPECT_TRUE(later->Got("200 OK"));
  EXPECT_EQ(NoneHealthy(), 2u);
  ExpectNothingLeft();
}

// ---- Another configuration ----------------------------------------------------------------------

TEST_F(ChangesTest, AConnectionGoesOnWithTheRoutesItBeganWith) {
  variation_.up = {Speaks::kH1, Speaks::kH1};
  Start();
  Script* old = Client(kGet.substr(0, 10));
  Settle();
  Setting next = variation_.First();
  next.number = 1;
  next.to = {1, 0};
  Adopt(next);
  old->link->Send(kGet.substr(10));
  Settle();
  Script* young = Client(kGet);
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_EQ(Backend(0)->link->port(), FirstPort(0, 0));
  EXPECT_EQ(Backend(1)->link->port(), FirstPort(1, 0));
  Answer(0);
  EXPECT_TRUE(old->Got("200 OK"));
  EXPECT_TRUE(old->Got("connection: close")) << old->got;
  Answer(1);
  EXPECT_TRUE(young->Got("200 OK"));
  EXPECT_FALSE(young->Got("connection: close"));
  ExpectNothingLeft();
}

TEST_F(ChangesTest, AStreamEndsOnTheClusterItBeganOnWhichIsFreedThen) {
  Start();
  Script* old = Client(kGet);
  Settle();
  Adopt(Replaced());
  EXPECT_EQ(worker_->earlier(), 1u);
  Script* young = Client(kGet);
  Settle();
  ASSERT_EQ(backends_.size(), 2u);
  EXPECT_EQ(Backend(1)->link->port(), FirstPort(0, 1));
  Answer(0);
  Turn();
  EXPECT_TRUE(old->Got("200 OK"));
  EXPECT_FALSE(old->Got("connection: close")) << "its listener is as it was";
  EXPECT_TRUE(Backend(0)->fin);
  EXPECT_EQ(worker_->earlier(), 0u);
  Answer(1);
  EXPECT_TRUE(young->Got("200 OK"));
  ExpectNothingLeft();
}

TEST_F(ChangesTest, WhoWaitsForAReplacedClusterIsServedByIt) {
  connect_ms_ = 1000;
  Start();
  Script* client = Client(kGet);
  Settle();
  Adopt(Replaced());
  Pass(1100);
  ASSERT_EQ(backends_.size(), 1u);
  Answer(0);
  EXPECT_TRUE(client->Got("200 OK"));
  EXPECT_TRUE(Backend(0)->fin) << "no connection of it is kept";
  ExpectNothingLeft();
}

TEST_F(ChangesTest, AnUnchangedClusterKeepsItsConnectionsAndItsEndpoints) {
  Start();
  Client(kGet);
  Settle();
  Answer(0);
  Setting next = variation_.First();
  next.number = 1;
  next.filters = 1;  // the listener alone
  Adopt(next);
  EXPECT_FALSE(Backend(0)->fin);
  Members({9001});
  EXPECT_TRUE(Backend(0)->fin) << "who follows it is the same";
  ExpectNothingLeft();
}

TEST_F(ChangesTest, AClusterThatIsNoLongerThereServesConnectionsThatBeganWithIt) {
  variation_.up = {Speaks::kH1, Speaks::kH1};
  Start();
  Script* old = Client("GET /s/1 HT");
  Settle();
  Setting next = variation_.First();
  next.number = 1;
  next.to = {0, 0};
  next.present[1] = false;
  Adopt(next);
  old->link->Send("TP/1.1\r\nhost: a\r\n\r\n");
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  EXPECT_EQ(Backend(0)->link->port(), FirstPort(1, 0));
  Answer(0);
  EXPECT_TRUE(old->Got("200 OK"));
  EXPECT_EQ(worker_->earlier(), 1u) << "its listener, which its client has not left yet";
  old->link->Close();
  Settle();
  Turn();
  Turn();
  EXPECT_EQ(worker_->earlier(), 0u);
  EXPECT_EQ(worker_->upstream_open(), 0u);
  ExpectNothingLeft();
}

// ---- The end of the worker ----------------------------------------------------------------------

TEST_F(ChangesTest, ADrainEndsIdleConnectionsAndAnswersWhatWasAccepted) {
  Start();
  Script* idle = Client(kGet);
  Settle();
  Answer(0);
  Script* busy = Client(kGet);
  Settle();
  worker_->Drain();
  Settle();
  Pass(2100);
  EXPECT_TRUE(idle->fin) << "no request came in the time of drain_timeout";
  EXPECT_FALSE(busy->fin);
  Answer(0);
  EXPECT_TRUE(busy->Got("200 OK"));
  EXPECT_TRUE(busy->Got("connection: close")) << busy->got;
  EXPECT_TRUE(Backend(0)->fin) << "no connection to a backend is kept";
  ExpectNothingLeft();
}

TEST_F(ChangesTest, AConfigurationThatComesBehindADrainChangesNothing) {
  Start();
  Script* client = Client(kGet);
  Settle();
  worker_->Drain();
  Adopt(Replaced());
  EXPECT_EQ(worker_->earlier(), 0u);
  Answer(0);
  EXPECT_TRUE(client->Got("200 OK"));
  ExpectNothingLeft();
}

struct Frame {
  uint8_t type;
  std::string payload;
};

std::vector<Frame> Frames(std::string_view bytes) {
  std::vector<Frame> frames;
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
  while (bytes.size() >= 9) {
    const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    frames.push_back({static_cast<uint8_t>(bytes[3]), std::string(bytes.substr(9, size))});
    bytes.remove_prefix(std::min(bytes.size(), 9 + size));
  }
  return frames;
}

std::vector<uint32_t> LastStreams(const Script& client) {
  std::vector<uint32_t> last;
  for (const Frame& frame : Frames(client.got)) {
    if (frame.type != 7) continue;
    uint32_t id = 0;
    for (size_t i = 0; i < 4; ++i) id = id << 8 | static_cast<uint8_t>(frame.payload.at(i));
    last.push_back(id);
  }
  return last;
}

// RFC 9113 section 6.8: first that the connection will end, then with which stream.
TEST_F(ChangesTest, AnHttp2ConnectionIsToldTwiceThatItEnds) {
  variation_.down = Speaks::kH2;
  Start();
  std::string hello(h2::kPreface);
  hello += std::string("\0\0\0\4\0\0\0\0\0", 9);
  // HEADERS of stream 1, with an end: GET http / and the authority.
  const std::string block(
      "\x82\x86\x84\x41\x01"
      "a",
      6);
  hello += std::string("\0\0\6\1\5\0\0\0\1", 9) + block;
  Script* client = Client(hello);
  Settle();
  ASSERT_EQ(backends_.size(), 1u);
  worker_->Drain();
  Settle();
  EXPECT_EQ(LastStreams(*client), std::vector<uint32_t>{0x7fffffff});
  Pass(5000);
  EXPECT_EQ(LastStreams(*client), (std::vector<uint32_t>{0x7fffffff, 1}));
  Answer(0);
  bool answered = false;
  for (const Frame& frame : Frames(client->got))
    answered = answered || (frame.type == 0 && frame.payload == "ok");
  EXPECT_TRUE(answered) << "what was accepted is served";
  EXPECT_TRUE(client->fin);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace weir::sim
