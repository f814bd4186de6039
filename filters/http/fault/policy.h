#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filters/http/common/fraction.h"
#include "filters/http/common/header_matcher.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/http_stream.h"

namespace weir::filters {

// Envoy's HTTPFault, of the filter or of a route. Immutable after loading, but for the count of the
// filter's own.
class FaultPolicy {
 public:
  bool Load(const sdk::ConfigLoad& load);

  // Whether this request is one of those that may get a fault.
  bool Matches(const sdk::HttpStream& stream) const;
  // Milliseconds; nothing: no delay for this request. Draws.
  std::optional<std::uint64_t> Delay(const sdk::Host& host, const sdk::Fields& request) const;
  // KiB per second of the answer; nothing: no limit. Draws.
  std::optional<std::uint64_t> Rate(const sdk::Host& host, const sdk::Fields& request) const;
  struct Abort {
    std::uint32_t http_status = 200;
    std::optional<std::uint32_t> grpc_status;
  };
  std::optional<Abort> DrawAbort(const sdk::Host& host, const sdk::Fields& request) const;
  // No limit: the largest number.
  std::int64_t max_active() const { return max_active_; }

  // What counts for the filter and all its routes: only the filter's own policy has it.
  struct Counts {
    sdk::Counter delays;
    sdk::Counter aborts;
    sdk::Counter limits;
    sdk::Counter overflow;
    sdk::Gauge active_gauge;
    std::atomic<std::int64_t> active{0};  // of all workers
  };
  Counts& counts() const { return *counts_; }

 private:
  // A fault of one kind: how often, and how much unless a field of the request says it.
  struct Kind {
    bool given = false;
    bool by_request = false;
    Fraction fraction;
    std::uint64_t amount = 0;
  };
  bool LoadKinds(const sdk::ConfigLoad& load);
  bool LoadKind(const sdk::ConfigLoad& load, const char* key, const char* header_key,
                sdk::ConfigNode* node, Kind* kind);
  bool LoadDelay(const sdk::ConfigNode& node);
  bool LoadAbort(const sdk::ConfigNode& node);
  bool LoadRate(const sdk::ConfigNode& node);

  Kind delay_;  // milliseconds
  Kind abort_;
  Kind rate_;  // KiB per second
  Abort answer_;
  std::vector<HeaderMatcher> headers_;
  std::string cluster_;  // empty: any
  std::int64_t max_active_ = INT64_MAX;
  std::unique_ptr<Counts> counts_;
};

}  // namespace weir::filters
