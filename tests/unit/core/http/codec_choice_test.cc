// Which codec a connection speaks, where there are several.
#include <algorithm>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/core/http/codec_connection_world.h"

namespace weir::http {
namespace {

constexpr char kStart[] = "H7\n";  // the first words of the multiplexed one

class CodecChoiceTest : public CodecConnectionTest {
 protected:
  CodecChoiceTest() {
    many_.alpn = "many";
    one_.alpn = "one";
    many_.probe = [](const uint8_t* data, size_t size) -> uint32_t {
      ++probes;
      const size_t shown = std::min(size, sizeof kStart - 1);
      if (std::memcmp(data, kStart, shown) != 0) return WEIR_PROBE_NO;
      return shown == sizeof kStart - 1 ? WEIR_PROBE_YES : WEIR_PROBE_MORE;
    };
    probes = 0;
  }

  void StartUndecided(uint8_t position = WEIR_SERVER) {
    weir_codec_params params{};
    params.struct_size = sizeof params;
    params.position = position;
    params.codec_host = CodecHostTable();
    StartWith({{&many_, params}, {&one_, params}});
    Turn();
  }
  // The connection is established now, and the handshake is done.
  void Establish() {
    peer_.connected = true;
    io_->Wake(false, true);
    Turn();
  }

  static inline int probes = 0;
  weir_codec_api many_ = *ScriptedCodec::Api(true);
  weir_codec_api one_ = *ScriptedCodec::Api(false);
  test::FakeTls tls_;
};

TEST_F(CodecChoiceTest, WithOneCodecThereIsNothingToDecide) {
  Start();
  EXPECT_TRUE(connection_->decided());
}

TEST_F(CodecChoiceTest, UntilItIsKnownNothingCanBeDoneButToWait) {
  StartUndecided();
  EXPECT_TRUE(connection_->ok());
  EXPECT_FALSE(connection_->decided());
  EXPECT_FALSE(connection_->multiplexed());
  EXPECT_EQ(connection_->Capacity(), 0u);
  EXPECT_TRUE(connection_->Reusable());
  EXPECT_EQ(codec(), nullptr);
  TestStream stream(&pool_, &log_);
  EXPECT_FALSE(connection_->Open(&stream));
}

TEST_F(CodecChoiceTest, TheFirstBytesDecide) {
  StartUndecided();
  Feed("H7\nE7\n");
  EXPECT_TRUE(connection_->multiplexed());
  EXPECT_EQ(Log(), "head end drained ");
}

TEST_F(CodecChoiceTest, BytesOfNoneOfThemAreTheLastOnes) {
  StartUndecided();
  Feed("H1\nE1\n");
  EXPECT_TRUE(connection_->decided());
  EXPECT_FALSE(connection_->multiplexed());
  EXPECT_EQ(Log(), "head end ");
}

TEST_F(CodecChoiceTest, BytesInPiecesDecideWhenThereAreEnough) {
  StartUndecided();
  Feed("H");
  EXPECT_FALSE(connection_->decided());
  Feed("7");
  EXPECT_FALSE(connection_->decided());
  EXPECT_EQ(connection_->hooks, "partial partial ") << "the time for a head runs";
  Feed("\n");
  EXPECT_TRUE(connection_->multiplexed());
  EXPECT_EQ(Log(), "head drained ");
}

TEST_F(CodecChoiceTest, TheSameBytesInAnyCutsDecideTheSame) {
  for (const std::string text : {"H7\nD7*a\nE7\n", "H1\nD1*a\nE1\n"}) {
    for (size_t cut = 1; cut < text.size(); ++cut) {
      StartUndecided();
      Feed(text.substr(0, cut));
      Feed(text.substr(cut));
      EXPECT_EQ(connection_->multiplexed(), text[1] == '7') << text << cut;
      EXPECT_EQ(streams_.back()->body, "a");
      connection_->Finish(false, WEIR_REASON_NONE);
      Turn();
      peer_ = FakePeer{};
    }
  }
  peer_.closed = true;
}

TEST_F(CodecChoiceTest, AProbeIsAskedOncePerConnectionAndNotPerRequest) {
  StartUndecided();
  for (const char* request : {"H1\nE1\n", "H2\nE2\n", "H3\nE3\n"}) Feed(request);
  EXPECT_EQ(probes, 1);
}

TEST_F(CodecChoiceTest, AnEndWithoutAByteJustEnds) {
  StartUndecided();
  FeedFin();
  EXPECT_EQ(Log(), "fin gone0 ");
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecChoiceTest, AnEndWhileUndecidedGivesTheBytesToTheLast) {
  static int made;
  made = 0;
  one_.create = [](const weir_codec_params* params) {
    ++made;
    return ScriptedCodec::Api(false)->create(params);
  };
  StartUndecided();
  peer_.to_read = "H";
  FeedFin();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(Log(), "fin gone0 ");
}

TEST_F(CodecChoiceTest, AnUndecidedConnectionWhoseTimeIsOverHasNoAnswer) {
  StartUndecided();
  Feed("H");
  EXPECT_FALSE(connection_->ExpireHead());
  connection_->Finish(true, WEIR_REASON_TIMEOUT);
  Turn();
  EXPECT_TRUE(peer_.shut);
  EXPECT_EQ(peer_.written, "");
  FeedFin();
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecChoiceTest, AGoawayWaitsForTheCodec) {
  StartUndecided();
  connection_->GoAway(1);
  Turn();
  EXPECT_EQ(peer_.written, "");
  Feed(kStart);
  EXPECT_EQ(peer_.written, "g1\n");
}

TEST_F(CodecChoiceTest, AlpnDecidesAndTheCodecSpeaksAtOnce) {
  tls_.agreed = "many";
  peer_.tls = &tls_;
  peer_.connected = false;
  StartUndecided();
  EXPECT_FALSE(connection_->decided());
  Establish();
  ASSERT_TRUE(connection_->multiplexed());
  EXPECT_EQ(codec()->produced, 1);
  EXPECT_EQ(codec()->made.secure, 1);
  EXPECT_EQ(probes, 0);
}

TEST_F(CodecChoiceTest, AHandshakeThatIsDoneBeforeTheStartDecidesToo) {
  tls_.agreed = "one";
  peer_.tls = &tls_;
  StartUndecided();
  EXPECT_TRUE(connection_->decided());
  EXPECT_FALSE(connection_->multiplexed());
}

TEST_F(CodecChoiceTest, WithoutAlpnTheFirstBytesDecideUnderTlsToo) {
  peer_.tls = &tls_;
  peer_.connected = false;
  StartUndecided();
  Establish();
  EXPECT_FALSE(connection_->decided());
  Feed(kStart);
  EXPECT_TRUE(connection_->multiplexed());
}

TEST_F(CodecChoiceTest, AClientInCleartextSpeaksTheLast) {
  peer_.connected = false;
  StartUndecided(WEIR_CLIENT);
  EXPECT_TRUE(connection_->decided());
  EXPECT_FALSE(connection_->multiplexed());
}

TEST_F(CodecChoiceTest, AClientSpeaksWhatTheHandshakeSettledAndElseTheLast) {
  for (const std::string agreed : {"many", "one", ""}) {
    tls_.agreed = agreed;
    peer_ = FakePeer{};
    peer_.tls = &tls_;
    peer_.connected = false;
    StartUndecided(WEIR_CLIENT);
    EXPECT_FALSE(connection_->decided());
    Establish();
    EXPECT_TRUE(connection_->decided());
    EXPECT_EQ(connection_->multiplexed(), agreed == "many");
    connection_->Finish(false, WEIR_REASON_NONE);
    Turn();
  }
}

TEST_F(CodecChoiceTest, ACodecThatCannotBeMadeClosesTheConnection) {
  many_.create = [](const weir_codec_params*) -> weir_codec* { return nullptr; };
  StartUndecided();
  Feed(kStart);
  EXPECT_EQ(Log(), "gone10 ");
  EXPECT_TRUE(peer_.closed);
}

TEST_F(CodecChoiceTest, ACodecGetsThePlaceOfTheTurnsTime) {
  Start();
  ASSERT_NE(codec()->made.now_ms, nullptr);
  EXPECT_EQ(*codec()->made.now_ms, reactor_.now_ms());
  Advance(7);
  EXPECT_EQ(*codec()->made.now_ms, reactor_.now_ms());
  EXPECT_EQ(codec()->made.secure, 0);
}

TEST_F(CodecChoiceTest, AMultiplexedOneIsToldWhatItWasShown) {
  Start();
  connection_->hooks.clear();
  Feed("H1\nE");
  EXPECT_EQ(connection_->hooks, "rest partial ");
  Feed("1\n");
  EXPECT_EQ(connection_->hooks, "rest partial all ");
}

}  // namespace
}  // namespace weir::http
