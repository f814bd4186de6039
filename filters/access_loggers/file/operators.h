#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "filters/access_loggers/file/time_format.h"
#include "plugins/sdk/http_stream.h"

namespace weir::access_log {

// What an operator says of a stream.
struct Value {
  enum class Kind : std::uint8_t { kNone, kText, kNumber } kind = Kind::kNone;
  std::string_view text;
  std::int64_t number = 0;

  static Value Of(std::string_view text) {
    return text.empty() ? Value{} : Value{Kind::kText, text, 0};
  }
  static Value Of(std::int64_t number) { return {Kind::kNumber, {}, number}; }
};

// Where an operator may write a text that is nowhere else.
using Scratch = char[TimeFormat::kMaxText];

// One operator of a format, compiled: "%REQ(X?Y):Z%".
struct Operator {
  using Evaluate = Value (*)(const Operator&, const sdk::HttpStream&, Scratch&);

  Evaluate evaluate = nullptr;
  std::uint32_t id = 0;           // of an attribute or a number
  std::uint32_t second_id = 0;    // of the number that is taken away
  std::uint16_t token = 0;        // of `name`, 0: none
  std::uint16_t other_token = 0;  // of `other_name`
  std::string name;               // of a field, in lower case; a space of metadata; a constant
  std::string other_name;         // of the field where there is no `name`; a key of metadata
  std::shared_ptr<TimeFormat> time;
  std::size_t most = SIZE_MAX;  // ":Z": of the value's bytes
  std::size_t limit = 0;        // of the escaped text

  Value Get(const sdk::HttpStream& stream, Scratch& scratch) const {
    Value value = evaluate(*this, stream, scratch);
    if (value.kind == Value::Kind::kText && value.text.size() > most)
      value.text = value.text.substr(0, most);
    return value;
  }
};

// Limits of one value's text after escaping; what is longer ends in "...".
inline constexpr std::size_t kMaxPath = 16'384;
inline constexpr std::size_t kMaxValue = 4'096;

// A piece of a format: text, or an operator where `text` is empty.
struct Piece {
  std::string text;
  Operator op;
  bool is_text() const { return op.evaluate == nullptr; }
};

// Cuts a format into its pieces. False with the reason, which names the nearest operator that there
// is.
bool CompileFormat(std::string_view format, std::vector<Piece>* pieces, std::string* error);

// Envoy's default format.
extern const std::string_view kDefaultFormat;

}  // namespace weir::access_log
