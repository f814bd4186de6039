// Streams with HTTP/2 on one side or on both.

#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/unit/codecs/h2/h2_wire.h"
#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

using h2::FrameType;

struct Got {
  FrameType type;
  uint8_t flags;
  uint32_t stream;
  std::string payload;
};

std::vector<Got> Frames(std::string bytes) {
  std::vector<Got> frames;
  const std::string preface = h2::wire::Preface();
  if (bytes.compare(0, preface.size(), preface) == 0) bytes.erase(0, preface.size());
  const auto number = [&](size_t at, size_t count) {
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
    return value;
  };
  for (size_t at = 0; at + 9 <= bytes.size();) {
    const uint32_t size = number(at, 3);
    frames.push_back({static_cast<FrameType>(number(at + 3, 1)),
                      static_cast<uint8_t>(number(at + 4, 1)), number(at + 5, 4),
                      bytes.substr(at + 9, size)});
    at += 9 + size;
  }
  return frames;
}

// How often a frame of the kind stands there; its stream's or any.
size_t CountOf(const std::vector<Got>& frames, FrameType type) {
  size_t count = 0;
  for (const Got& frame : frames) count += frame.type == type ? 1u : 0u;
  return count;
}

bool EndsWithItsHead(const std::vector<Got>& frames) {
  for (const Got& frame : frames) {
    if (frame.type == FrameType::kHeaders) return (frame.flags & h2::kFlagEndStream) != 0;
  }
  return false;
}

// A request for "/" of the authority "a".
std::string Request(uint32_t stream, const std::string& method = "GET",
                    const std::string& scheme = "http") {
  const std::string block = std::string("\x02") + static_cast<char>(method.size()) + method +
                            std::string("\x06") + static_cast<char>(scheme.size()) + scheme +
                            "\x84\x01\x01"
                            "a";
  return h2::wire::Headers(stream, block, true);
}

std::string Start() {
  return h2::wire::Preface() + h2::wire::Settings();
}

constexpr char kStatus200[] = "\x88";
constexpr char kStatus204[] = "\x89";
constexpr char kStatus304[] = "\x8b";

struct World : HcmWorld {
  explicit World(const std::string& keys = "", const std::string& log = "")
      : HcmWorld(keys, "", "", log, {}, test::H2Upstream()) {}
};

// RFC 9113 section 8.1.1: with an answer on its way the fault is a reset of the stream, with its
// code.
TEST(BadTrailers, BehindTheHeadOfTheAnswerResetTheStreamForTheProtocol) {
  World world;
  Client& client = world.Connect();
  world.Send(client, Start() + h2::wire::Headers(1,
                                                 "\x83\x86\x84\x01\x01"
                                                 "a",
                                                 false));
  world.Answer(0, h2::wire::Settings());
  world.Answer(0, h2::wire::Headers(1, kStatus200, false));
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kHeaders), 1u);
  world.Send(client, h2::wire::Headers(1, std::string("\0\3x-a\2a\n", 8), true));
  const std::vector<Got> got = Frames(world.Got(client));
  ASSERT_EQ(CountOf(got, FrameType::kRstStream), 1u);
  for (const Got& frame : got) {
    if (frame.type != FrameType::kRstStream) continue;
    EXPECT_EQ(frame.payload, std::string("\0\0\0\1", 4));
  }
  EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 0u);
}

// ---- Answers without a body whose end comes behind their head

struct HeadOnly {
  const char* method;
  const char* block;
  const char* status;
};
constexpr HeadOnly kHeadOnly[] = {
    {"HEAD", kStatus200, "200"}, {"GET", kStatus204, "204"}, {"GET", kStatus304, "304"}};

TEST(HeadOnlyAnswer, IsWholeForAnHttp1ClientBeforeTheBackendEndsIt) {
  for (const HeadOnly& one : kHeadOnly) {
    for (const bool at_once : {true, false}) {
      World world;
      Client& client = world.Connect();
      const std::string request = std::string(one.method) + " / HTTP/1.1\r\nhost: a\r\n\r\n";
      for (uint32_t stream = 1; stream < 7; stream += 2) {
        world.Send(client, request);
        if (stream == 1) world.Answer(0, h2::wire::Settings());
        world.backend(0).Written();
        const std::string answer = h2::wire::Headers(stream, one.block, false);
        if (at_once) {
          world.Answer(0, answer + h2::wire::Data(stream, "", true));
        } else {
          world.Answer(0, answer);
          world.Answer(0, h2::wire::Data(stream, "", true));
        }
        EXPECT_EQ(world.Got(client).find(std::string("HTTP/1.1 ") + one.status), 0u) << one.status;
        EXPECT_EQ(world.Stat("downstream_rq_active"), 0u) << one.status;
        if (at_once) {
          EXPECT_EQ(CountOf(Frames(world.backend(0).Written()), FrameType::kRstStream), 0u);
        }
      }
      EXPECT_FALSE(client.peer.shut);
      EXPECT_EQ(world.worker.dialer.count(), 1u);
      EXPECT_EQ(world.ClusterStat("upstream_rq_active"), 0u);
      EXPECT_EQ(world.ClusterStat("upstream_rq_completed"), 3u);
      EXPECT_EQ(world.ClusterStat("upstream_rq_tx_reset"), 0u);
    }
  }
}

TEST(HeadOnlyAnswer, EndsWithItsHeadForAnHttp2Client) {
  for (const HeadOnly& one : kHeadOnly) {
    World world;
    Client& client = world.Connect();
    world.Send(client, Start() + Request(1, one.method));
    world.Answer(0, h2::wire::Settings());
    world.Got(client);
    world.Answer(0, h2::wire::Headers(1, one.block, false));
    const std::vector<Got> got = Frames(world.Got(client));
    EXPECT_TRUE(EndsWithItsHead(got)) << one.status;
    EXPECT_EQ(CountOf(got, FrameType::kRstStream), 0u);
    world.Answer(0, h2::wire::Data(1, "", true));
    EXPECT_EQ(world.Got(client), "");
    EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
    EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
  }
}

TEST(HeadOnlyAnswer, ThatItsBackendBreaksOffBehindTheHeadIsWholeAndLoggedOnce) {
  char name[] = "/tmp/weir_stream_h2_test_XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  close(fd);
  {
    World world("", name);
    Client& client = world.Connect();
    world.Send(client, "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n");
    world.Answer(0, h2::wire::Settings());
    world.Answer(0, h2::wire::Headers(1, kStatus200, false) +
                        h2::wire::Reset(1, h2::ErrorCode::kInternalError));
    EXPECT_EQ(world.Got(client).find("HTTP/1.1 200 "), 0u);
    EXPECT_FALSE(client.peer.closed);
    EXPECT_EQ(world.Stat("downstream_rq_completed"), 1u);
  }
  std::ifstream in(name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  unlink(name);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(" 200 - "), std::string::npos) << lines[0];
}

// ---- What backends are told of the client

// The block of the request that a backend got.
std::string BlockOf(const std::vector<Got>& frames) {
  for (const Got& frame : frames) {
    if (frame.type == FrameType::kHeaders) return frame.payload;
  }
  return {};
}

// Of a GET, behind its method: whole octets of the static table.
std::string SchemeOf(const std::string& block) {
  if (block.compare(0, 2, "\x82\x86") == 0) return "http";
  return block.compare(0, 2, "\x82\x87") == 0 ? "https" : "?";
}

TEST(Scheme, IsTheTransportsUnlessATrustedProxySaysMore) {
  const char* const kTrusting[] = {"use_remote_address: false", "xff_num_trusted_hops: 1"};
  for (const char* scheme : {"http", "https"}) {
    World world;
    Client& client = world.Connect();
    world.Send(client, Start() + Request(1, "GET", scheme));
    world.Answer(0, h2::wire::Settings());
    EXPECT_EQ(SchemeOf(BlockOf(Frames(world.backend(0).Written()))), "http") << scheme;
    for (const char* keys : kTrusting) {
      World trusting(keys);
      Client& proxy = trusting.Connect();
      trusting.Send(proxy, Start() + Request(1, "GET", scheme));
      trusting.Answer(0, h2::wire::Settings());
      EXPECT_EQ(SchemeOf(BlockOf(Frames(trusting.backend(0).Written()))), "http")
          << keys << scheme << ": without x-forwarded-proto, which says http then";
    }
  }
  const char kForwarded[] = "GET / HTTP/1.1\r\nhost: a\r\nx-forwarded-proto: https\r\n\r\n";
  for (const char* keys : kTrusting) {
    World world(keys);
    world.Send(world.Connect(), kForwarded);
    world.Answer(0, h2::wire::Settings());
    EXPECT_EQ(SchemeOf(BlockOf(Frames(world.backend(0).Written()))), "https") << keys;
  }
  World world;
  world.Send(world.Connect(), kForwarded);
  world.Answer(0, h2::wire::Settings());
  EXPECT_EQ(SchemeOf(BlockOf(Frames(world.backend(0).Written()))), "http") << "not trusted";
}

// The codec with a look at the groups of the heads that it is given.
std::vector<uint32_t>* GroupsSeen() {
  static std::vector<uint32_t> groups;
  return &groups;
}

upstream::UpstreamCodec WatchedUpstream() {
  static const auto* real = static_cast<const weir_codec_api*>(weir_plugin_h2.extensions[0].api);
  static weir_codec_api watched = *real;
  watched.send_head = [](weir_codec* codec, uint32_t stream, const weir_head* head, uint32_t end,
                         weir_out* out) {
    GroupsSeen()->push_back(head->group);
    return real->send_head(codec, stream, head, end, out);
  };
  return {{{{&watched, test::H1Params(WEIR_CLIENT)}}}};
}

TEST(Fairness, StreamsAreGroupedByTheConnectionTheyCameOn) {
  GroupsSeen()->clear();
  HcmWorld world("", "", "", "", {}, WatchedUpstream());
  Client& one = world.Connect();
  Client& other = world.Connect();
  world.Send(one, Start() + Request(1) + Request(3));
  world.Send(other, Start() + Request(1));
  for (size_t i = 0; i < world.worker.dialer.count(); ++i) world.Answer(i, h2::wire::Settings());
  world.Send(one, Request(5));
  const std::vector<uint32_t>& groups = *GroupsSeen();
  ASSERT_EQ(groups.size(), 4u);
  EXPECT_NE(groups[0], 0u);
  EXPECT_EQ(groups[1], groups[0]);
  EXPECT_NE(groups[2], groups[0]);
  EXPECT_NE(groups[2], 0u);
  EXPECT_EQ(groups[3], groups[0]);
}

// ---- The end of a connection with many streams

// Its path is refused: a client of HTTP/1 would be let go for it.
std::string BadRequest(uint32_t stream) {
  return h2::wire::Headers(stream,
                           "\x82\x86\x04\x04/%00\x01\x01"
                           "a",
                           true);
}

TEST(Goodbye, AfterTheMostRequestsOfAConnectionWhateverTheOthersDidWrong) {
  World world("common_http_protocol_options: { max_requests_per_connection: 3 }");
  Client& client = world.Connect();
  world.Send(client, Start() + Request(1) + BadRequest(3));
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 1u);
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 0u);
  world.Send(client, Request(5));
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 1u);
  EXPECT_EQ(world.Stat("downstream_cx_max_requests_reached"), 1u);
  // One that was on its way is served, and is no second goodbye.
  world.Send(client, Request(7));
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 0u);
  EXPECT_EQ(world.Stat("downstream_cx_max_requests_reached"), 1u);
}

TEST(Goodbye, OfAnOverloadedWorker) {
  World world("drain_timeout: 4s");
  Client& client = world.Connect();
  world.Send(client, Start() + Request(1));
  world.Answer(0, h2::wire::Settings());
  world.Got(client);
  world.worker.context.overloaded = true;
  world.Send(client, Request(3));
  EXPECT_EQ(world.Stat("downstream_rq_overload_close"), 1u);
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 1u);
  world.Pass(4'100);
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 1u) << "the second step";
  EXPECT_FALSE(client.peer.shut) << "a stream is still served";
  world.Answer(0, h2::wire::Headers(1, kStatus204, true));
  EXPECT_TRUE(client.peer.shut);
}

TEST(Goodbye, ABadRequestLeavesTheIdleTimeAsItIs) {
  World world("drain_timeout: 4s\ncommon_http_protocol_options: { idle_timeout: 60s }");
  Client& client = world.Connect();
  world.Send(client, Start() + BadRequest(1));
  world.Send(client, h2::wire::SettingsAck());
  EXPECT_EQ(world.Stat("downstream_rq_4xx"), 1u);
  world.Pass(59'000);
  EXPECT_FALSE(client.peer.shut);
  EXPECT_EQ(CountOf(Frames(world.Got(client)), FrameType::kGoaway), 0u);
  world.Pass(1'100);
  EXPECT_TRUE(client.peer.shut);
}

// ---- Frames that were begun

TEST(PartialFrame, HasItsTimeAlsoWhileAnotherStreamLives) {
  World world("request_headers_timeout: 5s");
  Client& client = world.Connect();
  world.Send(client, Start() + Request(1));
  world.Send(client, h2::wire::SettingsAck());
  world.Answer(0, h2::wire::Settings());
  world.Send(client, Request(3).substr(0, 12));
  world.Pass(4'900);
  EXPECT_FALSE(client.peer.shut);
  world.Pass(200);
  EXPECT_TRUE(client.peer.shut);
  EXPECT_EQ(world.Stat("downstream_rq_header_timeout"), 1u);
  EXPECT_EQ(world.Stat("downstream_rq_active"), 0u);
}

TEST(PartialFrame, OfABodyHasTheBodysTime) {
  World world("request_headers_timeout: 5s");
  Client& client = world.Connect();
  std::string request = Request(1, "POST");
  request[4] = h2::kFlagEndHeaders;
  world.Send(client, Start() + request);
  world.Send(client, h2::wire::SettingsAck());
  world.Answer(0, h2::wire::Settings() + h2::wire::SettingsAck());
  const std::string data = h2::wire::Data(1, std::string(100, 'x'), true);
  world.Send(client, data.substr(0, 30));
  world.Pass(8'000);
  EXPECT_FALSE(client.peer.shut);
  world.Send(client, data.substr(30));
  world.Answer(0, h2::wire::Headers(1, kStatus204, true));
  EXPECT_EQ(world.Stat("downstream_rq_2xx"), 1u);
}

// A client in the midst of frames whenever it is looked at is no slow one.
TEST(PartialFrame, EachHasATimeOfItsOwn) {
  World world("request_headers_timeout: 5s");
  Client& client = world.Connect();
  world.Send(client, Start() + Request(1));
  world.Send(client, h2::wire::SettingsAck());
  world.Answer(0, h2::wire::Settings() + h2::wire::SettingsAck());
  const std::string ping = h2::wire::Ping();
  world.Send(client, ping.substr(0, 5));
  for (int i = 0; i < 4; ++i) {
    world.Pass(3'000);
    world.Send(client, ping.substr(5) + ping.substr(0, 5));
    EXPECT_FALSE(client.peer.shut) << i;
  }
  world.Pass(5'100);
  EXPECT_TRUE(client.peer.shut);
}

}  // namespace
}  // namespace weir::hcm
