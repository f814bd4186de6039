#include "codecs/h1/authority.h"

#include <array>
#include <cstddef>

#include "plugins/util/ascii.h"

namespace weir::h1 {

namespace {

constexpr std::array<bool, 256> MakeHostBytes() {
  std::array<bool, 256> table{};
  for (size_t i = 0; i < 128; ++i) {
    const char c = static_cast<char>(i);
    table[i] = util::IsAlpha(c) || util::IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~';
  }
  return table;
}

constexpr std::array<bool, 256> kHostBytes = MakeHostBytes();

// Returns the size of "[...]" at the front, 0 when it is not one.
size_t BracketedSize(std::string_view text) {
  size_t colons = 0;
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ']') return colons >= 2 ? i + 1 : 0;
    if (c == ':') {
      ++colons;
    } else if (util::HexValue(c) < 0 && c != '.') {
      return 0;
    }
  }
  return 0;
}

bool ParsePort(std::string_view digits, uint32_t* port) {
  if (digits.empty() || digits.size() > 5 || digits[0] == '0') return false;
  uint32_t value = 0;
  for (const char c : digits) {
    if (!util::IsDigit(c)) return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  *port = value;
  return value <= 65535;
}

}  // namespace

bool ParseAuthority(std::string_view text, Authority* out) {
  if (text.empty() || text.size() > 261) return false;
  size_t size = 0;
  if (text[0] == '[') {
    size = BracketedSize(text);
  } else {
    while (size < text.size() && kHostBytes[static_cast<unsigned char>(text[size])]) ++size;
  }
  if (size == 0) return false;
  out->host = text.substr(0, size);
  out->port = 0;
  if (size == text.size()) return true;
  return text[size] == ':' && ParsePort(text.substr(size + 1), &out->port);
}

bool SameAuthority(const Authority& a, const Authority& b, uint32_t default_port) {
  if ((a.port != 0 ? a.port : default_port) != (b.port != 0 ? b.port : default_port)) return false;
  if (a.host.size() != b.host.size()) return false;
  for (size_t i = 0; i < a.host.size(); ++i) {
    if (util::ToLower(a.host[i]) != util::ToLower(b.host[i])) return false;
  }
  return true;
}

}  // namespace weir::h1
