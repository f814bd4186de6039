// All guards of a connection behind one door: the connection says what happened, and hears which
// guard it was too much for. After anything but kNone the connection ends: GOAWAY with
// ENHANCE_YOUR_CALM, and a log line with Name(id). Of a SlowReader of a stream, the stream ends.
//
// Both positions use the same: a backend can attack as well as a client.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codecs/h2/guards/continuation_flood.h"
#include "codecs/h2/guards/drip_reader.h"
#include "codecs/h2/guards/empty_frame_flood.h"
#include "codecs/h2/guards/guard.h"
#include "codecs/h2/guards/header_bomb.h"
#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/made_you_reset.h"
#include "codecs/h2/guards/ping_flood.h"
#include "codecs/h2/guards/priority_flood.h"
#include "codecs/h2/guards/queue_growth.h"
#include "codecs/h2/guards/rapid_reset.h"
#include "codecs/h2/guards/settings_flood.h"
#include "codecs/h2/guards/unknown_frame_flood.h"
#include "codecs/h2/guards/window_update_flood.h"
#include "codecs/h2/guards/zero_window.h"

namespace weir::h2 {

// Whether whoever we send to makes progress: one for each stream, for its own window, and one for
// the connection, for the window that all share. A stream that waits for the connection's window
// alone is not starved itself.
class SlowReader {
 public:
  // Bytes wait and there is no window for one of them. Again while it lasts: nothing changes.
  constexpr void Starve(uint64_t now_ms) {
    zero_window_.Starve(now_ms);
    drip_reader_.Starve(now_ms);
  }

  // Nothing waits any more, for whatever reason: it was sent, or who waited is gone.
  constexpr void Rest(uint64_t now_ms) {
    zero_window_.Feed();
    drip_reader_.Rest(now_ms);
  }

  // WINDOW_UPDATE or SETTINGS raised the window, by so many bytes above zero. To be told of each,
  // whether bytes wait or not: a reader that comes back in small steps is not to be judged by the
  // first of them.
  [[nodiscard]] constexpr GuardId Granted(uint64_t now_ms, uint64_t bytes,
                                          const GuardLimits& limits) {
    if (!zero_window_.Check(now_ms, limits)) return GuardId::kZeroWindow;
    if (bytes == 0) return GuardId::kNone;
    zero_window_.Feed();
    return drip_reader_.Granted(now_ms, bytes, limits) ? GuardId::kNone : GuardId::kDripReader;
  }

  // From the clock, no later than deadline().
  [[nodiscard]] constexpr GuardId Check(uint64_t now_ms, const GuardLimits& limits) const {
    return zero_window_.Check(now_ms, limits) ? GuardId::kNone : GuardId::kZeroWindow;
  }

  // UINT64_MAX: none.
  constexpr uint64_t deadline(const GuardLimits& limits) const {
    return zero_window_.deadline(limits);
  }

 private:
  ZeroWindow zero_window_;
  DripReader drip_reader_;
};

static_assert(sizeof(SlowReader) <= 32, "each stream has one");

class Guards {
 public:
  // What earns the peer something.

  // The peer opened a stream (server position), or we did (client position).
  constexpr void StreamOpened(const GuardLimits& limits) {
    priority_.StreamOpened(limits);
    window_update_.StreamOpened(limits);
    unknown_frame_.StreamOpened(limits);
  }

  // A stream ended without a reset of either side.
  constexpr void StreamCompleted(const GuardLimits& limits) {
    rapid_reset_.StreamCompleted(limits);
  }

  // We sent a DATA frame with so many bytes in it.
  constexpr void SentData(uint64_t bytes, const GuardLimits& limits) {
    ping_.SentData(limits);
    window_update_.SentData(bytes, limits);
  }

  // What costs it something. Each is to be asked as soon as the frame's header is judged good.

  [[nodiscard]] constexpr GuardId PeerReset(uint64_t now_ms, bool response_began,
                                            const GuardLimits& limits) {
    return Unless(rapid_reset_.Charge(now_ms, response_began, limits), GuardId::kRapidReset);
  }

  // We reset a stream for what the peer did with it (made_you_reset.h says which those are).
  [[nodiscard]] constexpr GuardId ProvokedReset(uint64_t now_ms, const GuardLimits& limits) {
    return Unless(made_you_reset_.Charge(now_ms, limits), GuardId::kMadeYouReset);
  }

  [[nodiscard]] constexpr GuardId BlockBegins(uint32_t fragment, const GuardLimits& limits) {
    return Unless(continuation_.Begin(fragment, limits), GuardId::kContinuationFlood);
  }

  [[nodiscard]] constexpr GuardId BlockContinues(uint32_t fragment, const GuardLimits& limits) {
    return Unless(continuation_.Continue(fragment, limits), GuardId::kContinuationFlood);
  }

  [[nodiscard]] constexpr GuardId Settings(uint64_t now_ms, uint32_t entries,
                                           const GuardLimits& limits) {
    return Unless(settings_.Charge(now_ms, entries, limits), GuardId::kSettingsFlood);
  }

  [[nodiscard]] constexpr GuardId Ping(uint64_t now_ms, const GuardLimits& limits) {
    return Unless(ping_.Charge(now_ms, limits), GuardId::kPingFlood);
  }

  // PRIORITY or PRIORITY_UPDATE.
  [[nodiscard]] constexpr GuardId Priority(uint64_t now_ms, const GuardLimits& limits) {
    return Unless(priority_.Charge(now_ms, limits), GuardId::kPriorityFlood);
  }

  [[nodiscard]] constexpr GuardId WindowUpdate(uint64_t now_ms, const GuardLimits& limits) {
    return Unless(window_update_.Charge(now_ms, limits), GuardId::kWindowUpdateFlood);
  }

  // DATA, HEADERS or CONTINUATION; `content` without prefix and padding.
  [[nodiscard]] constexpr GuardId Content(uint64_t now_ms, uint32_t content, bool end_stream,
                                          const GuardLimits& limits) {
    return Unless(empty_frame_.Charge(now_ms, content, end_stream, limits),
                  GuardId::kEmptyFrameFlood);
  }

  // A header block was decoded, kept or not.
  [[nodiscard]] constexpr GuardId HeaderList(uint64_t now_ms, uint32_t encoded, uint64_t decoded,
                                             const GuardLimits& limits) {
    return Unless(header_bomb_.Charge(now_ms, encoded, decoded, limits), GuardId::kHeaderBomb);
  }

  [[nodiscard]] constexpr GuardId UnknownFrame(uint64_t now_ms, const GuardLimits& limits) {
    return Unless(unknown_frame_.Charge(now_ms, limits), GuardId::kUnknownFrameFlood);
  }

  // Control output that waits, after more was queued. Whether to go on reading is
  // QueueGrowth::Pauses.
  [[nodiscard]] static constexpr GuardId ControlOutput(size_t queued, const GuardLimits& limits) {
    return Unless(QueueGrowth::Check(queued, limits), GuardId::kQueueGrowth);
  }

  // The window of the connection.
  constexpr SlowReader& connection_reader() { return connection_reader_; }
  constexpr const SlowReader& connection_reader() const { return connection_reader_; }

 private:
  static constexpr GuardId Unless(bool good, GuardId id) { return good ? GuardId::kNone : id; }

  SlowReader connection_reader_;
  RapidReset rapid_reset_;
  MadeYouReset made_you_reset_;
  ContinuationFlood continuation_;
  SettingsFlood settings_;
  PingFlood ping_;
  PriorityFlood priority_;
  WindowUpdateFlood window_update_;
  EmptyFrameFlood empty_frame_;
  HeaderBomb header_bomb_;
  UnknownFrameFlood unknown_frame_;
};

static_assert(sizeof(Guards) <= 144, "each connection has one, idle or not");

}  // namespace weir::h2
