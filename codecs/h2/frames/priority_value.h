// The value of the `priority` field and of PRIORITY_UPDATE (RFC 9218 section 4): a Structured Field
// dictionary (RFC 8941 section 3.2) of which two members have a meaning, `u` and `i`. Other members
// and all parameters are read over; a member of the wrong type or out of range counts as absent; a
// value that is no dictionary is as good as none (RFC 9218 sections 4 and 5). Nothing here is an
// error of the peer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::h2 {

struct PriorityValue {
  uint8_t urgency = 3;       // 0 is first, 7 is last
  bool incremental = false;  // worth sending in turn with others of its urgency
  bool has_urgency = false;  // the member was there
  bool has_incremental = false;
};

// Where the field has several lines, they are one value when joined with ", "; line by line,
// OverlayPriority of each on what came before comes to the same.
PriorityValue ParsePriorityValue(std::string_view text);

// `over` where it says something, else `base`: a response's field over the request's (section 8).
constexpr PriorityValue OverlayPriority(PriorityValue base, const PriorityValue& over) {
  if (over.has_urgency) {
    base.urgency = over.urgency;
    base.has_urgency = true;
  }
  if (over.has_incremental) {
    base.incremental = over.incremental;
    base.has_incremental = true;
  }
  return base;
}

inline constexpr size_t kPriorityValueSize = 5;  // "u=7,i"

// Both members, whatever the defaults are.
constexpr uint8_t* WritePriorityValue(uint8_t* at, const PriorityValue& value) {
  *at++ = 'u';
  *at++ = '=';
  *at++ = static_cast<uint8_t>('0' + (value.urgency & 7));
  if (value.incremental) {
    *at++ = ',';
    *at++ = 'i';
  }
  return at;
}

}  // namespace weir::h2
