#include "core/admin/json_writer.h"

#include <cmath>
#include <cstdio>

namespace weir::admin {
namespace {

// The length of the UTF-8 sequence at the front of `text` (RFC 3629: no overlong form, no
// surrogate, nothing beyond U+10FFFF); 0 where there is none.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&text](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = byte(1);
  if (first == 0xe0 && second < 0xa0) return 0;
  if (first == 0xed && second > 0x9f) return 0;
  if (first == 0xf0 && second < 0x90) return 0;
  if (first == 0xf4 && second > 0x8f) return 0;
  return size;
}

}  // namespace

void JsonWriter::Separate() {
  if (comma_) *out_ += ',';
  comma_ = true;
}

void JsonWriter::Begin(char open) {
  Separate();
  *out_ += open;
  comma_ = false;
}

void JsonWriter::End(char close) {
  *out_ += close;
  comma_ = true;
}

void JsonWriter::Key(std::string_view name) {
  String(name);
  *out_ += ':';
  comma_ = false;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  *out_ += '"';
  while (!text.empty()) {
    const size_t size = SequenceLength(text);
    const char c = text[0];
    if (size == 0) {
      *out_ += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      *out_ += '\\';
      *out_ += c;
    } else if (c == '\n') {
      *out_ += "\\n";
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) {
      char escape[7];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      *out_ += escape;
    } else {
      out_->append(text.substr(0, size));
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
  *out_ += '"';
}

void JsonWriter::Number(uint64_t value) {
  Separate();
  *out_ += std::to_string(value);
}

void JsonWriter::Signed(int64_t value) {
  Separate();
  *out_ += std::to_string(value);
}

void JsonWriter::Real(double value) {
  if (!std::isfinite(value)) return Null();
  Separate();
  char text[40];
  std::snprintf(text, sizeof(text), "%.7g", value);
  *out_ += text;
}

void JsonWriter::Bool(bool value) {
  Separate();
  *out_ += value ? "true" : "false";
}

void JsonWriter::Null() {
  Separate();
  *out_ += "null";
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  *out_ += json;
}

}  // namespace weir::admin
