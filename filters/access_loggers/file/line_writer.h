#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::access_log {

// How the bytes of a value are made harmless.
enum class Escaping : std::uint8_t {
  kText,  // a quote, a backslash and every byte that is not printable ASCII become \xNN
  kJson,  // RFC 8259 section 7; bytes that are no UTF-8 become U+FFFD
};

// Writes one line into memory of its owner, never past its end. Allocates nothing.
class LineWriter {
 public:
  LineWriter(char* room, std::size_t size) : begin_(room), at_(room), end_(room + size) {}

  // Text of the configuration, as it is. The caller knows that there is room.
  void Raw(std::string_view text);
  // The bytes of a value, escaped; what is longer than `limit` then ends in "...". limit >= 8.
  void Value(std::string_view value, Escaping escaping, std::size_t limit);
  void Number(std::int64_t number);

  std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  std::string_view text() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }
  // A value was cut.
  bool truncated() const { return truncated_; }

 private:
  void Text(std::string_view value, char* stop);
  void Json(std::string_view value, char* stop);
  void Cut();

  char* begin_;
  char* at_;
  char* end_;
  bool truncated_ = false;
};

}  // namespace weir::access_log
