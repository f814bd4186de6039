#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "plugins/sdk/config_node.h"

namespace weir::filters::ratelimit {

// How a bucket is filled: `per_fill` tokens each `interval_ms`, up to `max`.
struct BucketSize {
  std::uint32_t max = 0;
  std::uint32_t per_fill = 1;
  std::uint64_t interval_ms = 0;

  // {max_tokens, tokens_per_fill, fill_interval}; mistakes are reported at their place.
  bool Load(const sdk::ConfigNode& node);
};

// What became of a request for one token.
struct Taken {
  bool ok = true;
  std::uint32_t limit = 0;
  std::uint32_t remaining = 0;
  std::uint32_t reset_s = 0;  // until tokens come next, rounded up; 0: it is full
};

// Full at first. Any thread, without a lock: the clocks of two workers may be some milliseconds
// apart, and a bucket's own time never goes back.
class TokenBucket {
 public:
  explicit TokenBucket(const BucketSize& size) : size_(size), state_(size.max) {}

  Taken Take(std::uint64_t now_ms);
  // Whether it is as new: forgetting it changes nothing.
  bool Full(std::uint64_t now_ms) const;

 private:
  std::uint32_t StepAt(std::uint64_t now_ms) const;
  // The state as it is at a step that is not before its own.
  std::uint64_t Filled(std::uint64_t state, std::uint32_t step) const;

  BucketSize size_;
  std::atomic<std::uint64_t> start_ms_{0};  // when the first token was taken; 0: none was
  std::atomic<std::uint64_t>
      state_;  // fills since the start in the high half, tokens in the low one
};

// A bucket of one size for each of the keys that come along. Any thread; a lock is held for a
// look-up. At most `most` buckets: one that is full again makes room. Where there is none, keys
// share one further bucket: who comes with ever new keys limits himself and other new ones, and
// resets nothing.
class KeyedBuckets {
 public:
  KeyedBuckets(const BucketSize& size, std::size_t most)
      : size_(size), most_(most), shared_(size) {}

  Taken Take(std::string_view key, std::uint64_t now_ms);
  std::size_t size() const;

 private:
  void MakeRoom(std::uint64_t now_ms);

  BucketSize size_;
  std::size_t most_;
  mutable std::mutex mutex_;
  // Ordered, for a client chooses the keys: no two of them meet in a slot.
  std::map<std::string, TokenBucket, std::less<>> buckets_;
  std::string cursor_;  // where the next search for room begins
  TokenBucket shared_;
};

}  // namespace weir::filters::ratelimit
