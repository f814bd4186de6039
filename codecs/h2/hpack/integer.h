// Integers of RFC 7541 5.1: a prefix of 1 to 8 bits, then groups of 7 bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::h2::hpack {

// A number takes at most its prefix byte and five more. Nothing that a block can say needs more
// than 32 bits, and an encoder that pads with empty groups beyond that is refused.
inline constexpr size_t kMaxIntegerSize = 6;

// Reads an integer whose prefix is the low `prefix_bits` of **at, before `end`. True: *at is behind
// it. False: it is cut off, longer than kMaxIntegerSize, or does not fit; *at is undefined.
inline bool ReadInteger(const uint8_t** at, const uint8_t* end, unsigned prefix_bits,
                        uint32_t* value) {
  const uint8_t* p = *at;
  if (p == end) return false;
  const uint32_t mask = (1u << prefix_bits) - 1;
  *value = *p++ & mask;
  if (*value != mask) {
    *at = p;
    return true;
  }
  uint64_t sum = mask;
  for (unsigned shift = 0; shift <= 28; shift += 7) {
    if (p == end) return false;
    const uint8_t byte = *p++;
    sum += static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      *value = static_cast<uint32_t>(sum);
      *at = p;
      return sum <= UINT32_MAX;
    }
  }
  return false;
}

// Writes `value` with the bits of `first` above its prefix; returns the end. At most
// kMaxIntegerSize bytes.
inline uint8_t* WriteInteger(uint8_t* at, uint8_t first, unsigned prefix_bits, uint32_t value) {
  const uint32_t mask = (1u << prefix_bits) - 1;
  if (value < mask) {
    *at++ = static_cast<uint8_t>(first | value);
    return at;
  }
  *at++ = static_cast<uint8_t>(first | mask);
  value -= mask;
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<uint8_t>(value | 0x80);
  *at++ = static_cast<uint8_t>(value);
  return at;
}

}  // namespace weir::h2::hpack
