// What can be set about this codec (the keys of its configuration), in one table.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "plugins/abi/weir.h"

namespace weir::h2 {

// X(name, default, least, most, what)
#define WEIR_H2_OPTIONS(X)                                                                       \
  X(initial_stream_window_size, 65536, 65535, 16777216,                                          \
    "bytes that a peer may send on a stream before they are consumed; grows while they are")     \
  X(initial_connection_window_size, 16777216, 65535, 2147483647,                                 \
    "the same on the whole connection, which is credited on receipt")                            \
  X(hpack_table_size, 4096, 0, 65536, "bytes of the table that a peer may use (RFC 7541)")       \
  X(encoder_table_size, 4096, 0, 65536, "bytes of the table that we use, where the peer allows") \
  X(settings_timeout_ms, 10000, 0, 3600000, "for SETTINGS to be acknowledged; 0: for ever")      \
  X(header_block_timeout_ms, 10000, 1, 3600000,                                                  \
    "from the first frame of a block of fields to its last")                                     \
  X(keepalive_interval_ms, 0, 0, 86400000, "without a frame before a PING is sent; 0: never")    \
  X(keepalive_timeout_ms, 20000, 1, 3600000, "for that PING to be answered")                     \
  X(max_interim_responses, 64, 0, 65535, "1xx heads that may come before a final response")

// The limits of the guards (guards/limits.h) are keys beside these.
struct Options {
#define WEIR_H2_OPTION_(name, value, least, most, what) uint32_t name = value;
  WEIR_H2_OPTIONS(WEIR_H2_OPTION_)
#undef WEIR_H2_OPTION_
  GuardLimits guards;
};

inline constexpr Options kDefaultOptions{};

// Reads the keys of the table from a map of the configuration. False after a report.
bool ReadOptions(const weir_config_api& config, const weir_node* node, Options* out);

}  // namespace weir::h2
