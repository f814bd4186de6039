#include "filters/http/local_ratelimit/local_ratelimit.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace weir::filters::ratelimit {
namespace {

using sdk::Status;

constexpr char kName[] = "local_ratelimit";
constexpr std::string_view kDetails = "local_rate_limited";
constexpr std::string_view kResourceExhausted = "8";

}  // namespace

Status LocalRatelimit::Limit(const LimitConfig& limits) {
  limits.limited_count.Add();
  if (!limits.enforced.Holds(host())) {
    return limits.not_enforced.Apply(request()) ? Status::kContinue : Status::kFail;
  }
  limits.enforced_count.Add();
  limited_ = true;
  const sdk::HttpStream stream = this->stream();
  if (WEIR_HAS(stream.api(), set_flag)) stream.SetFlag("RL");
  sdk::Reply reply{limits.status, kDetails, kDetails};
  reply.list = &limits.reply_fields;
  return stream.LocalReply(reply) ? Status::kStopAll : Status::kFail;
}

Status LocalRatelimit::OnRequestHeaders(bool) {
  const LimitConfig* const of_route = route_config();
  const LimitConfig& limits = of_route != nullptr ? *of_route : config();
  if (limits.empty() || !limits.enabled.Holds(host())) return Status::kContinue;
  limits.enabled_count.Add();
  judge_ = &limits;
  taken_ = limits.Take(stream(), host().NowMs());
  if (!taken_.ok) return Limit(limits);
  limits.ok_count.Add();
  return Status::kContinue;
}

Status LocalRatelimit::OnResponseHeaders(bool) {
  if (judge_ == nullptr) return Status::kContinue;
  const sdk::Fields fields = response();
  // The host has made an answer of gRPC out of ours, with the status that fits ours in general.
  if (limited_ && judge_->resource_exhausted && fields.Has("grpc-status") &&
      !fields.Set("grpc-status", kResourceExhausted)) {
    return Status::kFail;
  }
  if (!judge_->shows_limits || taken_.limit == 0) return Status::kContinue;
  for (const auto& [name, value] : {std::pair("x-ratelimit-limit", taken_.limit),
                                    std::pair("x-ratelimit-remaining", taken_.remaining),
                                    std::pair("x-ratelimit-reset", taken_.reset_s)}) {
    char digits[10];
    char* const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    if (!fields.Set(name, {digits, static_cast<std::size_t>(end - digits)})) return Status::kFail;
  }
  return Status::kContinue;
}

const weir_http_filter_api kLocalRatelimitApi = sdk::HttpFilterApi<LocalRatelimit, kName>();

}  // namespace weir::filters::ratelimit
