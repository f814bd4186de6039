// The deadline of a gRPC request: how it is read, bounded and written, and what its end looks like.

#include "filters/network/http_connection_manager/grpc_timeout.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/filters/network/http_connection_manager/hcm_world.h"

namespace weir::hcm {
namespace {

using config::Milliseconds;

TEST(GrpcTimeout, EveryUnitIsReadAndRoundedUpToMilliseconds) {
  EXPECT_EQ(ParseGrpcTimeout("1H"), Milliseconds(3'600'000));
  EXPECT_EQ(ParseGrpcTimeout("2M"), Milliseconds(120'000));
  EXPECT_EQ(ParseGrpcTimeout("3S"), Milliseconds(3'000));
  EXPECT_EQ(ParseGrpcTimeout("4m"), Milliseconds(4));
  EXPECT_EQ(ParseGrpcTimeout("5000u"), Milliseconds(5));
  EXPECT_EQ(ParseGrpcTimeout("5001u"), Milliseconds(6));
  EXPECT_EQ(ParseGrpcTimeout("1u"), Milliseconds(1));
  EXPECT_EQ(ParseGrpcTimeout("6000000n"), Milliseconds(6));
  EXPECT_EQ(ParseGrpcTimeout("6000001n"), Milliseconds(7));
  EXPECT_EQ(ParseGrpcTimeout("1n"), Milliseconds(1));
  for (const char* none : {"0H", "0S", "00000000n"}) {
    EXPECT_EQ(ParseGrpcTimeout(none), Milliseconds(0)) << none;
  }
}

TEST(GrpcTimeout, EightDigitsAreTheMostAndDoNotOverflow) {
  EXPECT_EQ(ParseGrpcTimeout("99999999H"), Milliseconds(359'999'996'400'000));
  EXPECT_EQ(ParseGrpcTimeout("00000001S"), Milliseconds(1'000));
  EXPECT_EQ(ParseGrpcTimeout("100000000m"), std::nullopt);
  EXPECT_EQ(ParseGrpcTimeout("000000001S"), std::nullopt);
  EXPECT_EQ(ParseGrpcTimeout("18446744073709551616H"), std::nullopt);
}

TEST(GrpcTimeout, AMalformedTextIsNoDeadline) {
  for (const char* text : {"", "1", "S", "-1S", "+1S", " 1S", "1 S", "1S ", "1.5S", "0x1S", "1s",
                           "1h", "1U", "1N", "1ms", "1SS", "1S,1S", "12345678", "123456789"}) {
    EXPECT_EQ(ParseGrpcTimeout(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseGrpcTimeout(std::string_view("1\0S", 3)), std::nullopt);
}

TEST(GrpcTimeout, TheBoundHoldsAndTheOffsetIsTakenOff) {
  const Milliseconds none(0);
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(500), none, none), Milliseconds(500));
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(500), Milliseconds(500), none), Milliseconds(500));
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(501), Milliseconds(500), none), Milliseconds(500));
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(501), Milliseconds(500), Milliseconds(100)),
            Milliseconds(400));
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(101), none, Milliseconds(100)), Milliseconds(1));
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(100), none, Milliseconds(100)), none);
  EXPECT_EQ(BoundGrpcTimeout(Milliseconds(99), none, Milliseconds(100)), none);
}

TEST(GrpcTimeout, IsWrittenInTheFinestUnitOfEightDigits) {
  GrpcTimeoutText text;
  EXPECT_EQ(text.Format(Milliseconds(0)), "0m");
  EXPECT_EQ(text.Format(Milliseconds(99'999'999)), "99999999m");
  EXPECT_EQ(text.Format(Milliseconds(100'000'999)), "100000S");
  EXPECT_EQ(text.Format(Milliseconds(99'999'999'999)), "99999999S");
  EXPECT_EQ(text.Format(Milliseconds(100'000'000'000)), "1666666M");
  EXPECT_EQ(text.Format(Milliseconds(359'999'996'400'000)), "99999999H");
  EXPECT_EQ(text.Format(Milliseconds(INT64_MAX)), "99999999H");
}

constexpr char kRoutes[] =
    "[{ match: { prefix: /bound }, route: { cluster: app, timeout: 0s, max_stream_duration: "
    "{ max_stream_duration: 20s, grpc_timeout_header_max: 10s } } }, "
    "{ match: { prefix: /offset }, route: { cluster: app, timeout: 0s, max_stream_duration: "
    "{ grpc_timeout_header_max: 0s, grpc_timeout_header_offset: 1s } } }, "
    "{ match: { prefix: / }, route: { cluster: app, timeout: 0s } }]";

std::string Call(const std::string& path, const std::string& timeout,
                 const std::string& type = "application/grpc") {
  return "POST " + path + " HTTP/1.1\r\nhost: a\r\ncontent-type: " + type +
         "\r\ngrpc-timeout: " + timeout + "\r\ncontent-length: 1\r\n\r\n";
}

void ExpectDeadlineExceeded(const std::string& got) {
  EXPECT_EQ(got.find("HTTP/1.1 200 "), 0u) << got;
  EXPECT_EQ(FieldOf(got, "content-type"), "application/grpc");
  EXPECT_EQ(FieldOf(got, "grpc-status"), "4");
  EXPECT_EQ(FieldOf(got, "grpc-message"), "max_duration_timeout");
}

// From the head on, while the request still comes; and the backend's part of it ends with it.
TEST(GrpcTimeout, EndsTheCallOfARouteThatHonoursIt) {
  HcmWorld world("", kRoutes);
  Client& client = world.Connect();
  world.Send(client, Call("/bound", "2S"));
  EXPECT_EQ(FieldOf(world.backend(0).peer.written, "grpc-timeout"), "2S");
  world.Pass(1'900);
  EXPECT_EQ(world.Got(client), "");
  world.Pass(200);
  ExpectDeadlineExceeded(world.Got(client));
  EXPECT_TRUE(world.backend(0).peer.closed || world.backend(0).peer.shut);
  EXPECT_EQ(world.Stat("downstream_rq_max_duration_reached"), 1u);
}

TEST(GrpcTimeout, IsBoundedAndTheBackendIsToldSo) {
  HcmWorld world("", kRoutes);
  Client& client = world.Connect();
  world.Send(client, Call("/bound", "1H"));
  EXPECT_EQ(FieldOf(world.backend(0).peer.written, "grpc-timeout"), "10000m");
  world.Pass(9'900);
  EXPECT_EQ(world.Got(client), "");
  world.Pass(200);
  ExpectDeadlineExceeded(world.Got(client));
}

TEST(GrpcTimeout, ComesEarlierByTheOffset) {
  HcmWorld world("", kRoutes);
  Client& client = world.Connect();
  world.Send(client, Call("/offset", "3S"));
  EXPECT_EQ(FieldOf(world.backend(0).peer.written, "grpc-timeout"), "2000m");
  world.Pass(2'100);
  ExpectDeadlineExceeded(world.Got(client));
}

TEST(GrpcTimeout, ThatHasPassedAlreadyAsksNobody) {
  HcmWorld world("", kRoutes);
  ExpectDeadlineExceeded(world.Ask(Call("/bound", "0S")));
  ExpectDeadlineExceeded(world.Ask(Call("/offset", "1S")));
  EXPECT_EQ(world.worker.dialer.count(), 0u);
  EXPECT_EQ(world.Stat("downstream_rq_max_duration_reached"), 2u);
}

// Where it says nothing, the route's longest life holds.
TEST(GrpcTimeout, MalformedOrNotOfGrpcIsPassedOnAndChangesNothing) {
  HcmWorld world("", kRoutes);
  Client& broken = world.Connect();
  Client& other = world.Connect();
  world.Send(broken, Call("/bound", "1s"));
  world.Send(other, Call("/bound", "1S", "application/json"));
  EXPECT_EQ(FieldOf(world.backend(0).peer.written, "grpc-timeout"), "1s");
  EXPECT_EQ(FieldOf(world.backend(1).peer.written, "grpc-timeout"), "1S");
  world.Pass(19'900);
  EXPECT_EQ(world.Got(broken), "");
  EXPECT_EQ(world.Got(other), "");
  world.Pass(200);
  ExpectDeadlineExceeded(world.Got(broken));
  EXPECT_EQ(world.Got(other).find("HTTP/1.1 408 "), 0u);
}

TEST(GrpcTimeout, IsOnlyPassedOnByARouteThatDoesNotHonourIt) {
  HcmWorld world("", kRoutes);
  Client& client = world.Connect();
  world.Send(client, Call("/", "1S") + "x");
  EXPECT_EQ(FieldOf(world.backend(0).peer.written, "grpc-timeout"), "1S");
  world.Pass(60'000);
  EXPECT_EQ(world.Got(client), "");
}

TEST(GrpcTimeout, TheRoutesTimeoutIsADeadlineForAGrpcClientToo) {
  HcmWorld world("", "[{ match: { prefix: / }, route: { cluster: app, timeout: 3s } }]");
  Client& client = world.Connect();
  world.Send(client, Call("/", "1H") + "x");
  world.Pass(3'100);
  const std::string got = world.Got(client);
  EXPECT_EQ(FieldOf(got, "grpc-status"), "4") << got;
  EXPECT_EQ(FieldOf(got, "grpc-message"), "response_timeout");
}

}  // namespace
}  // namespace weir::hcm
