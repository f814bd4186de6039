// WINDOW_UPDATE flood: updates that credit nothing we sent, each of which may wake a stream. A
// receiver of data sends them with good reason, some for every few hundred bytes on stream and
// connection, so what counts is their number beyond what the data explains.
//
// Defaults: 200 at once, 20 a second; each DATA frame sent and each stream opened earns 4, each 256
// bytes sent one more.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class WindowUpdateFlood {
 public:
  static constexpr uint64_t kEarnedBursts = 100;

  constexpr void StreamOpened(const GuardLimits& limits) { Earn(0, limits); }

  // `bytes` of one DATA frame; what does not make a whole event is not kept.
  constexpr void SentData(uint64_t bytes, const GuardLimits& limits) { Earn(bytes, limits); }

  // For each WINDOW_UPDATE, of the connection or of any stream, open or over.
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, const GuardLimits& limits) {
    return bucket_.Charge(now_ms, earned_.Spend(1),
                          {limits.window_update_per_second, limits.window_update_burst});
  }

 private:
  constexpr void Earn(uint64_t bytes, const GuardLimits& limits) {
    earned_.Earn(limits.window_update_per_data_frame + bytes / limits.window_update_bytes,
                 limits.window_update_burst * kEarnedBursts);
  }

  TokenBucket bucket_;
  Allowance earned_;
};

}  // namespace weir::h2
