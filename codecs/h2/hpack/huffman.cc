#include "codecs/h2/hpack/huffman.h"

#include <array>
#include <cstring>

namespace weir::h2::hpack {
namespace {

constexpr size_t kSymbols = 257;
constexpr uint32_t kEos = 256;
constexpr unsigned kMaxLength = 30;

// The lengths of the codes in bits, 16 symbols a line, EOS last.
constexpr std::array<uint8_t, kSymbols> kLengths = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,  // 0x00
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,  // 0x10
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,   // 0x20
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10,  // 0x30
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,   // 0x40
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,   // 0x50
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,   // 0x60
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28,  // 0x70
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,  // 0x80
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,  // 0x90
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,  // 0xa0
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,  // 0xb0
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,  // 0xc0
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,  // 0xd0
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,  // 0xe0
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,  // 0xf0
    30};

// Symbols by length, then by value: the order of their codes.
struct Canon {
  std::array<uint32_t, kSymbols> codes{};
  std::array<uint16_t, kSymbols> sorted{};
  std::array<uint32_t, kMaxLength + 1> first_code{};
  std::array<uint16_t, kMaxLength + 1> first_rank{};
  // One more than the last code of this length, in the high bits of a word; codes of a length are
  // below all codes that are longer.
  std::array<uint64_t, kMaxLength + 1> bound{};
  bool complete = false;
};

constexpr Canon MakeCanon() {
  Canon canon{};
  uint32_t code = 0;
  uint16_t rank = 0;
  for (unsigned length = 1; length <= kMaxLength; ++length) {
    code <<= 1;
    canon.first_code[length] = code;
    canon.first_rank[length] = rank;
    for (size_t symbol = 0; symbol < kSymbols; ++symbol) {
      if (kLengths[symbol] != length) continue;
      canon.codes[symbol] = code++;
      canon.sorted[rank++] = static_cast<uint16_t>(symbol);
    }
    canon.bound[length] = uint64_t{code} << (32 - length);
  }
  canon.complete = code == uint32_t{1} << kMaxLength;
  return canon;
}

constexpr Canon kCanon = MakeCanon();
static_assert(kCanon.complete && kCanon.codes[kEos] == 0x3fffffff, "a length is wrong");

// Bits per look. 70 bytes of user-agent took 154 ns with 10 bits (4 KiB of table), 127 with 11
// (8 KiB) and 104 with 12 (16 KiB): the longest finds two symbols in one look for 6-bit pairs too.
constexpr unsigned kLookBits = 12;
// Shorter codes are all in the table; what starts a longer one has count 0.
constexpr unsigned kLongLength = kLookBits + 1;

// One entry: the bits of all symbols (a shift by the entry is one by them, see Skip), the first and
// the second symbol, how many there are, the bits of the first.
constexpr unsigned kSymbolShift = 8;
constexpr unsigned kCountShift = 24;
constexpr unsigned kFirstShift = 28;

constexpr uint32_t TotalBits(uint32_t entry) {
  return entry & 0xff;
}
constexpr uint32_t Symbols(uint32_t entry) {
  return entry >> kSymbolShift;
}
constexpr uint32_t Count(uint32_t entry) {
  return (entry >> kCountShift) & 3;
}
constexpr uint32_t FirstBits(uint32_t entry) {
  return entry >> kFirstShift;
}

// The bits behind those that the entry stands for. The shift of the machine takes the count modulo
// 64 by itself, so between two looks there are a load and two shifts.
inline uint64_t Skip(uint64_t word, uint32_t entry) {
  return word << (entry & 63);
}

using Looks = std::array<uint32_t, size_t{1} << kLookBits>;

// Every code of up to kLookBits bits over all looks that start with it.
constexpr void FillFirst(Looks* looks) {
  for (uint32_t symbol = 0; symbol < kEos; ++symbol) {
    const unsigned length = kLengths[symbol];
    if (length > kLookBits) continue;
    const unsigned free = kLookBits - length;
    const uint32_t entry =
        length | symbol << kSymbolShift | 1u << kCountShift | length << kFirstShift;
    for (uint32_t rest = 0; rest < 1u << free; ++rest) {
      (*looks)[kCanon.codes[symbol] << free | rest] = entry;
    }
  }
}

// By the inverted bits, see LoadInverted.
constexpr Looks MakeLooks() {
  Looks firsts{};
  FillFirst(&firsts);
  Looks looks{};
  constexpr uint32_t kMask = (1u << kLookBits) - 1;
  for (uint32_t bits = 0; bits <= kMask; ++bits) {
    uint32_t& look = looks[bits ^ kMask];
    look = firsts[bits];
    const uint32_t length = FirstBits(look);
    const uint32_t next = firsts[(bits << length) & kMask];
    const uint32_t total = length + FirstBits(next);
    if (look == 0 || next == 0 || total > kLookBits) continue;
    const uint32_t symbols = (Symbols(look) & 0xff) | (Symbols(next) & 0xff) << 8;
    look = total | symbols << kSymbolShift | 2u << kCountShift | length << kFirstShift;
  }
  return looks;
}

alignas(64) constexpr Looks kLooks = MakeLooks();

// The next bits of a string at the top, inverted: what is shifted in from below reads as ones,
// which is what good padding goes on with.
inline uint64_t LoadInverted(const uint8_t* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) word = __builtin_bswap64(word);
  return ~word;
}

// All of a string of 1 to 7 bytes, at the bottom.
inline uint64_t LoadShort(const uint8_t* data, size_t size) {
  if (size >= 4) {
    uint32_t first;
    uint32_t last;
    std::memcpy(&first, data, sizeof(first));
    std::memcpy(&last, data + size - 4, sizeof(last));
    if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
      first = __builtin_bswap32(first);
      last = __builtin_bswap32(last);
    }
    return uint64_t{first} << (8 * (size - 4)) | last;
  }
  uint64_t word = data[0];
  for (size_t i = 1; i < size; ++i) word = word << 8 | data[i];
  return word;
}

inline uint32_t Look(uint64_t inverted) {
  return kLooks[inverted >> (64 - kLookBits)];
}

// The symbol of a code of more than kLookBits bits at the top of the word, and its length.
uint32_t LongSymbol(uint64_t inverted, unsigned* length) {
  const uint64_t top = ~inverted >> 32;
  unsigned n = kLongLength;
  while (n < kMaxLength && top >= kCanon.bound[n]) ++n;
  *length = n;
  const auto offset = static_cast<uint32_t>(top >> (32 - n)) - kCanon.first_code[n];
  return kCanon.sorted[kCanon.first_rank[n] + offset];
}

inline void Store2(char* at, uint32_t entry) {
  at[0] = static_cast<char>(Symbols(entry) & 0xff);
  at[1] = static_cast<char>(Symbols(entry) >> 8 & 0xff);
}

}  // namespace

// One symbol, with at least 64 bits of the string left.
Huffman HuffmanReader::ReadOne(char** at, char* limit) {
  const uint64_t word = LoadInverted(data_ + used_ / 8) << (used_ & 7);
  const uint32_t entry = Look(word);
  unsigned length = FirstBits(entry);
  uint32_t symbol = Symbols(entry) & 0xff;
  if (length == 0) symbol = LongSymbol(word, &length);
  if (symbol == kEos) return Huffman::kBad;
  if (*at == limit) return Huffman::kNoRoom;
  *(*at)++ = static_cast<char>(symbol);
  used_ += length;
  return Huffman::kDone;
}

Huffman HuffmanReader::Read(char** at, char* limit) {
  while (bits_ - used_ >= 64) {
    if (limit - *at < 8) {
      const Huffman one = ReadOne(at, limit);
      if (one != Huffman::kDone) return one;
      continue;
    }
    // 57 bits are good after the shift: four looks. One that finds a long code stands still, and
    // so do those after it; the next round finds it first.
    uint64_t word = LoadInverted(data_ + used_ / 8) << (used_ & 7);
    uint32_t entry = Look(word);
    if (entry == 0) {
      const Huffman one = ReadOne(at, limit);
      if (one != Huffman::kDone) return one;
      continue;
    }
    char* out = *at;
    uint64_t used = used_;
    for (int look = 0;; ++look) {
      Store2(out, entry);
      out += Count(entry);
      used += TotalBits(entry);
      if (look == 3) break;
      word = Skip(word, entry);
      entry = Look(word);
    }
    *at = out;
    used_ = used;
  }
  return ReadTail(at, limit);
}

// The last 63 bits at most. What lies behind the end reads as ones, so that good padding is the
// start of EOS and nothing else is.
Huffman HuffmanReader::ReadTail(char** at, char* limit) {
  auto left = static_cast<unsigned>(bits_ - used_);
  if (left == 0) return Huffman::kDone;
  const auto size = static_cast<size_t>(bits_ / 8);
  uint64_t word = size >= 8 ? LoadInverted(data_ + size - 8) : ~LoadShort(data_, size);
  word <<= 64 - left;
  while (left > 0) {
    const uint32_t entry = Look(word);
    if (TotalBits(entry) - 1 < left && limit - *at >= 2) {
      Store2(*at, entry);
      *at += Count(entry);
      left -= TotalBits(entry);
      used_ += TotalBits(entry);
      word = Skip(word, entry);
      continue;
    }
    unsigned length = FirstBits(entry);
    uint32_t symbol = Symbols(entry) & 0xff;
    if (length == 0) symbol = LongSymbol(word, &length);
    if (symbol == kEos) return left < 8 ? Huffman::kDone : Huffman::kBad;
    if (length > left) return Huffman::kBad;
    if (*at == limit) return Huffman::kNoRoom;
    *(*at)++ = static_cast<char>(symbol);
    left -= length;
    used_ += length;
    word <<= length;
  }
  return Huffman::kDone;
}

int64_t HuffmanDecodedSize(const uint8_t* data, size_t size) {
  HuffmanReader reader(data, size);
  char bytes[256];
  int64_t total = 0;
  while (true) {
    char* at = bytes;
    const Huffman result = reader.Read(&at, bytes + sizeof(bytes));
    total += at - bytes;
    if (result == Huffman::kDone) return total;
    if (result == Huffman::kBad) return -1;
  }
}

size_t HuffmanSize(const char* data, size_t size) {
  size_t bits = 0;
  for (size_t i = 0; i < size; ++i) bits += kLengths[static_cast<uint8_t>(data[i])];
  return (bits + 7) / 8;
}

uint8_t* HuffmanWrite(uint8_t* at, const char* data, size_t size) {
  uint64_t word = 0;  // the low `bits` of it wait to be written
  unsigned bits = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto symbol = static_cast<uint8_t>(data[i]);
    word = word << kLengths[symbol] | kCanon.codes[symbol];
    bits += kLengths[symbol];
    for (; bits >= 8; bits -= 8) *at++ = static_cast<uint8_t>(word >> (bits - 8));
  }
  if (bits > 0) *at++ = static_cast<uint8_t>(word << (8 - bits) | 0xffu >> bits);
  return at;
}

}  // namespace weir::h2::hpack
