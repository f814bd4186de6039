#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/config/config.h"

namespace weir::upstream {

struct Host;

// Picks an endpoint for a request. One per cluster and worker.
class LoadBalancer {
 public:
  virtual ~LoadBalancer() = default;
  // Never a host that is not healthy, nor `avoid` while there is another one; null when there is
  // none.
  virtual Host* Pick(const std::vector<Host*>& hosts, const Host* avoid) = 0;
};

// Smooth weighted round robin: over sum(weights) picks every host comes as often as its weight,
// spread evenly.
class RoundRobin final : public LoadBalancer {
 public:
  Host* Pick(const std::vector<Host*>& hosts, const Host* avoid) override;

 private:
};

// The less loaded of `choices` hosts drawn at random; load is (requests on it or waiting for it +
// 1) / weight.
class LeastRequest final : public LoadBalancer {
 public:
  LeastRequest(base::Random* random, uint32_t choices) : random_(random), choices_(choices) {}
  Host* Pick(const std::vector<Host*>& hosts, const Host* avoid) override;

 private:
  base::Random* random_;
  uint32_t choices_;
};

}  // namespace weir::upstream
