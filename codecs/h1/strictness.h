// The one table of what this codec is strict about and where RFC 9112 leaves a choice, and of its
// own limits. All else that breaks the grammar is refused and has no switch: bare CR or LF,
// obs-fold, space before a colon, controls in values, malformed lengths, odd transfer codings, bad
// chunk sizes, a missing or doubtful Host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "plugins/abi/weir.h"

namespace weir::h1 {

// X(name, default, where)
#define WEIR_H1_RULES(X)                                                                   \
  /* Off: transfer-encoding wins, content-length is dropped, the connection ends after the \
     answer. */                                                                            \
  X(reject_length_with_transfer_encoding, true, "RFC 9112 section 6.1")                    \
  /* Off: repeated lengths that are equal count as one. */                                 \
  X(reject_repeated_length, true, "RFC 9110 section 8.6")                                  \
  /* Off: chunked is decoded there too, and the connection ends after the answer. */       \
  X(reject_transfer_encoding_in_http_10, true, "RFC 9112 section 6.1")                     \
  /* GET, HEAD and DELETE. Off: their body is passed on. */                                \
  X(reject_body_of_http_10_get, true, "RFC 9110 section 9.3.1")                            \
  /* A length other than 0 on 1xx and 204. Off: it is dropped. */                          \
  X(reject_length_without_content, true, "RFC 9110 section 8.6")                           \
  /* Off: spaces and tabs may stand around ';' and '=' of a chunk extension. */            \
  X(reject_blanks_in_chunk_line, true, "RFC 9112 section 7.1.1")

// X(name, default, least, most, what)
#define WEIR_H1_LIMITS(X)                                                                   \
  X(max_interim_responses, 64, 0, 65535, "1xx heads that may come before a final response") \
  X(max_discarded_bytes, 262144, 0, 1 << 30,                                                \
    "bytes of a request that are thrown away once its response is complete")                \
  X(max_chunk_extension_bytes, 16384, 0, 1 << 20, "chunk extensions of one body, in all")

struct Strictness {
#define WEIR_H1_RULE_(name, on, where) bool name = on;
  WEIR_H1_RULES(WEIR_H1_RULE_)
#undef WEIR_H1_RULE_
#define WEIR_H1_LIMIT_(name, value, least, most, what) uint32_t name = value;
  WEIR_H1_LIMITS(WEIR_H1_LIMIT_)
#undef WEIR_H1_LIMIT_
};

inline constexpr Strictness kDefaultStrictness{};

// Reads the keys of the table from a map of the configuration. False after a report.
bool ReadStrictness(const weir_config_api& config, const weir_node* node, Strictness* out);

}  // namespace weir::h1
