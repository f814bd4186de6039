#include "filters/access_loggers/file/line_writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir::access_log {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighs = 0x8080808080808080;
constexpr std::size_t kEllipsis = 3;
constexpr char kHex[] = "0123456789ABCDEF";

constexpr std::uint64_t HasZero(std::uint64_t word) {
  return (word - kOnes) & ~word & kHighs;
}

// Not zero if one of the eight bytes is more than itself in the line, in either form.
constexpr std::uint64_t HasSpecial(std::uint64_t word) {
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return control | (word & kHighs) | HasZero(word ^ kOnes * 0x7f) | HasZero(word ^ kOnes * '"') |
         HasZero(word ^ kOnes * '\\');
}

constexpr bool IsSpecial(std::uint8_t byte) {
  return byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\';
}

// Copies runs of bytes that stand for themselves, eight at a time.
void CopyPlain(const char** from, const char* end, char** to, const char* stop) {
  while (end - *from >= 8 && stop - *to >= 8) {
    std::uint64_t word;
    std::memcpy(&word, *from, 8);
    if (HasSpecial(word) != 0) return;
    std::memcpy(*to, &word, 8);
    *from += 8;
    *to += 8;
  }
}

// How many bytes the UTF-8 sequence at `at` has; 0: it is none (RFC 3629 section 4).
std::size_t SequenceSize(const char* at, const char* end) {
  const auto byte = [at](std::size_t i) { return static_cast<std::uint8_t>(at[i]); };
  const auto tail = [byte](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const auto left = static_cast<std::size_t>(end - at);
  const std::uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return left >= 2 && tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (left < 3 || !tail(1) || !tail(2)) return 0;
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (left < 4 || !tail(1) || !tail(2) || !tail(3)) return 0;
    if ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

// The short form of a control byte; 0: it has none.
char ShortEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

}  // namespace

void LineWriter::Raw(std::string_view text) {
  const std::size_t size = std::min(text.size(), room());
  std::memcpy(at_, text.data(), size);
  at_ += size;
}

void LineWriter::Number(std::int64_t number) {
  const auto done = std::to_chars(at_, end_, number);
  if (done.ec == std::errc()) at_ = done.ptr;
}

void LineWriter::Cut() {
  truncated_ = true;
  std::memcpy(at_, "...", kEllipsis);
  at_ += kEllipsis;
}

void LineWriter::Value(std::string_view value, Escaping escaping, std::size_t limit) {
  char* const stop = at_ + std::min(limit, room()) - kEllipsis;
  escaping == Escaping::kText ? Text(value, stop) : Json(value, stop);
}

void LineWriter::Text(std::string_view value, char* stop) {
  const char* from = value.data();
  const char* const end = from + value.size();
  while (from != end) {
    CopyPlain(&from, end, &at_, stop);
    // Up to eight bytes one by one, and then the wide way again.
    for (int i = 0; i < 8 && from != end; ++i, ++from) {
      const auto byte = static_cast<std::uint8_t>(*from);
      const bool special = IsSpecial(byte);
      if (stop - at_ < (special ? 4 : 1)) return Cut();
      if (special) {
        *at_++ = '\\';
        *at_++ = 'x';
        *at_++ = kHex[byte >> 4];
        *at_++ = kHex[byte & 15];
      } else {
        *at_++ = *from;
      }
    }
  }
}

void LineWriter::Json(std::string_view value, char* stop) {
  const char* from = value.data();
  const char* const end = from + value.size();
  while (from != end) {
    CopyPlain(&from, end, &at_, stop);
    for (int i = 0; i < 8 && from != end; ++i) {
      if (stop - at_ < 6) return Cut();
      const std::size_t size = SequenceSize(from, end);
      const auto byte = static_cast<std::uint8_t>(*from);
      if (size == 0) {
        Raw("\\ufffd");
        ++from;
      } else if (size > 1) {
        Raw({from, size});
        from += size;
      } else if (const char escape = ShortEscape(*from); escape != 0) {
        *at_++ = '\\';
        *at_++ = escape;
        ++from;
      } else if (byte < 0x20 || byte == 0x7f) {
        Raw("\\u00");
        *at_++ = kHex[byte >> 4];
        *at_++ = kHex[byte & 15];
        ++from;
      } else {
        *at_++ = *from++;
      }
    }
  }
}

}  // namespace weir::access_log
