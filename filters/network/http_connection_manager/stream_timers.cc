// The times of a stream. Each is a stored deadline; one entry in the wheel stands for the nearest
// of them.

#include <algorithm>

#include "filters/network/http_connection_manager/grpc_timeout.h"
#include "filters/network/http_connection_manager/local_reply.h"
#include "filters/network/http_connection_manager/server_connection.h"
#include "filters/network/http_connection_manager/stream.h"

namespace weir::hcm {

using observe::ResponseFlag;

void Stream::StartIdleTimer() {
  const config::RouteAction* forward = route_ == nullptr ? nullptr : route_->forward();
  const auto idle = forward != nullptr && forward->idle_timeout
                        ? *forward->idle_timeout
                        : hcm_->settings().stream_idle_timeout;
  idle_ms_ = static_cast<uint32_t>(std::min<int64_t>(idle.count(), UINT32_MAX));
  idle_deadline_ = idle_ms_ == 0 ? 0 : worker()->reactor->now_ms() + idle_ms_;
}

void Stream::StartTimers() {
  const config::HttpConnectionManager& s = hcm_->settings();
  const uint64_t now = worker()->reactor->now_ms();
  StartIdleTimer();
  if (const auto life = Life()) end_deadline_ = now + static_cast<uint64_t>(life->count());
  // Messages of a gRPC call come when there is something to say: a quiet stream is no slow request,
  // and on a connection of many it keeps nobody out. The idle time and its deadline bound it.
  const bool conversation = grpc_ && downstream_->multiplexed();
  if (!request_ended_ && !request_.has(WEIR_HEAD_TUNNEL) && !conversation) {
    if (s.request_timeout.count() != 0)
      request_deadline_ = now + static_cast<uint64_t>(s.request_timeout.count());
    if (s.min_request_body_rate != 0) {
      rate_deadline_ = now + static_cast<uint64_t>(s.min_request_body_rate_window.count());
    }
  }
  timed_ = true;
  Arm();
}

// The stream has another route: what it may take runs from its own start all the same.
void Stream::UseRouteTimes() {
  StartIdleTimer();
  const auto life = Life();
  end_deadline_ = life ? info_.start_ms + static_cast<uint64_t>(life->count()) : 0;
  route_deadline_ = 0;
  if (request_ended_) StartRouteTimer();
  Arm();
}

// The route's time runs from the end of the request: Envoy's meaning of `timeout`.
void Stream::StartRouteTimer() {
  if (route_ == nullptr || route_->forward() == nullptr ||
      route_->forward()->timeout.count() <= 0 || tunnel_)
    return;
  route_deadline_ =
      info_.request_end_ms + static_cast<uint64_t>(route_->forward()->timeout.count());
  if (timed_) Arm();
}

// How long the stream may take from its head on: the client's own deadline where the route lets it
// have one, else what the route or the connection manager says.
std::optional<config::Milliseconds> Stream::Life() {
  const config::RouteAction* forward = route_ == nullptr ? nullptr : route_->forward();
  if (grpc_ && forward != nullptr && forward->grpc_timeout_header_max) {
    const std::string_view asked = request_.Get(WEIR_TOKEN_GRPC_TIMEOUT);
    if (const auto wanted = ParseGrpcTimeout(asked)) {
      const config::Milliseconds given =
          BoundGrpcTimeout(*wanted, *forward->grpc_timeout_header_max,
                           forward->grpc_timeout_header_offset.value_or(config::Milliseconds(0)));
      // The backend need not work for longer than the client is served.
      if (given != *wanted) {
        GrpcTimeoutText text;
        request_.Set("grpc-timeout", text.Format(given));
      }
      return given;
    }
  }
  const auto life = forward != nullptr && forward->max_stream_duration
                        ? *forward->max_stream_duration
                        : hcm_->settings().max_stream_duration;
  if (life.count() == 0) return std::nullopt;
  return life;
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
                   ResponseFlag::kDurationTimeout, kGrpcDeadlineExceeded);
  }
  if (due(&request_deadline_)) {
    hcm_->stats.downstream_rq_timeout->Add();
    downstream_->CloseAfterThis();
    return Reply(408, "request_overall_timeout");
  }
  if (due(&route_deadline_)) {
    CancelTerminal(WEIR_REASON_TIMEOUT);
    return TimeOut(504, "response_timeout", ResponseFlag::kUpstreamRequestTimeout,
                   kGrpcDeadlineExceeded);
  }
  if (due(&idle_deadline_)) {
    hcm_->stats.downstream_rq_idle_timeout->Add();
    if (!request_ended_) downstream_->CloseAfterThis();
    return TimeOut(request_ended_ ? 504 : 408, "stream_idle_timeout",
                   ResponseFlag::kStreamIdleTimeout, http::LocalReply::kGrpcStatusOfHttp);
  }
  if (due(&rate_deadline_)) CheckBodyRate(now);
}

// Where an answer of ours is already on its way to a client that does not take it, there is nothing
// left to say.
void Stream::TimeOut(uint32_t status, std::string_view details, ResponseFlag flag,
                     int32_t grpc_status) {
  if (!local_reply_) {
    http::LocalReply reply;
    reply.status = status;
    reply.details = details;
    reply.flags.Set(flag);
    reply.grpc_status = grpc_status;
    return Reply(reply);
  }
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
    return Reply(408, "request_body_too_slow");
  }
  rate_bytes_ = request_received_;
  rate_deadline_ = now + window;
}

}  // namespace weir::hcm
