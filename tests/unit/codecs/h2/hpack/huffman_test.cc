#include "codecs/h2/hpack/huffman.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/codecs/h2/hpack/nghttp2_peer.h"

namespace weir::h2::hpack {
namespace {

struct Decoded {
  Huffman result;
  std::string text;

  bool operator==(const Decoded& other) const {
    return result == other.result && text == other.text;
  }
};

// With output areas of `piece` bytes, one after the other.
Decoded Decode(const Bytes& exact, size_t piece) {
  const Bytes coded(exact.begin(), exact.end());
  HuffmanReader reader(coded.data(), coded.size());
  Decoded decoded;
  while (true) {
    std::vector<char> room(piece);
    char* at = room.data();
    decoded.result = reader.Read(&at, room.data() + room.size());
    decoded.text.append(room.data(), static_cast<size_t>(at - room.data()));
    if (decoded.result != Huffman::kNoRoom) return decoded;
  }
}

Bytes Encode(const std::string& text) {
  Bytes coded(HuffmanSize(text.data(), text.size()));
  EXPECT_EQ(HuffmanWrite(coded.data(), text.data(), text.size()), coded.data() + coded.size());
  return coded;
}

Huffman ResultOf(const Bytes& coded) {
  const Decoded whole = Decode(coded, 4096);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{9}}) {
    EXPECT_TRUE(Decode(coded, piece) == whole) << piece;
  }
  const int64_t size = HuffmanDecodedSize(coded.data(), coded.size());
  if (whole.result == Huffman::kDone) {
    EXPECT_EQ(size, static_cast<int64_t>(whole.text.size()));
  } else {
    EXPECT_EQ(size, -1);
  }
  return whole.result;
}

// Eight of a symbol make whole bytes with eight 5-bit letters, so the other implementation's code
// is seen bit by bit.
TEST(HpackHuffman, EverySymbolHasTheCodeThatTheOtherImplementationWrites) {
  for (int symbol = 0; symbol < 256; ++symbol) {
    const std::string text = std::string(8, static_cast<char>(symbol)) + std::string(64, 'a');
    const Bytes coded = Encode(text);
    Nghttp2Deflater deflater;
    const Bytes block = deflater.Encode({{"x", text}});
    ASSERT_GE(block.size(), coded.size());
    EXPECT_EQ(Bytes(block.end() - static_cast<ptrdiff_t>(coded.size()), block.end()), coded)
        << symbol;
  }
}

TEST(HpackHuffman, EverySymbolComesBackAloneAndBesideEveryOther) {
  for (int first = 0; first < 256; ++first) {
    const std::string alone(1, static_cast<char>(first));
    EXPECT_TRUE((Decode(Encode(alone), 16) == Decoded{Huffman::kDone, alone})) << first;
    for (int second = 0; second < 256; ++second) {
      const std::string pair = alone + static_cast<char>(second) + alone;
      ASSERT_TRUE((Decode(Encode(pair), 16) == Decoded{Huffman::kDone, pair}))
          << first << " " << second;
    }
  }
}

TEST(HpackHuffman, RandomTextComesBackIntoRoomOfAnySize) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 90, 0);
    const uint32_t range = round % 2 == 0 ? 256 : 128;
    for (char& c : text) c = static_cast<char>(random() % range);
    const Bytes coded = Encode(text);
    for (const size_t piece : {size_t{1}, size_t{3}, size_t{8}, size_t{200}}) {
      ASSERT_TRUE((Decode(coded, piece) == Decoded{Huffman::kDone, text})) << round;
    }
    ASSERT_EQ(HuffmanDecodedSize(coded.data(), coded.size()), static_cast<int64_t>(text.size()));
  }
}

TEST(HpackHuffman, AnEmptyStringIsGood) {
  EXPECT_EQ(ResultOf({}), Huffman::kDone);
}

TEST(HpackHuffman, PaddingOfUpToSevenOnesIsGood) {
  // '0' is 00000, '!' is 1111111000, ':' is 1011100, '&' is 11111000: 3, 6, 1 and 0 bits of
  // padding; "ab" is 00011 100011: 5; "0000:" is 27 bits: 5.
  EXPECT_EQ(ResultOf({0x07}), Huffman::kDone);
  EXPECT_EQ(ResultOf({0xfe, 0x3f}), Huffman::kDone);
  EXPECT_EQ(ResultOf({0xb9}), Huffman::kDone);
  EXPECT_EQ(ResultOf({0xf8}), Huffman::kDone);
  // "000" is 15 bits and "00000" is 25: 1 and 7 bits.
  EXPECT_EQ(ResultOf({0x00, 0x01}), Huffman::kDone);
  EXPECT_EQ(ResultOf({0x00, 0x00, 0x00, 0x7f}), Huffman::kDone);
}

TEST(HpackHuffman, PaddingOfEightOnesIsBad) {
  EXPECT_EQ(ResultOf({0xff}), Huffman::kBad);
  EXPECT_EQ(ResultOf({0xf8, 0xff}), Huffman::kBad);
  EXPECT_EQ(ResultOf({0x07, 0xff}), Huffman::kBad);
  EXPECT_EQ(ResultOf({0x00, 0x00, 0x00, 0x7f, 0xff}), Huffman::kBad);
  // Behind more than a word of text.
  Bytes longer = Encode(std::string(64, 'a'));
  longer.push_back(0xff);
  EXPECT_EQ(ResultOf(longer), Huffman::kBad);
}

TEST(HpackHuffman, PaddingWithAZeroIsBad) {
  // '&' and then fewer bits than any code has, not all ones.
  EXPECT_EQ(ResultOf({0xb8}), Huffman::kBad);        // ':' and 0
  EXPECT_EQ(ResultOf({0xfe, 0x3e}), Huffman::kBad);  // '!' and 111110
  EXPECT_EQ(ResultOf({0x00, 0x00}), Huffman::kBad);  // "000" and 0
  EXPECT_EQ(ResultOf({0x00, 0x00, 0x00, 0x7e}), Huffman::kBad);
}

TEST(HpackHuffman, EosInsideIsBadAtEveryPlace) {
  for (size_t before = 0; before < 24; ++before) {
    // `before` times '&', 8 bits, then the 30 ones of EOS and 2 of padding; then more text.
    Bytes coded(before, 0xf8);
    coded.insert(coded.end(), {0xff, 0xff, 0xff, 0xff});
    EXPECT_EQ(ResultOf(coded), Huffman::kBad) << before;
    coded.insert(coded.end(), {0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8, 0xf8});
    EXPECT_EQ(ResultOf(coded), Huffman::kBad) << before;
  }
}

TEST(HpackHuffman, ACodeThatTheEndCutsIsBad) {
  const Bytes coded = Encode(std::string(1, '\x16'));  // 30 bits
  ASSERT_EQ(coded.size(), 4u);
  for (size_t size = 1; size < 4; ++size) {
    EXPECT_EQ(ResultOf(Bytes(coded.begin(), coded.begin() + static_cast<ptrdiff_t>(size))),
              Huffman::kBad);
  }
}

}  // namespace
}  // namespace weir::h2::hpack
