// Integers as they stand in frames: big endian, unaligned.
#pragma once

#include <cstdint>

namespace weir::h2 {

constexpr uint16_t Read16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] << 8 | at[1]);
}

constexpr uint32_t Read24(const uint8_t* at) {
  return uint32_t{at[0]} << 16 | uint32_t{at[1]} << 8 | at[2];
}

constexpr uint32_t Read32(const uint8_t* at) {
  return uint32_t{at[0]} << 24 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 8 | at[3];
}

// Without the reserved bit, which has no meaning when received (RFC 9113 sections 4.1, 6.8, 6.9).
constexpr uint32_t Read31(const uint8_t* at) {
  return Read32(at) & 0x7fffffff;
}

// Each writer answers the byte after what it wrote.
constexpr uint8_t* Write16(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
  return at + 2;
}

constexpr uint8_t* Write24(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 16);
  return Write16(at + 1, value);
}

constexpr uint8_t* Write32(uint8_t* at, uint32_t value) {
  at[0] = static_cast<uint8_t>(value >> 24);
  return Write24(at + 1, value);
}

}  // namespace weir::h2
