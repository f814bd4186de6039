#pragma once

#include "filters/http/local_ratelimit/limit_config.h"
#include "plugins/sdk/http_filter.h"

namespace weir::filters::ratelimit {

// The HTTP filter local_ratelimit: each request takes a token; who finds none is answered with 429.
class LocalRatelimit : public sdk::HttpFilter<LocalRatelimit, LimitConfig> {
 public:
  sdk::Status OnRequestHeaders(bool end_stream);
  sdk::Status OnResponseHeaders(bool end_stream);

 private:
  sdk::Status Limit(const LimitConfig& limits);

  const LimitConfig* judge_ = nullptr;  // whose limits this request has met; null: none
  bool limited_ = false;                // and was answered for it
  Taken taken_;
};

extern const weir_http_filter_api kLocalRatelimitApi;

}  // namespace weir::filters::ratelimit
