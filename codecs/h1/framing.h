// The decision on which every smuggling attack works (RFC 9112 section 6.3, RFC 9110
// section 7.6.1): from the framing fields, the version and the kind of message to how its body ends
// and whether the connection lives on. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "codecs/h1/fault.h"
#include "codecs/h1/header_block.h"
#include "codecs/h1/strictness.h"

namespace weir::h1 {

enum class BodyKind : uint8_t {
  kNone,
  kLength,
  kChunked,
  kUntilClose,  // responses
};

struct Framing {
  BodyKind body = BodyKind::kNone;
  bool has_length = false;  // `length` was announced, whether or not a body follows
  bool keep_alive = false;
  bool upgrade = false;    // connection: upgrade
  bool nominates = false;  // connection names fields that are to go
  uint64_t length = 0;
};

// Reads a content-length: 1*DIGIT, at most 2^63-1.
bool ParseLength(std::string_view text, uint64_t* out);

Parse DecideRequest(const FramingFields& fields, std::string_view method, uint8_t version,
                    const Strictness& strict, Framing* out, Fault* fault);

struct ResponseFacts {
  uint16_t status = 0;
  uint8_t version = 0;
  bool to_head = false;
  bool to_connect = false;
};

Parse DecideResponse(const FramingFields& fields, const ResponseFacts& facts,
                     const Strictness& strict, Framing* out, Fault* fault);

// Takes the fields out that the connection fields name (RFC 9110 section 7.6.1). Framing fields are
// not in the block, so none of them is removed by nomination. Lower-cases the names in place.
void RemoveNominated(const FramingFields& fields, FieldBlock* block);

// Whether the peer may not name this field in a trailer section (RFC 9110 section 6.5.1): framing,
// routing, authentication, request modifiers, content format.
bool ForbiddenInTrailers(uint16_t token);

}  // namespace weir::h1
