// The one table of what the guards allow: names, defaults, bounds. A configuration has one of these
// and all its connections share it; a guard keeps only what its connection did.
//
// Where the defaults come from: the rates are the ones that servers in wide use have lived with, on
// the lenient side; none of them is a cap on the life of a connection, so that one that behaves
// lives for months.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/guards/guard.h"

namespace weir::h2 {

// X(name, default, least, most, unit, guard, what)
#define WEIR_H2_GUARD_LIMITS(X)                                                                    \
  X(rapid_reset_per_second, 33, 0, 4000000, "resets", kRapidReset, "the peer's resets, sustained") \
  X(rapid_reset_burst, 1000, 1, 4000000, "resets", kRapidReset, "the peer's resets, at once")      \
  X(rapid_reset_early_weight, 2, 1, 1000, "resets", kRapidReset,                                   \
    "what a reset before the response began counts for")                                           \
  X(made_you_reset_per_second, 33, 0, 4000000, "resets", kMadeYouReset,                            \
    "resets of ours that the peer provoked, sustained")                                            \
  X(made_you_reset_burst, 500, 1, 4000000, "resets", kMadeYouReset,                                \
    "resets of ours that the peer provoked, at once")                                              \
  X(continuation_frames, 8, 0, 65535, "frames", kContinuationFlood,                                \
    "CONTINUATION frames of one header block")                                                     \
  X(header_block_bytes, 65536, 1024, 16777216, "bytes", kContinuationFlood,                        \
    "one header block, encoded")                                                                   \
  X(settings_per_second, 5, 0, 4000000, "frames", kSettingsFlood, "SETTINGS frames, sustained")    \
  X(settings_burst, 50, 1, 4000000, "frames", kSettingsFlood, "SETTINGS frames, at once")          \
  X(settings_entries, 64, 8, 2730, "settings", kSettingsFlood, "settings in one frame")            \
  X(ping_per_second, 10, 0, 4000000, "frames", kPingFlood,                                         \
    "PING frames beyond one for each DATA frame sent, sustained")                                  \
  X(ping_burst, 100, 1, 4000000, "frames", kPingFlood,                                             \
    "PING frames beyond one for each DATA frame sent, at once")                                    \
  X(priority_per_second, 20, 0, 4000000, "frames", kPriorityFlood,                                 \
    "PRIORITY and PRIORITY_UPDATE frames beyond those that streams earn, sustained")               \
  X(priority_burst, 200, 1, 4000000, "frames", kPriorityFlood,                                     \
    "PRIORITY and PRIORITY_UPDATE frames beyond those that streams earn, at once")                 \
  X(priority_per_stream, 10, 0, 10000, "frames", kPriorityFlood, "what a new stream earns")        \
  X(window_update_per_second, 20, 0, 4000000, "frames", kWindowUpdateFlood,                        \
    "WINDOW_UPDATE frames beyond those that sent data earns, sustained")                           \
  X(window_update_burst, 200, 1, 4000000, "frames", kWindowUpdateFlood,                            \
    "WINDOW_UPDATE frames beyond those that sent data earns, at once")                             \
  X(window_update_per_data_frame, 4, 0, 10000, "frames", kWindowUpdateFlood,                       \
    "what a DATA frame sent, or a new stream, earns")                                              \
  X(window_update_bytes, 256, 1, 1073741824, "bytes", kWindowUpdateFlood,                          \
    "data sent that earns one more")                                                               \
  X(empty_frame_per_second, 10, 0, 4000000, "frames", kEmptyFrameFlood,                            \
    "frames without content, sustained")                                                           \
  X(empty_frame_burst, 100, 1, 4000000, "frames", kEmptyFrameFlood,                                \
    "frames without content, at once")                                                             \
  X(header_bomb_kib_per_second, 256, 0, 4000000, "KiB", kHeaderBomb,                               \
    "header bytes decoded beyond the free ones, sustained")                                        \
  X(header_bomb_kib_burst, 4096, 1, 4000000, "KiB", kHeaderBomb,                                   \
    "header bytes decoded beyond the free ones, at once")                                          \
  X(header_bomb_free_bytes, 16384, 0, 16777216, "bytes", kHeaderBomb,                              \
    "header bytes that a block may decode to, whatever its length")                                \
  X(header_bomb_ratio, 16, 1, 65535, "bytes", kHeaderBomb,                                         \
    "header bytes that each encoded byte of a block may decode to")                                \
  X(zero_window_ms, 60000, 0, 86400000, "ms", kZeroWindow,                                         \
    "time that bytes wait for any window at all; 0: for ever")                                     \
  X(drip_interval_ms, 20000, 100, 86400000, "ms", kDripReader,                                     \
    "time of waiting for window over which the rate is measured")                                  \
  X(drip_bytes_per_second, 240, 0, 1073741824, "bytes", kDripReader,                               \
    "least rate at which window is granted to waiting bytes; 0: any")                              \
  X(drip_intervals, 3, 1, 1000, "intervals", kDripReader,                                          \
    "so many slow ones in a row are too many")                                                     \
  X(control_pause_bytes, 16384, 256, 1073741824, "bytes", kQueueGrowth,                            \
    "control output that waits, above which nothing more is read")                                 \
  X(control_max_bytes, 262144, 1024, 1073741824, "bytes", kQueueGrowth,                            \
    "control output that waits, above which the connection ends")                                  \
  X(unknown_frame_per_second, 10, 0, 4000000, "frames", kUnknownFrameFlood,                        \
    "frames of unknown types beyond those that streams earn, sustained")                           \
  X(unknown_frame_burst, 100, 1, 4000000, "frames", kUnknownFrameFlood,                            \
    "frames of unknown types beyond those that streams earn, at once")                             \
  X(unknown_frame_per_stream, 2, 0, 10000, "frames", kUnknownFrameFlood, "what a new stream earns")

struct GuardLimits {
#define WEIR_H2_GUARD_LIMIT_(name, value, least, most, unit, guard, what) uint32_t name = value;
  WEIR_H2_GUARD_LIMITS(WEIR_H2_GUARD_LIMIT_)
#undef WEIR_H2_GUARD_LIMIT_
};

inline constexpr GuardLimits kDefaultGuardLimits{};

// A row of the table, for who reads, prints or documents it.
struct GuardLimitInfo {
  const char* name;  // its key in the configuration
  uint32_t GuardLimits::*member;
  uint32_t value;  // the default
  uint32_t least;
  uint32_t most;
  const char* unit;
  GuardId guard;     // whose name ends the counter
  const char* what;  // in words
};

inline constexpr GuardLimitInfo kGuardLimitTable[] = {
#define WEIR_H2_GUARD_LIMIT_(name, value, least, most, unit, guard, what) \
  {#name, &GuardLimits::name, value, least, most, unit, GuardId::guard, what},
    WEIR_H2_GUARD_LIMITS(WEIR_H2_GUARD_LIMIT_)
#undef WEIR_H2_GUARD_LIMIT_
};

}  // namespace weir::h2
