// Header bomb (CVE-2026-49975): blocks of single bytes that each name a large entry of the table.
// The decoder bounds the fields and the size of one list before it stores them; this bounds what a
// connection makes us decode for nothing, block after block, refused ones too.
//
// Defaults: a block may decode to 16 KiB, or to 16 times its length, free of charge; beyond that,
// 4 MiB at once and 256 KiB a second. With a table of 4 KiB no honest block comes near.
#pragma once

#include <cstdint>

#include "codecs/h2/guards/limits.h"
#include "codecs/h2/guards/token_bucket.h"

namespace weir::h2 {

class HeaderBomb {
 public:
  // After a block: its length, and the size of its list as the RFC counts it (32 octets for each
  // field), of a refused list as far as it was counted.
  [[nodiscard]] constexpr bool Charge(uint64_t now_ms, uint32_t encoded, uint64_t decoded,
                                      const GuardLimits& limits) {
    const uint64_t by_ratio = uint64_t{encoded} * limits.header_bomb_ratio;
    const uint64_t free =
        by_ratio > limits.header_bomb_free_bytes ? by_ratio : limits.header_bomb_free_bytes;
    if (decoded <= free) return true;
    const uint64_t kib = (decoded - free + 1023) / 1024;
    const uint64_t most = TokenBucket::kMaxBurst + uint64_t{1};  // never fits
    return bucket_.Charge(now_ms, static_cast<uint32_t>(kib < most ? kib : most),
                          {limits.header_bomb_kib_per_second, limits.header_bomb_kib_burst});
  }

 private:
  TokenBucket bucket_;
};

}  // namespace weir::h2
