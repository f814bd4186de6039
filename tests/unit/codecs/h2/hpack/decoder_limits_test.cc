// What a block may hold, and that the table is in step when it holds more.
#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/hpack_harness.h"
#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

constexpr uint8_t kIndexing = 0x40;
constexpr uint8_t kNotIndexed = 0x00;

Bytes Times(size_t count, const Bytes& what) {
  Bytes block;
  for (size_t i = 0; i < count; ++i) block = block + what;
  return block;
}

TEST(HpackLimits, AsManyFieldsAsAllowedAreKeptAndOneMoreIsTooMany) {
  DecoderUnderTest decoder(100);
  EXPECT_EQ(decoder.Decode(Times(100, {0x82})), Status::kOk);
  EXPECT_EQ(decoder.block().count, 100u);
  EXPECT_EQ(decoder.Decode(Times(101, {0x82})), Status::kTooMany);
  EXPECT_EQ(decoder.block().count, 0u);
  EXPECT_STREQ(decoder.decoder().detail(), "http2.too_many_headers");
  EXPECT_EQ(decoder.Decode({0x82}), Status::kOk);
}

TEST(HpackLimits, TheListMayBeAsLargeAsAllowedAndNoOctetMore) {
  // :method GET counts for 7 + 3 + 32.
  DecoderUnderTest decoder(100, 5 * 42);
  EXPECT_EQ(decoder.Decode(Times(5, {0x82})), Status::kOk);
  EXPECT_EQ(decoder.block().list_size, 210u);
  EXPECT_EQ(decoder.Decode(Times(6, {0x82})), Status::kTooLarge);
  EXPECT_EQ(decoder.block().list_size, 252u);
  EXPECT_STREQ(decoder.decoder().detail(), "http2.headers_too_large");
  decoder.max_list_size = 209;
  EXPECT_EQ(decoder.Decode(Times(5, {0x82})), Status::kTooLarge);
  EXPECT_EQ(decoder.block().count, 0u);
}

TEST(HpackLimits, EveryCrumbOfACookieCounts) {
  const Bytes first = LiteralBlock(kIndexing, "cookie", "a=b");
  DecoderUnderTest decoder(1000, 65536);
  ASSERT_EQ(decoder.Decode(first), Status::kOk);
  EXPECT_EQ(decoder.Decode(Times(65536 / 41, {0xbe})), Status::kTooMany);
  decoder.max_fields = 10000;
  EXPECT_EQ(decoder.Decode(Times(65536 / 41, {0xbe})), Status::kOk);
  EXPECT_EQ(decoder.Decode(Times(65536 / 41 + 1, {0xbe})), Status::kTooLarge);
  EXPECT_EQ(decoder.block().list_size, (65536 / 41 + 1) * 41u);
}

// One entry of nearly the table's size, called by one byte, thousands of times.
TEST(HpackLimits, AnAmplifiedBlockCostsNoMoreThanTheLimits) {
  DecoderUnderTest decoder(100, 65536, 65536);
  ASSERT_EQ(decoder.Decode(LiteralBlock(kIndexing, "x", std::string(4000, 'v'))), Status::kOk);
  EXPECT_EQ(decoder.Decode(Times(16000, {0xbe})), Status::kTooLarge);
  EXPECT_EQ(decoder.block().list_size, 16000u * 4033);
  EXPECT_EQ(decoder.Decode({0xbe}), Status::kOk);
  EXPECT_EQ(decoder.Text()[0].second, std::string(4000, 'v'));
}

TEST(HpackLimits, ANameBeyondWhatAFieldCanSayIsTooLarge) {
  for (const bool huffman : {false, true}) {
    DecoderUnderTest decoder;
    EXPECT_EQ(decoder.Decode(LiteralBlock(kNotIndexed, std::string(65535, 'n'), "v", huffman)),
              Status::kOk);
    EXPECT_EQ(decoder.Decode(LiteralBlock(kNotIndexed, std::string(65536, 'n'), "v", huffman)),
              Status::kTooLarge);
  }
}

TEST(HpackLimits, NoFieldsAreAllowedAtAll) {
  DecoderUnderTest decoder(0, 0, 4096);
  EXPECT_EQ(decoder.Decode({}), Status::kOk);
  EXPECT_EQ(decoder.Decode({0x82}), Status::kTooMany);
}

// Blocks that are over a limit at every point of them; the tables stay those of a decoder that has
// no limits, and so does what the next block says.
TEST(HpackLimits, TheTableIsInStepAfterABlockThatIsOverALimit) {
  Bytes block = FromHex("82");
  for (const bool huffman : {false, true}) {
    block = block + LiteralBlock(kIndexing, "x-some-name", std::string(300, 'a'), huffman) +
            LiteralBlock(kNotIndexed, "x-other", std::string(500, 'b'), huffman) +
            LiteralBlock(kIndexing, "server", std::string(700, 'c'), huffman) +
            FromHex("be bf 7e03616263") +
            LiteralBlock(kIndexing, "x-large", std::string(3900, 'd'), huffman) +
            LiteralBlock(kIndexing, "x-larger", std::string(5000, 'e'), huffman) +
            LiteralBlock(kIndexing, "x-last", "last", huffman) + FromHex("be");
  }
  DecoderUnderTest free;
  ASSERT_EQ(free.Decode(block), Status::kOk) << free.decoder().detail();
  const uint32_t all = free.block().count;
  const auto size = static_cast<uint32_t>(free.block().list_size);
  for (uint32_t fields = 0; fields < all; ++fields) {
    DecoderUnderTest decoder(fields, 1 << 20, 4096);
    EXPECT_NE(decoder.Decode(block), Status::kOk);
    EXPECT_EQ(decoder.TableText(), free.TableText()) << fields;
  }
  for (uint32_t list = 0; list < size; list += 37) {
    for (const size_t scratch : {size_t{4096}, size_t{list} + 4096}) {
      DecoderUnderTest decoder(1000, list, scratch);
      EXPECT_EQ(decoder.Decode(block), Status::kTooLarge);
      EXPECT_EQ(decoder.block().list_size, size);
      EXPECT_EQ(decoder.TableText(), free.TableText()) << list;
      decoder.max_list_size = 1000;
      EXPECT_EQ(decoder.DecodeHex("be"), Status::kOk);
      EXPECT_EQ(decoder.Text(), (TextFields{{"x-last", "last"}}));
    }
  }
}

TEST(HpackLimits, AStringBeyondTheScratchMemoryIsDecodedToItsEnd) {
  for (const uint8_t form : {kIndexing, kNotIndexed}) {
    DecoderUnderTest decoder(10, 8192, 8192);
    ASSERT_EQ(decoder.Decode(LiteralBlock(kIndexing, "x-a", "b")), Status::kOk);
    EXPECT_EQ(decoder.Decode(LiteralBlock(form, "x-b", std::string(100000, 'v'), true)),
              Status::kTooLarge);
    EXPECT_EQ(decoder.block().list_size, 100000u + 3 + 32);
    EXPECT_EQ(decoder.table().count(), form == kIndexing ? 0u : 1u);
    EXPECT_EQ(decoder.Decode(LiteralBlock(form, std::string(100000, 'n'), "v", true)),
              Status::kTooLarge);
    // Bad padding at the end of what is thrown away is an error all the same.
    Bytes bad = LiteralBlock(form, "x-b", std::string(100000, 'v'), true);
    bad.back() = 0;
    EXPECT_EQ(decoder.Decode(bad), Status::kCompression);
  }
}

TEST(HpackLimits, AnErrorBehindTheLimitIsTheConnectionsAllTheSame) {
  DecoderUnderTest decoder(1);
  EXPECT_EQ(decoder.DecodeHex("82 82 80"), Status::kCompression);
  EXPECT_STREQ(decoder.decoder().detail(), "http2.hpack.index");
}

TEST(HpackLimits, ACallerWithTooLittleScratchMemoryLosesTheConnectionNotTheStep) {
  DecoderUnderTest decoder(10, 1 << 20, 100);
  EXPECT_EQ(decoder.Decode(LiteralBlock(kIndexing, "x-a", std::string(1000, 'v'), true)),
            Status::kNoMemory);
}

// Of what the other implementation writes, under limits that change from block to block.
TEST(HpackLimits, BlocksWithinTheLimitsAreRightBetweenBlocksThatAreNot) {
  Nghttp2Deflater deflater;
  DecoderUnderTest decoder(100, 600, 4096);
  int kept = 0;
  for (size_t i = 0; i < 2000; ++i) {
    TextFields fields;
    for (size_t f = 0; f < i % 7; ++f) {
      fields.emplace_back("x-" + std::to_string(i * f % 11),
                          std::string(i * (f + 3) % 150, static_cast<char>('a' + i % 5)));
    }
    uint32_t size = 0;
    for (const auto& [name, value] : fields) {
      size += static_cast<uint32_t>(name.size() + value.size()) + 32;
    }
    const Status status = decoder.Decode(deflater.Encode(fields));
    ASSERT_EQ(status, size <= 600 ? Status::kOk : Status::kTooLarge);
    ASSERT_EQ(decoder.Text(), size <= 600 ? fields : TextFields{});
    if (size <= 600) ++kept;
  }
  EXPECT_GT(kept, 500);
  EXPECT_LT(kept, 1900);
}

}  // namespace
}  // namespace weir::h2::hpack
