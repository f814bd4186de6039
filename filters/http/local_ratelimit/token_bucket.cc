#include "filters/http/local_ratelimit/token_bucket.h"

#include <algorithm>

namespace weir::filters::ratelimit {
namespace {

using sdk::ConfigNode;

constexpr std::int64_t kMaxTokens = 1'000'000'000;
constexpr std::int64_t kMinIntervalMs = 50;  // Envoy's
constexpr std::int64_t kMaxIntervalMs = 366LL * 86'400'000;
// How many buckets an arrival that finds no room looks at: what a request costs has a bound.
constexpr int kSearch = 16;

constexpr std::uint32_t Tokens(std::uint64_t state) {
  return static_cast<std::uint32_t>(state);
}
constexpr std::uint32_t Step(std::uint64_t state) {
  return static_cast<std::uint32_t>(state >> 32);
}
constexpr std::uint64_t State(std::uint32_t step, std::uint64_t tokens) {
  return static_cast<std::uint64_t>(step) << 32 | tokens;
}

}  // namespace

bool BucketSize::Load(const ConfigNode& node) {
  if (!node.ExpectMap("token_bucket")) return false;
  std::int64_t tokens = 0;
  std::int64_t fill = 1;
  std::int64_t interval = 0;
  const ConfigNode max_tokens = node.Get("max_tokens");
  bool ok = max_tokens ? max_tokens.Read(1, kMaxTokens, &tokens)
                       : node.Fail("token_bucket needs max_tokens");
  if (const ConfigNode per = node.Get("tokens_per_fill")) ok = per.Read(1, kMaxTokens, &fill) && ok;
  const ConfigNode every = node.Get("fill_interval");
  if (!every) return node.Fail("token_bucket needs fill_interval");
  ok = every.ReadDuration(&interval) && ok;
  if (ok && (interval < kMinIntervalMs || interval > kMaxIntervalMs)) {
    ok = every.Fail("fill_interval is 50ms to 366 days");
  }
  max = static_cast<std::uint32_t>(tokens);
  per_fill = static_cast<std::uint32_t>(fill);
  interval_ms = static_cast<std::uint64_t>(interval);
  return ok;
}

std::uint32_t TokenBucket::StepAt(std::uint64_t now_ms) const {
  const std::uint64_t start = start_ms_.load(std::memory_order_relaxed);
  if (start == 0 || now_ms <= start) return 0;
  return static_cast<std::uint32_t>((now_ms - start) / size_.interval_ms);
}

std::uint64_t TokenBucket::Filled(std::uint64_t state, std::uint32_t step) const {
  // The step wraps around after 2^32 fills, 6.8 years of the shortest ones.
  const auto fills = static_cast<std::int32_t>(step - Step(state));
  if (fills <= 0) return state;
  const std::uint64_t tokens = Tokens(state) + static_cast<std::uint64_t>(fills) * size_.per_fill;
  return State(step, std::min<std::uint64_t>(tokens, size_.max));
}

Taken TokenBucket::Take(std::uint64_t now_ms) {
  std::uint64_t start = 0;
  start_ms_.compare_exchange_strong(start, std::max<std::uint64_t>(now_ms, 1),
                                    std::memory_order_relaxed);
  const std::uint32_t step = StepAt(now_ms);
  std::uint64_t state = state_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  bool ok = false;
  do {
    const std::uint64_t filled = Filled(state, step);
    ok = Tokens(filled) > 0;
    next = ok ? filled - 1 : filled;
  } while (!state_.compare_exchange_weak(state, next, std::memory_order_relaxed));
  Taken taken{ok, size_.max, Tokens(next), 0};
  if (taken.remaining < size_.max) {
    start = start_ms_.load(std::memory_order_relaxed);
    const std::uint64_t gone = now_ms > start ? (now_ms - start) % size_.interval_ms : 0;
    taken.reset_s = static_cast<std::uint32_t>((size_.interval_ms - gone + 999) / 1000);
  }
  return taken;
}

bool TokenBucket::Full(std::uint64_t now_ms) const {
  const std::uint64_t state = state_.load(std::memory_order_relaxed);
  return Tokens(Filled(state, StepAt(now_ms))) == size_.max;
}

Taken KeyedBuckets::Take(std::string_view key, std::uint64_t now_ms) {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= most_) MakeRoom(now_ms);
    if (buckets_.size() >= most_) return shared_.Take(now_ms);
    found = buckets_.try_emplace(std::string(key), size_).first;
  }
  return found->second.Take(now_ms);
}

void KeyedBuckets::MakeRoom(std::uint64_t now_ms) {
  auto at = buckets_.lower_bound(cursor_);
  for (int i = 0; i < kSearch && !buckets_.empty(); ++i) {
    if (at == buckets_.end()) at = buckets_.begin();
    at = at->second.Full(now_ms) ? buckets_.erase(at) : std::next(at);
  }
  cursor_ = at == buckets_.end() ? std::string() : at->first;
}

std::size_t KeyedBuckets::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return buckets_.size();
}

}  // namespace weir::filters::ratelimit
