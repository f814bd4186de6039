#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir::admin {

// Writes JSON (RFC 8259) to the end of a text, piece by piece: a page of ten thousand stats needs
// no tree. Whoever calls it closes what it opens, and gives each value of an object its key.
class JsonWriter {
 public:
  explicit JsonWriter(std::string* out) : out_(out) {}

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void Key(std::string_view name);

  // Bytes that are no UTF-8 become U+FFFD.
  void String(std::string_view text);
  void Number(uint64_t value);
  void Signed(int64_t value);
  // Six digits after the point at most; what JSON has no number for is null.
  void Real(double value);
  void Bool(bool value);
  void Null();
  // A value that is JSON already.
  void Raw(std::string_view json);

  void Field(std::string_view name, std::string_view value) {
    Key(name);
    String(value);
  }
  void Field(std::string_view name, const char* value) { Field(name, std::string_view(value)); }
  void Field(std::string_view name, bool value) {
    Key(name);
    Bool(value);
  }
  template <class T, std::enable_if_t<std::is_unsigned_v<T> && !std::is_same_v<T, bool>, int> = 0>
  void Field(std::string_view name, T value) {
    Key(name);
    Number(value);
  }

 private:
  void Begin(char open);
  void End(char close);
  void Separate();

  std::string* out_;
  bool comma_ = false;  // a value stands before the next one
};

}  // namespace weir::admin
