// Field names to WEIR_TOKEN_* and back (plugins/abi/tokens.h). Pure, no allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "plugins/abi/tokens.h"

namespace weir::util {

namespace internal {

inline constexpr std::array<std::string_view, WEIR_TOKEN_COUNT> kTokenNames = {
    std::string_view{},
#define WEIR_TOKEN_NAME_(id, name) std::string_view(name),
    WEIR_TOKENS(WEIR_TOKEN_NAME_)
#undef WEIR_TOKEN_NAME_
};

static_assert(WEIR_TOKEN_COUNT < 128, "a message keeps presence in two words");

inline constexpr size_t kTokenMaxSize = 34;

}  // namespace internal

// The two words that, with the size, tell any name of up to 16 bytes: its bytes in memory order,
// then zeros. Of a longer name they are the first and the last 8 bytes.
struct NameKey {
  uint64_t low;
  uint64_t high;
};

namespace internal {

constexpr uint64_t LoadConst(std::string_view text, size_t at, size_t size) {
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) {
    word |= static_cast<uint64_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
  }
  return word;
}

constexpr NameKey KeyConst(std::string_view name) {
  const size_t n = name.size();
  if (n > 16) return {LoadConst(name, 0, 8), LoadConst(name, n - 8, 8)};
  if (n > 8) return {LoadConst(name, 0, 8), LoadConst(name, 8, n - 8)};
  return {LoadConst(name, 0, n), 0};
}

template <typename Word>
inline uint64_t LoadWord(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
    return sizeof(word) == 8 ? __builtin_bswap64(word)
                             : __builtin_bswap32(static_cast<uint32_t>(word));
  }
  return word;
}

// Reads nothing outside of the name.
inline NameKey KeyOf(const char* name, size_t n) {
  if (n > 16) return {LoadWord<uint64_t>(name), LoadWord<uint64_t>(name + n - 8)};
  if (n > 8) {
    return {LoadWord<uint64_t>(name), LoadWord<uint64_t>(name + n - 8) >> (8 * (16 - n))};
  }
  if (n == 8) return {LoadWord<uint64_t>(name), 0};
  if (n >= 4) {
    return {LoadWord<uint32_t>(name) | LoadWord<uint32_t>(name + n - 4) << (8 * (n - 4)), 0};
  }
  if (n == 0) return {0, 0};
  const auto byte = [name](size_t i) {
    return static_cast<uint64_t>(static_cast<unsigned char>(name[i])) << (8 * i);
  };
  return {byte(0) | byte(n / 2) | byte(n - 1), 0};
}

inline constexpr size_t kTokenSlots = 1024;

constexpr size_t SlotOf(NameKey key, size_t size) {
  const uint64_t mixed = (key.low ^ (key.high << 17 | key.high >> 47) ^ size) * 0x9E3779B97F4A7C15u;
  return static_cast<size_t>(mixed >> 54);
}

// Open addressing; a lookup stops at the first empty slot, so a name that is in no slot costs one
// or two probes.
constexpr std::array<uint8_t, kTokenSlots> MakeTokenSlots() {
  std::array<uint8_t, kTokenSlots> slots{};
  for (size_t token = 1; token < kTokenNames.size(); ++token) {
    const std::string_view name = kTokenNames[token];
    size_t slot = SlotOf(KeyConst(name), name.size());
    while (slots[slot] != 0) slot = (slot + 1) % kTokenSlots;
    slots[slot] = static_cast<uint8_t>(token);
  }
  return slots;
}

struct TokenEntry {
  NameKey key;
  const char* name;
  size_t size;
};

constexpr std::array<TokenEntry, WEIR_TOKEN_COUNT> MakeTokenEntries() {
  std::array<TokenEntry, WEIR_TOKEN_COUNT> entries{};
  for (size_t token = 1; token < kTokenNames.size(); ++token) {
    const std::string_view name = kTokenNames[token];
    entries[token] = {KeyConst(name), name.data(), name.size()};
  }
  return entries;
}

constexpr bool NamesFit() {
  for (const std::string_view name : kTokenNames) {
    if (name.size() > kTokenMaxSize) return false;
  }
  return true;
}

static_assert(NamesFit(), "raise kTokenMaxSize");

inline constexpr std::array<uint8_t, kTokenSlots> kTokenSlotTable = MakeTokenSlots();
inline constexpr std::array<TokenEntry, WEIR_TOKEN_COUNT> kTokenEntries = MakeTokenEntries();

}  // namespace internal

// The token of the lower-case name that has this key. `name` is looked at only when it is longer
// than 16 bytes.
inline uint16_t FindToken(NameKey key, const char* name, size_t size) {
  size_t slot = internal::SlotOf(key, size);
  while (true) {
    const uint16_t token = internal::kTokenSlotTable[slot];
    if (token == 0) return WEIR_TOKEN_UNKNOWN;
    const internal::TokenEntry& entry = internal::kTokenEntries[token];
    if (entry.size == size && entry.key.low == key.low && entry.key.high == key.high &&
        (size <= 16 || std::memcmp(entry.name + 8, name + 8, size - 16) == 0)) {
      return token;
    }
    slot = (slot + 1) % internal::kTokenSlots;
  }
}

// The token of a lower-case name, WEIR_TOKEN_UNKNOWN when it is not in the table.
inline uint16_t FindToken(const char* name, size_t size) {
  if (size > internal::kTokenMaxSize) return WEIR_TOKEN_UNKNOWN;
  return FindToken(internal::KeyOf(name, size), name, size);
}

inline uint16_t FindToken(std::string_view name) {
  return FindToken(name.data(), name.size());
}

// The name of a token; empty for WEIR_TOKEN_UNKNOWN and for numbers that are no token.
constexpr std::string_view TokenName(uint16_t token) {
  return token < WEIR_TOKEN_COUNT ? internal::kTokenNames[token] : std::string_view{};
}

constexpr bool IsFramingToken(uint16_t token) {
  return token >= WEIR_TOKEN_FRAMING_FIRST && token <= WEIR_TOKEN_FRAMING_LAST;
}

}  // namespace weir::util
