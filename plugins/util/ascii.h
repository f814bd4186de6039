// Letters and digits of HTTP (RFC 9110 5.6.2, RFC 5234 B.1), without locale.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::util {

constexpr bool IsDigit(char c) {
  return static_cast<unsigned char>(c - '0') < 10;
}

constexpr char ToLower(char c) {
  return static_cast<unsigned char>(c - 'A') < 26 ? static_cast<char>(c | 0x20) : c;
}

constexpr bool IsAlpha(char c) {
  return static_cast<unsigned char>((c | 0x20) - 'a') < 26;
}

// The value of a hexadecimal digit, or -1.
constexpr int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

namespace internal {

// 0 for a byte that is no tchar, else its lower-case form.
constexpr std::array<char, 256> MakeTokenBytes() {
  std::array<char, 256> table{};
  for (int i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    if (i < 128 && (IsAlpha(c) || IsDigit(c))) table[static_cast<size_t>(i)] = ToLower(c);
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = c;
  }
  return table;
}

inline constexpr std::array<char, 256> kTokenBytes = MakeTokenBytes();

}  // namespace internal

// tchar of RFC 9110 5.6.2.
constexpr bool IsTokenByte(char c) {
  return internal::kTokenBytes[static_cast<unsigned char>(c)] != 0;
}

// The lower-case form of a tchar, 0 for any other byte.
constexpr char TokenByteLower(char c) {
  return internal::kTokenBytes[static_cast<unsigned char>(c)];
}

constexpr bool IsToken(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (!IsTokenByte(c)) return false;
  }
  return true;
}

// Whether `text` is `lower`, which has no upper-case letter, whatever the case of `text`.
constexpr bool EqualsLower(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (ToLower(text[i]) != lower[i]) return false;
  }
  return true;
}

constexpr bool IsOws(char c) {
  return c == ' ' || c == '\t';
}

// Without the spaces and tabs at both ends.
constexpr std::string_view TrimOws(std::string_view text) {
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsOws(text.back())) text.remove_suffix(1);
  return text;
}

// Writes `value` in decimal at `at`, which has room for 20 bytes; returns the end.
inline char* WriteDecimal(char* at, uint64_t value) {
  char digits[20];
  size_t count = 0;
  do {
    digits[sizeof(digits) - ++count] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  std::memcpy(at, digits + sizeof(digits) - count, count);
  return at + count;
}

// Writes `value` in hexadecimal at `at`, which has room for 16 bytes; returns the end.
inline char* WriteHex(char* at, uint64_t value) {
  int shift = value == 0 ? 0 : (63 - __builtin_clzll(value)) & ~3;
  for (; shift >= 0; shift -= 4) *at++ = "0123456789abcdef"[(value >> shift) & 15];
  return at;
}

}  // namespace weir::util
