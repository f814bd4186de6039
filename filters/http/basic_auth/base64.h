#pragma once

#include <string>
#include <string_view>

namespace weir::filters {

// RFC 4648 section 4, padded, and no bits beyond the last byte. False: it is not that.
inline bool DecodeBase64(std::string_view text, std::string* out) {
  const auto value = [](char c) -> int {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
  };
  out->clear();
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const int six = value(c);
    if (six < 0) return false;
    held = (held << 6 | static_cast<unsigned>(six)) & 0xffffu;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out->push_back(static_cast<char>(held >> bits & 0xff));
  }
  return (held & ((1u << bits) - 1)) == 0;
}

}  // namespace weir::filters
