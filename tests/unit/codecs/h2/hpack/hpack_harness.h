// What every test of HPACK needs: blocks written as hex, fields as text, memory that is counted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codecs/h2/hpack/decoder.h"
#include "codecs/h2/hpack/encoder.h"

namespace weir::h2::hpack {

using TextFields = std::vector<std::pair<std::string, std::string>>;
using Bytes = std::vector<uint8_t>;

// Blanks are skipped.
Bytes FromHex(std::string_view hex);

// Memory that is counted, and refused when `refuse` is set.
struct CountedMemory {
  static Memory Get();
  static size_t held;
  static bool refuse;
};

// A decoder with room for one block, which is given back to it as text.
class DecoderUnderTest {
 public:
  explicit DecoderUnderTest(uint32_t max_fields = 1000, uint32_t max_list_size = 1 << 20,
                            size_t scratch_size = 1 << 20);

  Status Decode(const Bytes& block);
  Status DecodeHex(std::string_view hex) { return Decode(FromHex(hex)); }

  // Of the last block.
  TextFields Text() const;
  const weir_field& at(size_t index) const { return fields_[index]; }
  const Block& block() const { return block_; }

  Decoder& decoder() { return decoder_; }
  const DynamicTable& table() const { return decoder_.table(); }
  // The dynamic table, newest first.
  TextFields TableText() const;

  uint32_t max_fields;
  uint32_t max_list_size;

 private:
  Decoder decoder_{CountedMemory::Get()};
  Bytes input_;  // a copy of its own size, so that sanitizers see what reads beyond it
  std::vector<weir_field> fields_;
  std::vector<char> scratch_;
  Block block_;
};

// An encoder that writes blocks of text fields as the codec does: each by its token.
class EncoderUnderTest {
 public:
  explicit EncoderUnderTest(uint32_t max_table = 4096)
      : encoder_(CountedMemory::Get(), max_table) {}

  Bytes Encode(const TextFields& fields, uint16_t flags = 0);
  Encoder& encoder() { return encoder_; }

 private:
  Encoder encoder_;
};

// Literals as a peer writes them: the first byte, then strings with or without Huffman.
Bytes LiteralBlock(uint8_t first, std::string_view name, std::string_view value,
                   bool huffman = false);

Bytes operator+(Bytes left, const Bytes& right);

}  // namespace weir::h2::hpack
