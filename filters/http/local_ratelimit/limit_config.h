#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "filters/http/header_mutation/mutation_list.h"
#include "filters/http/local_ratelimit/actions.h"
#include "filters/http/local_ratelimit/token_bucket.h"
#include "plugins/sdk/config_load.h"
#include "plugins/sdk/field_list.h"

namespace weir::filters::ratelimit {

// Envoy's RuntimeFractionalPercent, without a runtime: a share of requests.
struct Fraction {
  std::uint32_t numerator = 100;
  std::uint32_t denominator = 100;

  bool Load(const sdk::ConfigNode& node);
  // Whether this request is among them.
  bool Holds(const sdk::Host& host) const;
};

// A limit for requests whose descriptor has these entries.
class DescriptorLimit {
 public:
  bool Load(const sdk::ConfigNode& node);
  // After loading. `per_connection`: each connection has buckets of its own.
  void MakeBuckets(std::size_t most, bool per_connection);

  bool Matches(const Descriptor& descriptor) const;
  // connection: the number of the stream's connection, looked at where each has its own.
  Taken Take(const Descriptor& descriptor, std::uint64_t connection, std::uint64_t now_ms) const;

 private:
  struct Wanted {
    std::string key;
    std::string value;
    bool any = false;  // no value is given: each has its own bucket
  };
  bool LoadEntry(const sdk::ConfigNode& node);

  std::vector<Wanted> entries_;
  BucketSize size_;
  bool per_connection_ = false;
  std::unique_ptr<TokenBucket> bucket_;    // one for all, or
  std::unique_ptr<KeyedBuckets> buckets_;  // one for each
};

// The configuration of the filter or of a route. Immutable but for its buckets, which all workers
// share.
class LimitConfig {
 public:
  bool Load(const sdk::ConfigLoad& load);

  // Without any limit the filter has nothing to do.
  bool empty() const { return !has_default_ && limits_.empty(); }
  // One token of each bucket that the request belongs to: those of its descriptors in the order of
  // rate_limits, then the default one. Not ok: one had none; what was taken before is gone.
  Taken Take(const sdk::HttpStream& stream, std::uint64_t now_ms) const;

  std::uint32_t status = 429;
  bool shows_limits = false;        // x-ratelimit-...
  bool resource_exhausted = false;  // gRPC's status of a limited request
  Fraction enabled;
  Fraction enforced;
  sdk::FieldList reply_fields;
  MutationList not_enforced;  // of the request
  sdk::Counter enabled_count;
  sdk::Counter enforced_count;
  sdk::Counter limited_count;
  sdk::Counter ok_count;

 private:
  bool LoadStatus(const sdk::ConfigNode& node);
  bool LoadSwitches(const sdk::ConfigNode& node);
  bool LoadFields(const sdk::ConfigNode& node);
  bool LoadLimits(const sdk::ConfigNode& node);
  bool MakeCounters(const sdk::ConfigLoad& load);
  Taken TakeDefault(std::uint64_t connection, std::uint64_t now_ms) const;

  bool has_default_ = false;
  bool always_default_ = true;
  bool per_connection_ = false;
  std::int64_t most_ = 10'000;
  BucketSize size_;
  std::unique_ptr<TokenBucket> bucket_;
  std::unique_ptr<KeyedBuckets> connections_;
  std::vector<Actions> actions_;
  std::vector<std::unique_ptr<DescriptorLimit>> limits_;
};

}  // namespace weir::filters::ratelimit
