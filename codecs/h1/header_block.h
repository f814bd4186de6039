// Field lines up to the empty line (RFC 9112 section 5), in one pass: names are lower-cased in
// place and get their token, framing fields go to FramingFields, all others to the array.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codecs/h1/fault.h"
#include "plugins/abi/weir.h"

namespace weir::h1 {

inline constexpr size_t kMaxConnectionFields = 8;

// The fields that say how a message is framed and routed, as they came. They never stand in the
// array of a head.
struct FramingFields {
  uint32_t content_lengths = 0;  // how many there were
  uint32_t transfer_encodings = 0;
  uint32_t hosts = 0;
  uint32_t upgrades = 0;
  uint32_t connections = 0;
  bool te_trailers = false;
  bool expect_continue = false;
  bool expect_other = false;  // a member that is not 100-continue
  bool lengths_differ = false;
  weir_view host = {nullptr, 0};
  // The first of each; written only when there is one.
  weir_view content_length;
  weir_view transfer_encoding;
  weir_view upgrade;
  weir_view expect;
  weir_view connection[kMaxConnectionFields];
};

// Where field lines go. `fields` has room for `max_count`.
struct FieldBlock {
  weir_field* fields = nullptr;
  uint32_t count = 0;      // fields in the array
  uint32_t lines = 0;      // lines that came, framing fields included
  uint32_t max_count = 0;  // lines that may come; over it: 431
  uint8_t raw_form = 0;
};

// Parses from *at to `end`, behind which 64 bytes are readable. kDone: *at is behind the empty
// line. Else *at is unchanged.
Parse ParseFields(char** at, char* end, FieldBlock* block, FramingFields* framing, Fault* fault);

// Takes the fields that have `name` (lower case) out of the array.
void RemoveField(FieldBlock* block, std::string_view name);

// The first field with this token, or null.
const weir_field* FindField(const FieldBlock& block, uint16_t token);

inline std::string_view Text(weir_view view) {
  return {view.data, view.size};
}

inline std::string_view ValueOf(const weir_field& field) {
  return {field.value, field.value_size};
}

}  // namespace weir::h1
