#include "core/upstream/dns_refresh.h"

#include <algorithm>

namespace weir::upstream {
namespace {

constexpr uint64_t kMostTtlMs = 24ull * 3600 * 1000;
constexpr uint32_t kMaxDoublings = 20;

uint64_t Ms(config::Milliseconds value) {
  return static_cast<uint64_t>(value.count());
}

}  // namespace

uint64_t DnsRefresh::Next(net::dns::Status status, uint32_t ttl_s) {
  if (status != net::dns::Status::kFound) return AfterFailure();
  failures_ = 0;
  return AfterFound(ttl_s);
}

uint64_t DnsRefresh::AfterFound(uint32_t ttl_s) {
  uint64_t wait = Ms(cluster_->dns_refresh_rate);
  if (cluster_->respect_dns_ttl && ttl_s != 0) {
    const uint64_t least = Ms(cluster_->dns_min_refresh_rate);
    wait = std::clamp(uint64_t{ttl_s} * 1000, least, std::max(least, kMostTtlMs));
  }
  const uint64_t jitter = Ms(cluster_->dns_jitter);
  return std::max<uint64_t>(1, wait + (jitter == 0 ? 0 : random_->Below(jitter + 1)));
}

uint64_t DnsRefresh::AfterFailure() {
  uint64_t base = Ms(cluster_->dns_failure_base);
  uint64_t most = Ms(cluster_->dns_failure_max);
  if (base == 0) base = most = Ms(cluster_->dns_refresh_rate);
  if (most == 0) most = 10 * base;
  const uint64_t wait = std::min(most, base << std::min(failures_, kMaxDoublings));
  failures_ = std::min(failures_ + 1, kMaxDoublings);
  return std::max<uint64_t>(1, wait - random_->Below(wait / 2 + 1));
}

}  // namespace weir::upstream
