#include "codecs/h2/hpack/decoder.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "codecs/h2/hpack/integer.h"
#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

namespace weir::h2::hpack {
namespace {

constexpr uint8_t kIndexing = 0x40;
constexpr uint8_t kNeverIndexed = 0x10;
constexpr uint8_t kNotIndexed = 0x00;

void ExpectBad(std::string_view hex, std::string_view detail) {
  DecoderUnderTest decoder;
  EXPECT_EQ(decoder.DecodeHex(hex), Status::kCompression) << hex;
  EXPECT_EQ(decoder.decoder().detail(), detail) << hex;
  EXPECT_EQ(decoder.block().count, 0u);
}

bool Within(const char* at, const void* from, size_t size) {
  const auto* begin = static_cast<const char*>(from);
  return at >= begin && at < begin + size;
}

// ---- Integers (5.1) ----------------------------------------------------------------------------

struct ReadInt {
  bool ok;
  uint32_t value;
  size_t used;
};

ReadInt ReadAll(const Bytes& bytes, unsigned prefix_bits) {
  const Bytes exact(bytes.begin(), bytes.end());
  const uint8_t* at = exact.data();
  uint32_t value = 0;
  const bool ok = ReadInteger(&at, exact.data() + exact.size(), prefix_bits, &value);
  return {ok, value, ok ? static_cast<size_t>(at - exact.data()) : 0};
}

TEST(HpackInteger, EveryPrefixWritesAndReadsItsEdges) {
  for (unsigned bits = 1; bits <= 8; ++bits) {
    const uint32_t mask = (1u << bits) - 1;
    for (const uint32_t value : {0u, mask - 1, mask, mask + 1, mask + 127, mask + 128, mask + 16383,
                                 mask + 16384, UINT32_MAX - 1, UINT32_MAX}) {
      uint8_t out[kMaxIntegerSize];
      uint8_t* const end = WriteInteger(out, 0, bits, value);
      ASSERT_LE(end, out + sizeof(out));
      const ReadInt read = ReadAll(Bytes(out, end), bits);
      EXPECT_TRUE(read.ok);
      EXPECT_EQ(read.value, value);
      EXPECT_EQ(read.used, static_cast<size_t>(end - out));
      for (ptrdiff_t cut = 0; cut < end - out; ++cut) {
        EXPECT_FALSE(ReadAll(Bytes(out, out + cut), bits).ok) << value << " cut at " << cut;
      }
    }
  }
}

TEST(HpackInteger, BitsAboveThePrefixAreNotItsOwn) {
  EXPECT_EQ(ReadAll({0xea}, 5).value, 10u);
  EXPECT_EQ(ReadAll({0xff, 0x9a, 0x0a}, 5).value, 1337u);
}

TEST(HpackInteger, BeyondThirtyTwoBitsIsRefused) {
  EXPECT_EQ(ReadAll(FromHex("7f80ffffff0f"), 7).value, UINT32_MAX);
  EXPECT_FALSE(ReadAll(FromHex("7f81ffffff0f"), 7).ok);
  EXPECT_FALSE(ReadAll(FromHex("7fffffffff7f"), 7).ok);
}

TEST(HpackInteger, ZerosInFrontOfTheEndAreBounded) {
  EXPECT_EQ(ReadAll(FromHex("7f 80808080 00"), 7).value, 127u);
  EXPECT_FALSE(ReadAll(FromHex("7f 8080808080 00"), 7).ok);
}

// ---- Fields ------------------------------------------------------------------------------------

TEST(HpackDecoder, AnEmptyBlockHasNoFields) {
  DecoderUnderTest decoder;
  EXPECT_EQ(decoder.DecodeHex(""), Status::kOk);
  EXPECT_EQ(decoder.block().count, 0u);
}

TEST(HpackDecoder, Index0IsRefused) {
  ExpectBad("80", "http2.hpack.index");
}

TEST(HpackDecoder, AnIndexBehindTheTablesIsRefused) {
  ExpectBad("be", "http2.hpack.index");
  ExpectBad("400161 0162 bf", "http2.hpack.index");
  ExpectBad("ff80ffffff0f", "http2.hpack.index");
  ExpectBad("7f00 0161", "http2.hpack.index");
  ExpectBad("0f2f 0161", "http2.hpack.index");
}

TEST(HpackDecoder, EveryFormOfALiteralGivesItsFieldAndItsFlag) {
  for (const bool huffman : {false, true}) {
    for (const uint8_t form : {kIndexing, kNeverIndexed, kNotIndexed}) {
      DecoderUnderTest decoder;
      ASSERT_EQ(decoder.Decode(LiteralBlock(form, "x-name", "a value", huffman)), Status::kOk);
      EXPECT_EQ(decoder.Text(), (TextFields{{"x-name", "a value"}}));
      EXPECT_EQ((decoder.at(0).flags & WEIR_FIELD_NEVER_INDEX) != 0, form == kNeverIndexed);
      EXPECT_EQ(decoder.table().count(), form == kIndexing ? 1u : 0u);
      EXPECT_EQ(decoder.at(0).token, WEIR_TOKEN_UNKNOWN);
      EXPECT_EQ(decoder.at(0).raw_form, 0);
      EXPECT_EQ(decoder.at(0).reserved, 0u);
    }
  }
}

TEST(HpackDecoder, KnownNamesAndPseudoFieldsHaveTheirTokenHoweverTheyCome) {
  for (const bool huffman : {false, true}) {
    DecoderUnderTest decoder;
    const Bytes block = LiteralBlock(kIndexing, "traceparent", "1", huffman) +
                        LiteralBlock(kNotIndexed, ":protocol", "websocket", huffman) +
                        LiteralBlock(kNotIndexed, "server", "s", huffman) + FromHex("be 58 0132") +
                        LiteralBlock(kNotIndexed, ":strange", "1", huffman);
    ASSERT_EQ(decoder.Decode(block), Status::kOk);
    const TextFields expected = {{"traceparent", "1"},   {":protocol", "websocket"},
                                 {"server", "s"},        {"traceparent", "1"},
                                 {"cache-control", "2"}, {":strange", "1"}};
    EXPECT_EQ(decoder.Text(), expected);
    const uint16_t tokens[] = {WEIR_TOKEN_TRACEPARENT, kPseudoProtocol,          WEIR_TOKEN_SERVER,
                               WEIR_TOKEN_TRACEPARENT, WEIR_TOKEN_CACHE_CONTROL, kPseudoUnknown};
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(decoder.at(i).token, tokens[i]) << i;
  }
}

TEST(HpackDecoder, UpperCaseAndEmptyNamesComeOutAsTheyAre) {
  DecoderUnderTest decoder;
  const Bytes block = LiteralBlock(kIndexing, "Server", "a") + LiteralBlock(kIndexing, "", "b") +
                      FromHex("bf be") + LiteralBlock(kNotIndexed, "", "", true);
  ASSERT_EQ(decoder.Decode(block), Status::kOk);
  EXPECT_EQ(decoder.Text(),
            (TextFields{{"Server", "a"}, {"", "b"}, {"Server", "a"}, {"", "b"}, {"", ""}}));
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(decoder.at(i).token, WEIR_TOKEN_UNKNOWN);
}

TEST(HpackDecoder, AnEntryWhoseBytesAreGoodIsMarkedAndNoOther) {
  const std::pair<Bytes, bool> kExamples[] = {
      {LiteralBlock(kIndexing, "x-a", "v"), true},
      {LiteralBlock(kIndexing, "server", "a\tb \xff"), true},
      {LiteralBlock(kIndexing, "server", ""), true},
      {LiteralBlock(kIndexing, "X-a", "v"), false},
      {LiteralBlock(kIndexing, "", "v"), false},
      {LiteralBlock(kIndexing, "x a", "v"), false},
      {LiteralBlock(kIndexing, ":x", "v"), false},
      {LiteralBlock(kIndexing, "server", "a\r\nb"), false},
      {LiteralBlock(kIndexing, "server", std::string("a\0b", 3)), false},
      {LiteralBlock(kIndexing, "server", " a"), false},
      {LiteralBlock(kIndexing, "server", "a\t"), false},
  };
  for (const auto& [block, good] : kExamples) {
    DecoderUnderTest decoder;
    ASSERT_EQ(decoder.Decode(block + FromHex("be")), Status::kOk);
    EXPECT_EQ((decoder.at(0).flags & kFieldChecked) != 0, good) << decoder.Text()[0].second;
    EXPECT_EQ((decoder.at(1).flags & kFieldChecked) != 0, good) << decoder.Text()[0].second;
  }
}

// ---- Where the bytes are -----------------------------------------------------------------------

TEST(HpackDecoder, ARawLiteralIsNotCopied) {
  DecoderUnderTest decoder;
  const Bytes block = LiteralBlock(kNotIndexed, "x-name", "a value");
  std::vector<char> scratch(4096);
  weir_field field{};
  Block out;
  out.fields = &field;
  out.max_fields = 1;
  out.max_list_size = 1000;
  out.at = scratch.data();
  out.limit = scratch.data() + scratch.size();
  ASSERT_EQ(decoder.decoder().Decode(block.data(), block.size(), &out), Status::kOk);
  EXPECT_TRUE(Within(field.name, block.data(), block.size()));
  EXPECT_TRUE(Within(field.value, block.data(), block.size()));
  EXPECT_EQ(out.at, scratch.data());
}

TEST(HpackDecoder, FieldsOutliveTheEntriesThatTheyCameFrom) {
  DecoderUnderTest decoder;
  ASSERT_EQ(decoder.Decode(LiteralBlock(kIndexing, "x-old", "the old value")), Status::kOk);
  // Named, then pushed out and overwritten in the same block.
  Bytes block = FromHex("be");
  for (int i = 0; i < 20; ++i) {
    block = block + LiteralBlock(kIndexing, "x-new", std::string(900, static_cast<char>('a' + i)));
  }
  ASSERT_EQ(decoder.Decode(block), Status::kOk);
  EXPECT_EQ(decoder.Text()[0], (std::pair<std::string, std::string>{"x-old", "the old value"}));
  EXPECT_EQ(decoder.Text()[20].second, std::string(900, 't'));
  EXPECT_EQ(decoder.table().count(), 4u);
}

// 4.4: the name may be that of an entry which has to go for the new one.
TEST(HpackDecoder, ANameMayBeThatOfAnEntryThatIsEvictedForIt) {
  DecoderUnderTest decoder;
  const std::string large(3000, 'v');
  ASSERT_EQ(decoder.Decode(LiteralBlock(kIndexing, "x-name", large)), Status::kOk);
  Bytes block = FromHex("7e");  // the name of entry 62
  block = block + Bytes{0x7f, 0xb9, 0x16};
  block.insert(block.end(), 3000, 'w');
  ASSERT_EQ(decoder.Decode(block), Status::kOk);
  EXPECT_EQ(decoder.Text(), (TextFields{{"x-name", std::string(3000, 'w')}}));
  EXPECT_EQ(decoder.TableText(), (TextFields{{"x-name", std::string(3000, 'w')}}));
}

TEST(HpackDecoder, ScratchMemoryOfTheListsSizeIsEnoughWhateverComes) {
  const Bytes block = LiteralBlock(kIndexing, "x-name", "a value, longer than others", true) +
                      FromHex("be be") + LiteralBlock(kNotIndexed, "x-b", "another", true);
  const uint32_t list = 3 * (6 + 27 + 32) + 3 + 7 + 32;
  DecoderUnderTest decoder(10, list, 4096);
  ASSERT_EQ(decoder.Decode(block), Status::kOk);
  EXPECT_EQ(decoder.block().list_size, list);
  // With exactly as much as the strings take.
  DecoderUnderTest exact(10, list, 3 * (6 + 27) + 3 + 7);
  ASSERT_EQ(exact.Decode(block), Status::kOk);
  EXPECT_EQ(exact.Text(), decoder.Text());
  // With one byte less.
  DecoderUnderTest less(10, list, 3 * (6 + 27) + 3 + 6);
  EXPECT_EQ(less.Decode(block), Status::kTooLarge);
}

// ---- Hostile input -----------------------------------------------------------------------------

TEST(HpackDecoder, BadHuffmanIsRefusedInNameAndValue) {
  ExpectBad("00 81ff 0161", "http2.hpack.huffman");
  ExpectBad("00 0161 81ff", "http2.hpack.huffman");
  ExpectBad("00 0161 84ffffffff", "http2.hpack.huffman");
  ExpectBad("40 0161 81b8", "http2.hpack.huffman");
}

// A cut leaves whole fields, or it is an error; nothing is read beyond it.
TEST(HpackDecoder, ABlockThatIsCutIsAnErrorUnlessTheCutIsBetweenFields) {
  const std::vector<Bytes> fields = {
      FromHex("82"),
      LiteralBlock(kIndexing, "x-first", std::string(200, 'v')),
      LiteralBlock(kNotIndexed, "x-second", "coded text 0123", true),
      LiteralBlock(kNeverIndexed, "x-third", std::string(300, 'w'), true),
      FromHex("be"),
      FromHex("7e 03616263"),
      FromHex("0f30 86a8eb10649cbf"),
      FromHex("bf"),
  };
  Bytes block = FromHex("3fe11f");
  std::vector<size_t> good = {0, 3};
  for (const Bytes& field : fields) {
    block = block + field;
    good.push_back(block.size());
  }
  size_t whole = 0;
  for (size_t cut = 0; cut <= block.size(); ++cut) {
    DecoderUnderTest decoder;
    const Status status =
        decoder.Decode(Bytes(block.begin(), block.begin() + static_cast<ptrdiff_t>(cut)));
    const bool between = std::find(good.begin(), good.end(), cut) != good.end();
    EXPECT_EQ(status, between ? Status::kOk : Status::kCompression) << cut;
    if (between) ++whole;
  }
  EXPECT_EQ(whole, good.size());
}

TEST(HpackDecoder, AfterAnErrorEachBlockIsRefused) {
  DecoderUnderTest decoder;
  EXPECT_EQ(decoder.DecodeHex("80"), Status::kCompression);
  EXPECT_EQ(decoder.DecodeHex("82"), Status::kCompression);
  EXPECT_EQ(decoder.block().count, 0u);
}

TEST(HpackDecoder, RefusedMemoryIsTheConnectionsEnd) {
  DecoderUnderTest decoder;
  CountedMemory::refuse = true;
  EXPECT_EQ(decoder.Decode(LiteralBlock(kIndexing, "a", "b")), Status::kNoMemory);
  CountedMemory::refuse = false;
  EXPECT_EQ(decoder.DecodeHex("82"), Status::kNoMemory);
}

TEST(HpackDecoder, ADecoderWithoutEntriesHoldsNoMemory) {
  const size_t before = CountedMemory::held;
  DecoderUnderTest decoder;
  ASSERT_EQ(decoder.Decode(FromHex("82 84 87") + LiteralBlock(kNotIndexed, "a", "b")), Status::kOk);
  EXPECT_EQ(CountedMemory::held, before);
}

}  // namespace
}  // namespace weir::h2::hpack
