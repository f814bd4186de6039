#pragma once

#include <cstdint>

#include "core/base/random.h"
#include "core/config/config.h"
#include "core/net/dns/resolver.h"

namespace weir::upstream {

// When a name is looked up next: a function of what came of the last lookups, and of chance.
class DnsRefresh {
 public:
  // Both must outlive it.
  DnsRefresh(const config::Cluster* cluster, base::Random* random)
      : cluster_(cluster), random_(random) {}

  // Milliseconds until the next lookup, at least 1. Found: dns_refresh_rate, or the TTL (0: none
  // was given) within dns_min_refresh_rate and a day, plus dns_jitter's part. Else: the failure
  // rate, doubled with each in a row, less up to a half of it, so that the many that failed
  // together do not come back together.
  uint64_t Next(net::dns::Status status, uint32_t ttl_s);

 private:
  uint64_t AfterFound(uint32_t ttl_s);
  uint64_t AfterFailure();

  const config::Cluster* cluster_;
  base::Random* random_;
  uint32_t failures_ = 0;  // in a row
};

}  // namespace weir::upstream
