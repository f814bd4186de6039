// The times of a stream. Each is a stored deadline; one entry in the wheel stands for the nearest
// of them.

#include <algorithm>

#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {

using observe::ResponseFlag;

void Stream::StartTimers() {
  const config::HttpConnectionManager& s = hcm_->settings();
  const uint64_t now = worker()->reactor->now_ms();
  const config::RouteAction* forward = route_ == nullptr ? nullptr : route_->forward();
  const auto idle =
      forward != nullptr && forward->idle_timeout ? *forward->idle_timeout : s.stream_idle_timeout;
  const auto life = forward != nullptr && forward->max_stream_duration
                        ? *forward->max_stream_duration
                        : s.max_stream_duration;
  idle_ms_ = static_cast<uint32_t>(std::min<int64_t>(idle.count(), UINT32_MAX));
  if (idle_ms_ != 0) idle_deadline_ = now + idle_ms_;
  if (life.count() != 0) end_deadline_ = now + static_cast<uint64_t>(life.count());
  if (!request_ended_ && !request_.has(WEIR_HEAD_TUNNEL)) {
    if (s.request_timeout.count() != 0)
      request_deadline_ = now + static_cast<uint64_t>(s.request_timeout.count());
    if (s.min_request_body_rate != 0) {
      rate_deadline_ = now + static_cast<uint64_t>(s.min_request_body_rate_window.count());
    }
  }
  timed_ = true;
  Arm();
}

void Stream::TouchIdle() {
  if (idle_ms_ != 0) idle_deadline_ = worker()->reactor->now_ms() + idle_ms_;
}

void Stream::Arm() {
  // 0 is "none": one less makes it the farthest.
  const uint64_t nearest = std::min(std::min(std::min(idle_deadline_ - 1, request_deadline_ - 1),
                                             std::min(route_deadline_ - 1, end_deadline_ - 1)),
                                    rate_deadline_ - 1);
  worker()->reactor->SetDeadline(this, nearest + 1);
}

void Stream::OnDeadline() {
  if (finished_) return;
  Expire(worker()->reactor->now_ms());
  if (!finished_) Arm();
}

void Stream::Expire(uint64_t now) {
  const auto due = [now](uint64_t* deadline) {
    if (*deadline == 0 || *deadline > now) return false;
    *deadline = 0;
    return true;
  };
  if (due(&end_deadline_)) {
    hcm_->stats.downstream_rq_max_duration_reached->Add();
    return TimeOut(request_ended_ ? 504 : 408, "max_duration_timeout",
                   ResponseFlag::kDurationTimeout);
  }
  if (due(&request_deadline_)) {
    hcm_->stats.downstream_rq_timeout->Add();
    downstream_->CloseAfterThis();
    return Reply(408, "request_overall_timeout", ResponseFlag::kDownstreamConnectionTermination);
  }
  if (due(&route_deadline_)) {
    CancelTerminal(WEIR_REASON_TIMEOUT);
    return Reply(504, "response_timeout", ResponseFlag::kUpstreamRequestTimeout);
  }
  if (due(&idle_deadline_)) {
    hcm_->stats.downstream_rq_idle_timeout->Add();
    if (!request_ended_) downstream_->CloseAfterThis();
    return TimeOut(request_ended_ ? 504 : 408, "stream_idle_timeout",
                   ResponseFlag::kStreamIdleTimeout);
  }
  if (due(&rate_deadline_)) CheckBodyRate(now);
}

// Where an answer of ours is already on its way to a client that does not take it, there is nothing
// left to say.
void Stream::TimeOut(uint32_t status, std::string_view details, ResponseFlag flag) {
  if (!local_reply_) return Reply(status, details, flag);
  info_.flags.Set(flag);
  ResetDownstream(WEIR_REASON_TIMEOUT);
}

void Stream::CheckBodyRate(uint64_t now) {
  const config::HttpConnectionManager& s = hcm_->settings();
  const auto window = static_cast<uint64_t>(s.min_request_body_rate_window.count());
  const uint64_t wanted = uint64_t{s.min_request_body_rate} * window / 1000;
  // A sender that we have paused cannot be blamed.
  if (request_received_ - rate_bytes_ < wanted && !paused_) {
    hcm_->stats.downstream_rq_slow_body->Add();
    downstream_->CloseAfterThis();
    return Reply(408, "request_body_too_slow", ResponseFlag::kDownstreamConnectionTermination);
  }
  rate_bytes_ = request_received_;
  rate_deadline_ = now + window;
}

}  // namespace weir::hcm
