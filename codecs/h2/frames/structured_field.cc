#include "codecs/h2/frames/structured_field.h"

#include <cstddef>

#include "plugins/util/ascii.h"

namespace weir::h2 {

namespace {

constexpr bool IsLower(char c) {
  return static_cast<unsigned char>(c - 'a') < 26;
}

constexpr bool IsKeyByte(char c) {
  return IsLower(c) || util::IsDigit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

}  // namespace

void StructuredFieldReader::SkipSpaces() {
  while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
}

void StructuredFieldReader::SkipOws() {
  while (!rest_.empty() && util::IsOws(rest_.front())) rest_.remove_prefix(1);
}

bool StructuredFieldReader::Take(char c) {
  if (rest_.empty() || rest_.front() != c) return false;
  rest_.remove_prefix(1);
  return true;
}

bool StructuredFieldReader::ReadKey(std::string_view* key) {
  if (rest_.empty() || !(IsLower(rest_.front()) || rest_.front() == '*')) return false;
  size_t size = 1;
  while (size < rest_.size() && IsKeyByte(rest_[size])) ++size;
  *key = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return true;
}

bool StructuredFieldReader::ReadMemberValue(Item* item) {
  *item = {};
  if (Take('=')) {
    if (!rest_.empty() && rest_.front() == '(') {
      item->kind = Kind::kInnerList;
      if (!ReadInnerList()) return false;
    } else if (!ReadBareItem(item)) {
      return false;
    }
  }
  return ReadParameters();
}

bool StructuredFieldReader::ReadBareItem(Item* item) {
  if (rest_.empty()) return false;
  const char c = rest_.front();
  if (c == '-' || util::IsDigit(c)) return ReadNumber(item);
  switch (c) {
    case '"':
      item->kind = Kind::kString;
      return ReadString();
    case ':':
      item->kind = Kind::kBytes;
      return ReadBytes();
    case '?':
      return ReadBoolean(item);
    default:
      item->kind = Kind::kToken;
      return ReadToken();
  }
}

// Section 4.2.4: at most 15 digits, or 12 before and 3 after the point.
bool StructuredFieldReader::ReadNumber(Item* item) {
  const bool negative = Take('-');
  size_t digits = 0;
  int64_t value = 0;
  while (digits < rest_.size() && util::IsDigit(rest_[digits])) {
    if (digits == 15) return false;
    value = value * 10 + (rest_[digits++] - '0');
  }
  if (digits == 0) return false;
  rest_.remove_prefix(digits);
  item->kind = Kind::kInteger;
  item->integer = negative ? -value : value;
  if (!Take('.')) return true;
  item->kind = Kind::kDecimal;
  size_t fraction = 0;
  while (fraction < rest_.size() && util::IsDigit(rest_[fraction])) ++fraction;
  if (digits > 12 || fraction == 0 || fraction > 3) return false;
  rest_.remove_prefix(fraction);
  return true;
}

bool StructuredFieldReader::ReadString() {
  size_t at = 1;
  while (at < rest_.size() && rest_[at] != '"') {
    const char c = rest_[at];
    if (c < 0x20 || c > 0x7e) return false;
    if (c == '\\') {
      ++at;
      if (at == rest_.size() || (rest_[at] != '"' && rest_[at] != '\\')) return false;
    }
    ++at;
  }
  if (at >= rest_.size()) return false;
  rest_.remove_prefix(at + 1);
  return true;
}

bool StructuredFieldReader::ReadBytes() {
  size_t at = 1;
  while (at < rest_.size() && rest_[at] != ':') {
    const char c = rest_[at++];
    if (!util::IsAlpha(c) && !util::IsDigit(c) && c != '+' && c != '/' && c != '=') return false;
  }
  if (at == rest_.size()) return false;
  rest_.remove_prefix(at + 1);
  return true;
}

bool StructuredFieldReader::ReadToken() {
  if (!util::IsAlpha(rest_.front()) && rest_.front() != '*') return false;
  size_t size = 1;
  while (size < rest_.size() &&
         (util::IsTokenByte(rest_[size]) || rest_[size] == ':' || rest_[size] == '/')) {
    ++size;
  }
  rest_.remove_prefix(size);
  return true;
}

bool StructuredFieldReader::ReadBoolean(Item* item) {
  if (rest_.size() < 2 || (rest_[1] != '0' && rest_[1] != '1')) return false;
  item->kind = Kind::kBoolean;
  item->boolean = rest_[1] == '1';
  rest_.remove_prefix(2);
  return true;
}

bool StructuredFieldReader::ReadInnerList() {
  rest_.remove_prefix(1);
  while (true) {
    SkipSpaces();
    if (Take(')')) return true;
    Item item;
    if (!ReadBareItem(&item) || !ReadParameters()) return false;
    if (rest_.empty() || (rest_.front() != ' ' && rest_.front() != ')')) return false;
  }
}

bool StructuredFieldReader::ReadParameters() {
  while (Take(';')) {
    SkipSpaces();
    std::string_view key;
    Item item;
    if (!ReadKey(&key)) return false;
    if (Take('=') && !ReadBareItem(&item)) return false;
  }
  return true;
}

}  // namespace weir::h2
