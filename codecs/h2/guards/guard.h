// The names of the guards: in the log line of the connection that one of them ends, and in the
// counters. A guard that trips ends what it guards with ENHANCE_YOUR_CALM.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::h2 {

// X(enumerator, name, attack)
#define WEIR_H2_GUARDS(X)                                                                    \
  X(kRapidReset, "rapid_reset", "requests that are reset as soon as they are made")          \
  X(kMadeYouReset, "made_you_reset", "mistakes that make us reset requests")                 \
  X(kContinuationFlood, "continuation_flood", "a header block without end")                  \
  X(kSettingsFlood, "settings_flood", "settings that have to be applied and acknowledged")   \
  X(kPingFlood, "ping_flood", "pings that have to be answered")                              \
  X(kPriorityFlood, "priority_flood", "priorities that are changed without end")             \
  X(kWindowUpdateFlood, "window_update_flood", "window updates that follow nothing we sent") \
  X(kEmptyFrameFlood, "empty_frame_flood", "frames that carry nothing and end nothing")      \
  X(kHeaderBomb, "header_bomb", "a few bytes that decode to many")                           \
  X(kZeroWindow, "zero_window", "a reader that opens no window")                             \
  X(kDripReader, "drip_reader", "a reader that takes a few bytes at a time")                 \
  X(kQueueGrowth, "queue_growth", "answers that are asked for and never read")               \
  X(kUnknownFrameFlood, "unknown_frame_flood", "frames of types that nobody knows")

// kNone: the peer is within its limits.
enum class GuardId : uint8_t {
  kNone,
#define WEIR_H2_GUARD_(enumerator, name, attack) enumerator,
  WEIR_H2_GUARDS(WEIR_H2_GUARD_)
#undef WEIR_H2_GUARD_
};

struct GuardInfo {
  GuardId id;
  const char* name;    // also the end of its counter's name
  const char* attack;  // in words
};

// In the order of GuardId, kNone left out.
inline constexpr GuardInfo kGuards[] = {
#define WEIR_H2_GUARD_(enumerator, name, attack) {GuardId::enumerator, name, attack},
    WEIR_H2_GUARDS(WEIR_H2_GUARD_)
#undef WEIR_H2_GUARD_
};
inline constexpr size_t kGuardCount = sizeof(kGuards) / sizeof(kGuards[0]);

// Static text; "none" for kNone.
constexpr const char* Name(GuardId id) {
  return id == GuardId::kNone ? "none" : kGuards[static_cast<size_t>(id) - 1].name;
}

}  // namespace weir::h2
