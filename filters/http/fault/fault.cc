#include "filters/http/fault/fault.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "filters/http/fault/policy.h"
#include "filters/http/fault/response_limiter.h"
#include "plugins/sdk/weir.hpp"

namespace weir::filters {
namespace {

using sdk::Status;

constexpr char kName[] = "fault";

class Fault : public sdk::HttpFilter<Fault, FaultPolicy> {
 public:
  ~Fault() {
    if (!active_) return;
    config().counts().active.fetch_sub(1, std::memory_order_relaxed);
    config().counts().active_gauge.Add(-1);
  }

  Status OnRequestHeaders(bool) {
    policy_ = route_config() != nullptr ? route_config() : &config();
    if (!policy_->Matches(stream())) return Status::kContinue;
    if (const auto kbps = policy_->Rate(host(), request()); kbps && Begin()) {
      limiter_.Start(host(), *kbps, Guard([this] { limiter_.OnTick(stream()); }));
      config().counts().limits.Add();
    }
    if (const auto ms = policy_->Delay(host(), request()); ms && Begin()) {
      delay_ = sdk::Timer(host(), Guard([this] { AfterDelay(); }));
      if (delay_.valid()) {
        delay_.Set(*ms);
        config().counts().delays.Add();
        stream().SetFlag("DI");
        return Status::kStopAllWatermark;
      }
    }
    if (!DrawAbort()) return Status::kContinue;
    return Abort() ? Status::kStopAll : Status::kFail;
  }

  Status OnResponseHeaders(bool end_stream) {
    delay_.Stop();  // answered by somebody else meanwhile
    // Of a local reply to a gRPC request: its status is made of that of HTTP.
    if (abort_ && abort_->grpc_status && response().FindToken(WEIR_TOKEN_GRPC_STATUS)) {
      char text[10];
      const char* const end = std::to_chars(text, text + sizeof text, *abort_->grpc_status).ptr;
      const auto size = static_cast<std::size_t>(end - text);
      if (!response().Set("grpc-status", {text, size})) return Status::kFail;
    }
    return limiter_.on() ? limiter_.OnHeaders(stream(), end_stream) : Status::kContinue;
  }
  Status OnResponseData(bool end_stream) {
    return limiter_.on() ? limiter_.OnData(stream(), end_stream) : Status::kContinue;
  }
  Status OnResponseTrailers() {
    return limiter_.on() ? limiter_.OnTrailers(stream()) : Status::kContinue;
  }

 private:
  // The faults of one request count as one. False: there are as many as may be.
  bool Begin() {
    if (active_) return true;
    FaultPolicy::Counts& counts = config().counts();
    if (counts.active.fetch_add(1, std::memory_order_relaxed) >= policy_->max_active()) {
      counts.active.fetch_sub(1, std::memory_order_relaxed);
      counts.overflow.Add();
      return false;
    }
    active_ = true;
    counts.active_gauge.Add(1);
    return true;
  }

  bool DrawAbort() {
    abort_ = policy_->DrawAbort(host(), request());
    if (abort_ && !Begin()) abort_.reset();
    return abort_.has_value();
  }

  bool Abort() {
    config().counts().aborts.Add();
    stream().SetFlag("FI");
    return stream().LocalReply({.status = abort_->http_status,
                                .body = "fault filter abort",
                                .details = "fault_filter_abort"});
  }

  void AfterDelay() {
    if (!DrawAbort()) {
      stream().Resume(WEIR_REQUEST);
    } else if (!Abort()) {
      stream().Reset();
    }
  }

  const FaultPolicy* policy_ = nullptr;
  std::optional<FaultPolicy::Abort> abort_;
  sdk::Timer delay_;
  ResponseLimiter limiter_;
  bool active_ = false;
};

}  // namespace

constinit const weir_http_filter_api kFaultApi = sdk::HttpFilterApi<Fault, kName>();

}  // namespace weir::filters
