// Bodies with HTTP/2 on one side or on both: what comes is passed on by itself, each side has its
// own windows, and one that stalls stops nobody else. No time passes in these tests: what would
// need a timeout to go on, stands still.

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/h2_world.h"

namespace weir::hcm {
namespace {

using h2::FrameType;
using h2::operator<<;
using h2::SettingId;
namespace wire = h2::wire;

constexpr auto kH1 = H2World::Backends::kH1;
constexpr auto kH2 = H2World::Backends::kH2;
const std::string kMegabyte(1 << 20, 'm');

// Reads stream 1 to its end and gives credit only for what came.
void ReadAll(H2World& world, H2Far& client) {
  size_t credited = 0;
  for (int i = 0; i < 100'000 && !client.Ended(1); ++i) {
    const size_t came = client.Body(1).size();
    ASSERT_GT(came, credited) << "a credit brings nothing";
    const auto more = static_cast<uint32_t>(came - credited);
    credited = came;
    world.Say(client, wire::WindowUpdate(0, more) << wire::WindowUpdate(1, more));
  }
}

TEST(H2Bodies, AnHttp1AnswerGoesOnWithEachCredit) {
  for (const bool until_close : {false, true}) {
    H2World world(kH1);
    H2Far& client = world.Connect({{SettingId::kInitialWindowSize, 16384}});
    world.Say(client, H2World::Request(client, 1));
    const std::string length = until_close ? "" : "content-length: 1048576\r\n";
    world.backend(0).peer.fin = until_close;
    world.Answer(0, "HTTP/1.1 200 OK\r\n" + length + "\r\n" + kMegabyte);
    EXPECT_EQ(client.Body(1).size(), 16384u);
    ReadAll(world, client);
    EXPECT_TRUE(client.Body(1) == kMegabyte);
    EXPECT_FALSE(client.Reset(1));
  }
}

TEST(H2Bodies, AnUploadGoesOnWithEachCredit) {
  H2World world(kH1);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST", {{"content-length", "1048576"}}));
  test::Dialled& backend = world.backend(0);
  std::string taken;
  size_t sent = 0;
  while (sent < kMegabyte.size()) {
    backend.peer.write_room = 0;
    while (sent < kMegabyte.size()) {
      const int64_t window =
          std::min(client.peer.receive_window(1), client.peer.receive_connection_window());
      const size_t size =
          std::min({static_cast<size_t>(window), size_t{16384}, kMegabyte.size() - sent});
      if (size == 0) break;
      sent += size;
      world.Say(client, wire::Data(1, std::string(size, 'm'), sent == kMegabyte.size()));
    }
    // The backend takes all that waits, and the client hears of it unasked.
    backend.peer.write_room = SIZE_MAX;
    backend.io->Wake(false, true);
    world.Turn();
    world.Collect();
    taken += backend.Written();
    ASSERT_TRUE(sent == kMegabyte.size() || client.peer.receive_window(1) > 0) << sent;
  }
  EXPECT_TRUE(taken.substr(taken.find("\r\n\r\n") + 4) == kMegabyte);
}

TEST(H2Bodies, OneFrameBehindASilenceGoesStraightThrough) {
  H2World world(kH2, "min_request_body_rate: 0",
                "[{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]");
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  H2Far& back = world.Back(0);
  world.Say(back, H2World::Response(back, 1, "200", false));
  std::string all;
  for (const char* piece : {"one", "two", "three"}) {
    all += piece;
    world.Pass(20'000);
    world.Say(client, wire::Data(1, piece));
    EXPECT_EQ(back.Body(1), all);
    world.Pass(20'000);
    world.Say(back, wire::Data(1, piece));
    EXPECT_EQ(client.Body(1), all);
  }
}

TEST(H2Bodies, AWholeAnswerOfOneReadGoesStraightThrough) {
  H2World world(kH1);
  H2Far& client = world.Connect();
  for (uint32_t stream = 1; stream < 9; stream += 2) {
    world.Say(client, H2World::Request(client, stream));
    world.Answer(0, kOk);
    EXPECT_EQ(client.Body(stream), "ok");
    EXPECT_TRUE(client.Ended(stream));
  }
  EXPECT_EQ(world.worker.dialer.count(), 1u);
}

TEST(H2Bodies, EachSideHasWindowsOfItsOwn) {
  H2World world(kH2);
  H2Far& client = world.Connect({{SettingId::kInitialWindowSize, 10}});
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  H2Far& back = world.Back(0, {{SettingId::kInitialWindowSize, 5}});
  world.Say(client, wire::Data(1, std::string(100, 'u')));
  EXPECT_EQ(back.Body(1).size(), 5u);
  world.Say(back, H2World::Response(back, 1, "200", false) << wire::Data(1, std::string(100, 'd')));
  EXPECT_EQ(client.Body(1).size(), 10u);
  // What one peer says of its windows is nothing to the other's.
  world.Say(client, wire::WindowUpdate(1, 7));
  EXPECT_EQ(client.Body(1).size(), 17u);
  world.Say(client, wire::Settings({{SettingId::kInitialWindowSize, 20}}));
  EXPECT_EQ(client.Body(1).size(), 27u);
  EXPECT_EQ(back.Body(1).size(), 5u);
  world.Say(back, wire::Settings({{SettingId::kInitialWindowSize, 50}}));
  EXPECT_EQ(back.Body(1).size(), 50u);
  world.Say(back, wire::WindowUpdate(1, 50));
  EXPECT_EQ(back.Body(1).size(), 100u);
  EXPECT_EQ(client.Body(1).size(), 27u);
}

TEST(H2Bodies, AnUploadThatStallsStopsNeitherPingsNorOtherStreams) {
  H2World world(kH1);
  H2Far& client = world.Connect({{SettingId::kInitialWindowSize, 1}});
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  world.backend(0).peer.write_room = 0;
  while (client.peer.receive_window(1) > 0) {
    const auto size = static_cast<size_t>(std::min<int64_t>(client.peer.receive_window(1), 16384));
    world.Say(client, wire::Data(1, std::string(size, 'u')));
  }
  world.Say(client, wire::Ping() << H2World::Request(client, 3));
  EXPECT_EQ(client.Count(FrameType::kPing), 1u);
  world.Answer(1, kOk);
  EXPECT_EQ(client.Body(3), "o");
  world.Say(client, wire::WindowUpdate(3, 1));
  EXPECT_EQ(client.Body(3), "ok");
  EXPECT_TRUE(client.Ended(3));
}

TEST(H2Bodies, ABodyThatBreaksOffIsAResetAndNeverAnEnd) {
  for (const char* begun :
       {"transfer-encoding: chunked\r\n\r\n5\r\nhel", "content-length: 5\r\n\r\nhel",
        "transfer-encoding: chunked\r\n\r\n3\r\nhel\r\n"}) {
    H2World world(kH1);
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1));
    world.Answer(0, std::string("HTTP/1.1 200 OK\r\n") + begun);
    EXPECT_EQ(client.Body(1), "hel");
    world.backend(0).Fin();
    world.Turn();
    world.Collect();
    EXPECT_FALSE(client.Ended(1)) << begun;
    ASSERT_TRUE(client.Reset(1)) << begun;
    EXPECT_NE(client.Last(FrameType::kRstStream, 1)->Code(), 0u);
    world.Say(client, H2World::Request(client, 3));
    world.Answer(1, kOk);
    EXPECT_EQ(client.Body(3), "ok");
  }
}

// Whatever the code says: an answer that has begun is neither whole nor asked for again.
TEST(H2Bodies, ABodyThatItsBackendResetsIsAResetAndNeverAnEnd) {
  for (const auto code : {h2::ErrorCode::kNoError, h2::ErrorCode::kCancel,
                          h2::ErrorCode::kRefusedStream, h2::ErrorCode::kEnhanceYourCalm}) {
    SCOPED_TRACE(static_cast<int>(code));
    H2World world(kH2);
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1));
    H2Far& back = world.Back(0);
    world.Say(back, H2World::Response(back, 1, "200", false) << wire::Data(1, "half"));
    world.Say(back, wire::Reset(1, code));
    EXPECT_EQ(client.Body(1), "half");
    EXPECT_FALSE(client.Ended(1));
    ASSERT_TRUE(client.Reset(1));
    EXPECT_NE(client.Last(FrameType::kRstStream, 1)->Code(), 0u);
    EXPECT_EQ(back.Count(FrameType::kHeaders), 1u);
    EXPECT_EQ(world.worker.dialer.count(), 1u);
  }
}

TEST(H2Bodies, ABackendThatLiesAboutTheirLengthIsFoundOut) {
  const auto answer = [](H2Far& back, const std::string& length, bool end) {
    return wire::Headers(1, back.encoder.Encode({{":status", "200"}, {"content-length", length}}),
                         end);
  };
  for (int lie = 0; lie < 3; ++lie) {
    SCOPED_TRACE(lie);
    H2World world(kH2);
    H2Far& client = world.Connect();
    world.Say(client, H2World::Request(client, 1));
    H2Far& back = world.Back(0);
    if (lie == 0) world.Say(back, answer(back, "5", true));
    if (lie == 1) world.Say(back, answer(back, "5", false) << wire::Data(1, "four", true));
    if (lie == 2) world.Say(back, answer(back, "5", false) << wire::Data(1, "sixsix"));
    // An answer in its place, or a reset: never an end behind what came.
    if (client.Field(1, ":status") == "200") {
      EXPECT_FALSE(client.Ended(1));
      EXPECT_TRUE(client.Reset(1));
      EXPECT_LE(client.Body(1).size(), 5u);
    } else {
      EXPECT_EQ(client.Field(1, ":status"), "502");
    }
    EXPECT_TRUE(back.Reset(1));
    EXPECT_EQ(back.Count(FrameType::kGoaway), 0u);
  }
}

TEST(H2Bodies, AGetMayHaveOneWhereverItGoes) {
  H2World world(kH1);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false));
  world.Say(client, wire::Data(1, "asked", true));
  const std::string got = world.backend(0).Written();
  EXPECT_EQ(got.find("GET / HTTP/1.1\r\n"), 0u);
  EXPECT_EQ(FieldOf(got, "transfer-encoding"), "chunked");
  EXPECT_NE(got.find("\r\n\r\n5\r\nasked\r\n0\r\n\r\n"), std::string::npos) << got;
}

TEST(H2Bodies, CrumbsOfACookieAreOneFieldToHttp1) {
  H2World world(kH1);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, true, "GET",
                                     {{"cookie", "a=1"}, {"x-a", "b"}, {"cookie", "c=2"}}));
  EXPECT_EQ(FieldOf(world.backend(0).Written(), "cookie"), "a=1; c=2");
}

TEST(H2Bodies, TheirHeadIsWrittenOnceHoweverManyPiecesTheyHave) {
  H2World world(kH2, "via: weir-1");
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST"));
  H2Far& back = world.Back(0);
  for (int i = 0; i < 3; ++i) world.Say(client, wire::Data(1, "x", i == 2));
  world.Say(back, H2World::Response(back, 1, "200", false));
  for (int i = 0; i < 3; ++i) world.Say(back, wire::Data(1, "y", i == 2));
  for (const H2Far* far : {&client, &back}) {
    EXPECT_EQ(far->Count(FrameType::kHeaders), 1u);
    EXPECT_EQ(far->Field(1, "via"), "weir-1");
    EXPECT_EQ(far->Body(1).size(), 3u);
    EXPECT_TRUE(far->Ended(1));
  }
}

TEST(H2Bodies, WhatComesInOneReadLeavesInOneWrite) {
  H2World world(kH2);
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1)
                        << H2World::Request(client, 3) << H2World::Request(client, 5));
  H2Far& back = world.Back(0);
  EXPECT_EQ(back.Count(FrameType::kHeaders), 3u);
  const int before = client.wire->writes;
  std::string answers;
  for (const uint32_t stream : {1u, 3u, 5u}) {
    answers += H2World::Response(back, stream, "200", false);
    answers += wire::Data(stream, "answer", true);
  }
  world.Say(back, answers);
  EXPECT_EQ(client.wire->writes, before + 1);
  for (const uint32_t stream : {1u, 3u, 5u}) EXPECT_TRUE(client.Ended(stream));
}

// To the byte.
TEST(H2Bodies, AnHttp1BackendGetsARequestOfHttp1) {
  H2World world(kH1, "generate_request_id: false");
  H2Far& client = world.Connect();
  world.Say(client, H2World::Request(client, 1, false, "POST",
                                     {{"te", "trailers"}, {"accept", "*/*"}, {"x-a", ""}}));
  world.Say(client, wire::Data(1, "body")
                        << wire::Headers(1, client.encoder.Encode({{"x-sum", "4"}}), true));
  EXPECT_EQ(world.backend(0).Written(),
            "POST / HTTP/1.1\r\nhost: a\r\naccept: */*\r\nx-a: \r\nx-forwarded-for: 10.9.8.7\r\n"
            "x-forwarded-proto: http\r\nconnection: te\r\nte: trailers\r\n"
            "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 4\r\n\r\n");
  world.Answer(0, kOk);
}

// The lengths of the two ways, and their ends, are nothing to each other.
TEST(H2Bodies, ALongAnswerToAShortRequestAndTheOtherWayRound) {
  for (const auto backends : {kH1, kH2}) {
    for (const size_t down : {3u, 20u}) {
      H2World world(backends);
      H2Far& client = world.Connect();
      world.Say(client, H2World::Request(client, 1, false, "POST", {{"content-length", "10"}}));
      world.Say(client, wire::Data(1, "12345"));
      const std::string body(down, 'd');
      if (backends == kH1) {
        world.Answer(0, "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(down) + "\r\n\r\n");
        world.Say(client, wire::Data(1, "67890", true));
        EXPECT_FALSE(client.Ended(1));
        world.Answer(0, body);
      } else {
        H2Far& back = world.Back(0);
        world.Say(back,
                  wire::Headers(1,
                                back.encoder.Encode(
                                    {{":status", "200"}, {"content-length", std::to_string(down)}}),
                                false));
        world.Say(client, wire::Data(1, "67890", true));
        EXPECT_FALSE(client.Ended(1));
        EXPECT_TRUE(back.Ended(1));
        world.Say(back, wire::Data(1, body, true));
      }
      EXPECT_EQ(client.Body(1), body);
      EXPECT_TRUE(client.Ended(1));
      EXPECT_FALSE(client.Reset(1));
    }
  }
}

}  // namespace
}  // namespace weir::hcm
