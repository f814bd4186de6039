#include "tests/unit/codecs/h2/hpack/hpack_harness.h"

#include <cstdlib>

#include "codecs/h2/hpack/huffman.h"
#include "plugins/util/ascii.h"

namespace weir::h2::hpack {
namespace {

void AppendString(Bytes* out, std::string_view text, bool huffman) {
  const size_t size = huffman ? HuffmanSize(text.data(), text.size()) : text.size();
  uint8_t length[kMaxIntegerSize];
  uint8_t* const end = WriteInteger(length, huffman ? 0x80 : 0x00, 7, static_cast<uint32_t>(size));
  out->insert(out->end(), length, end);
  if (!huffman) {
    out->insert(out->end(), text.begin(), text.end());
    return;
  }
  Bytes coded(size + 1);
  HuffmanWrite(coded.data(), text.data(), text.size());
  out->insert(out->end(), coded.begin(), coded.end() - 1);
}

}  // namespace

size_t CountedMemory::held = 0;
bool CountedMemory::refuse = false;

Memory CountedMemory::Get() {
  return {[](size_t size) -> void* {
            if (refuse) return nullptr;
            held += size;
            return std::malloc(size);
          },
          [](void* memory, size_t size) {
            held -= size;
            std::free(memory);
          }};
}

Bytes FromHex(std::string_view hex) {
  Bytes bytes;
  int high = -1;
  for (const char c : hex) {
    const int digit = util::HexValue(c);
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(static_cast<uint8_t>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

DecoderUnderTest::DecoderUnderTest(uint32_t fields, uint32_t list_size, size_t scratch_size)
    : max_fields(fields), max_list_size(list_size), scratch_(scratch_size) {}

Status DecoderUnderTest::Decode(const Bytes& block) {
  input_ = Bytes(block.begin(), block.end());
  input_.shrink_to_fit();
  if (fields_.size() < max_fields) fields_.resize(max_fields);
  block_ = Block{};
  block_.fields = fields_.data();
  block_.max_fields = max_fields;
  block_.max_list_size = max_list_size;
  block_.at = scratch_.data();
  block_.limit = scratch_.data() + scratch_.size();
  return decoder_.Decode(input_.data(), input_.size(), &block_);
}

TextFields DecoderUnderTest::Text() const {
  TextFields text;
  for (uint32_t i = 0; i < block_.count; ++i) {
    const weir_field& f = fields_[i];
    text.emplace_back(std::string(f.name, f.name_size), std::string(f.value, f.value_size));
  }
  return text;
}

TextFields DecoderUnderTest::TableText() const {
  TextFields text;
  for (uint32_t i = 0; i < table().count(); ++i) {
    const DynamicTable::Entry& entry = table().At(i);
    text.emplace_back(table().NameOf(entry), table().ValueOf(entry));
  }
  return text;
}

Bytes EncoderUnderTest::Encode(const TextFields& fields, uint16_t flags) {
  size_t room = Encoder::kMaxBegin;
  for (const auto& [name, value] : fields) room += Encoder::MaxSize(name.size(), value.size());
  Bytes bytes(room);
  weir_out out{bytes.data(), bytes.data() + bytes.size()};
  if (!encoder_.Begin(&out)) std::abort();
  for (const auto& [name, value] : fields) {
    weir_field field{};
    field.name = name.data();
    field.name_size = static_cast<uint16_t>(name.size());
    field.value = value.data();
    field.value_size = static_cast<uint32_t>(value.size());
    field.token = FindName(name.data(), name.size());
    field.flags = flags;
    if (!encoder_.Field(&out, field)) std::abort();
  }
  bytes.resize(static_cast<size_t>(out.at - bytes.data()));
  return bytes;
}

Bytes LiteralBlock(uint8_t first, std::string_view name, std::string_view value, bool huffman) {
  Bytes bytes{first};
  AppendString(&bytes, name, huffman);
  AppendString(&bytes, value, huffman);
  return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace weir::h2::hpack
