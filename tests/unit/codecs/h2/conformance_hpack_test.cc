// RFC 9113 section 4.3 and RFC 7541: blocks that do not decompress cost the connection, whosever
// they are.

#include "tests/unit/codecs/h2/conformance.h"

namespace weir::h2 {
namespace {

constexpr auto kCompression = ErrorCode::kCompressionError;

// Of no table: index 70.
const char kBad[] = "\xc6";

void BlockCosts(const std::string& block) {
  CostsTheConnection(kCompression, wire::Headers(5, block, true));
  CostsTheConnection(H2Setup::Client(), kCompression, wire::Headers(1, block, true));
}

TEST(H2Conformance, AFieldBlockDecompresses) {
  BlockCosts(kBad);
  CostsTheConnection(kCompression, wire::Headers(5, "\x82", true, false)
                                       << wire::Continuation(5, "\x86", false)
                                       << wire::Continuation(5, kBad, true));
}

TEST(H2Conformance, ARefusedBlockIsDecompressedToo) {
  H2Setup setup;
  setup.params.max_streams = 2;
  CostsTheConnection(setup, kCompression, wire::Headers(5, kBad, true));
}

TEST(H2Conformance, ABlockOfAResetStreamIsDecompressedToo) {
  CostsTheConnection(H2Setup::Client(), kCompression, [](H2Harness& h) {
    h.ResetStream(1, WEIR_REASON_CANCEL);
    return wire::Headers(1, kBad, true);
  });
}

TEST(H2Conformance, TrailersDecompress) {
  CostsTheConnection(kCompression, wire::Headers(1, kBad, true));
}

// ---- 4.3.1

H2Setup WithTable(uint32_t size) {
  H2Setup setup;
  setup.options.hpack_table_size = size;
  return setup;
}

TEST(H2Conformance, ASmallerTableIsConfirmed) {
  ForAllCuts(WithTable(100), [](H2Harness& h) {
    // The encoder of the peer does not know, and says nothing.
    h.Feed(wire::Headers(1, h.Request("/"), true));
    h.ExpectConnectionError(kCompression);
  });
  ForAllCuts(WithTable(100), [](H2Harness& h) {
    h.encoder().SetLimit(100);
    h.Feed(wire::Headers(1, h.Request("/"), true));
    EXPECT_TRUE(h.knows(1));
    h.ExpectFine();
  });
  H2Setup before = WithTable(100);
  before.handshake = false;
  ForAllCuts(before, [](H2Harness& h) {
    // Nothing is acknowledged yet.
    h.Feed(wire::Settings() << wire::Headers(1, h.Request("/"), true));
    EXPECT_TRUE(h.knows(1));
    EXPECT_EQ(h.CountFrames(FrameType::kGoaway), 0u);
    h.Feed(wire::SettingsAck());
    h.encoder().SetLimit(100);
    h.ExpectFine();
  });
}

TEST(H2Conformance, TheTableKeepsItsLimit) {
  BlockCosts("\x3f\xe2\x1f\x82");  // 4097
  CostsTheConnection(kCompression, wire::Headers(5, "\x3f\xff\xff\x03\x82", true));
  // 8192 are fine once they are acknowledged.
  ForAllCuts(WithTable(8192), [](H2Harness& h) {
    h.Feed(wire::Headers(1, "\x3f\xe1\x3f" + h.Request("/"), true));
    EXPECT_TRUE(h.knows(1));
    h.ExpectFine();
  });
}

// ---- RFC 7541

TEST(H2Conformance, NoIndexBehindTheTables) {
  // 62 is the first of the dynamic table, where a backend has put nothing; in that of a client
  // stand the five fields of OpenTwo.
  CostsTheConnection(H2Setup::Client(), kCompression, wire::Headers(1, "\xbe", true));
  BlockCosts("\xc3");
  BlockCosts("\x7f\x04\x01v");  // a name by that index
  BlockCosts("\xff\x80\x01");   // 255
}

TEST(H2Conformance, ASizeUpdateComesFirst) {
  BlockCosts("\x82\x20");
  BlockCosts("\x82\x86\x3f\xe1\x1f\x84");
}

TEST(H2Conformance, NoThirdSizeUpdate) {
  BlockCosts("\x20\x20\x20\x82");
}

TEST(H2Conformance, AnIntegerIsWithinItsBounds) {
  BlockCosts("\xff\xff\xff\xff\xff\xff\x01");
  BlockCosts(std::string("\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12));
  BlockCosts("\xff");
}

TEST(H2Conformance, HuffmanPaddingIsShort) {
  BlockCosts(std::string("\x00\x82\x1f\xff\x01v", 6));  // "a", and eleven ones
}

TEST(H2Conformance, HuffmanPaddingIsOnes) {
  BlockCosts(std::string("\x00\x81\x18\x01v", 5));  // "a", and 000
}

TEST(H2Conformance, NoEosInAString) {
  BlockCosts(std::string("\x00\x84\xff\xff\xff\xff\x01v", 8));
}

TEST(H2Conformance, ABlockIsWhole) {
  BlockCosts(std::string("\x00", 1));
  BlockCosts(std::string("\x00\x05nam", 5));
  BlockCosts(std::string("\x00\x04name", 6));
  BlockCosts(std::string("\x00\x04name\x06value", 12));
}

TEST(H2Conformance, NoIndexZero) {
  BlockCosts("\x80");
}

TEST(H2Conformance, ASizeUpdateKeepsTheLimit) {
  BlockCosts("\x3f\xe2\x1f");
}

// ---- 10.5

TEST(H2Conformance, AHeaderListKeepsItsSize) {
  H2Setup setup;
  setup.params.max_head_bytes = 2000;
  ForAllCuts(setup, [](H2Harness& h) {
    OpenTwo(h);
    h.Feed(
        wire::Headers(
            5, h.Request("/", {{"x-entered", "before"}, {"x-big", std::string(1800, 'b')}}), false)
        << wire::Data(5, "its body", true));
    ASSERT_TRUE(h.knows(5));
    EXPECT_EQ(h.stream(5).status, 431);
    EXPECT_EQ(h.stream(5).reason, WEIR_REASON_OVERFLOW);
    EXPECT_EQ(h.Answer(5, 431, true), WEIR_OK);
    EXPECT_EQ(h.LastFrame(FrameType::kHeaders, 5)->Field(":status"), "431");
    h.Feed(wire::Headers(7, h.Request("/", {{"x-entered", "before"}}), true));
    EXPECT_EQ(h.stream(7).heads.at(0).Field("x-entered"), "before");
    h.ExpectServes();
  });
  // RFC 7541 section 4.1: 32 octets for each field, and to the last of them it is fine.
  const uint32_t plain = 4 * 32 + 7 + 3 + 7 + 4 + 5 + 1 + 10 + 9;
  for (const uint32_t over : {0u, 1u}) {
    ForAllCuts(setup, [&](H2Harness& h) {
      const std::string value(2000 - plain - 32 - 5 + over, 'v');
      h.Feed(wire::Headers(1, h.Request("/", {{"x-big", value}}), true));
      ASSERT_TRUE(h.knows(1));
      EXPECT_EQ(h.stream(1).status, over == 0 ? 0 : 431);
    });
  }
  ForAllCuts(H2Setup::Client(), [](H2Harness& h) {
    OpenTwo(h);
    h.setup().cut = 0;
    std::string block;
    for (int i = 0; i < 16; ++i)
      block += h.Block({{"x-" + std::to_string(i), std::string(4000, 'v')}});
    h.Feed(wire::Headers(1, h.Response("200"), false, false));
    for (size_t at = 0; at < block.size(); at += 16384) {
      h.Feed(wire::Continuation(1, block.substr(at, 16384), at + 16384 >= block.size()));
    }
    h.ExpectStreamError(1, ErrorCode::kEnhanceYourCalm);
    EXPECT_EQ(h.stream(1).reason, WEIR_REASON_OVERFLOW);
  });
}

// Here pseudo-fields are counted too, as many as there may be; the host counts the others alone.
TEST(H2Conformance, AHeaderListKeepsItsCount) {
  H2Setup setup;
  setup.params.max_field_count = 10;
  for (const int count : {10, 11}) {
    ForAllCuts(setup, [&](H2Harness& h) {
      TextFields more;
      for (int i = 0; i < count + 2; ++i) more.emplace_back("x-" + std::to_string(i), "v");
      h.Feed(wire::Headers(1, h.Request("/", more), true));
      ASSERT_TRUE(h.knows(1));
      EXPECT_EQ(h.stream(1).status, count == 10 ? 0 : 431);
      if (count != 10) h.Answer(1, 431, true);
      h.ExpectServes();
    });
  }
}

}  // namespace
}  // namespace weir::h2
