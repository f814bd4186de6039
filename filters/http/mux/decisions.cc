#include "filters/http/mux/decisions.h"

#include "core/upstream/connect_failure.h"

namespace weir::mux {

using observe::ResponseFlag;
using upstream::PoolFailure;

EndAction DecideEnd(const AttemptEnd& end) {
  if (end.head_forwarded) return EndAction::kTruncate;
  if (end.replayed || !end.body_kept || end.response_started) return EndAction::kAnswer;
  if (!end.request_written || end.reason == WEIR_REASON_REFUSED) return EndAction::kReplay;
  const bool peer_broke = end.reason == WEIR_REASON_PROTOCOL || end.reason == WEIR_REASON_OVERFLOW;
  return end.idempotent && !peer_broke ? EndAction::kReplay : EndAction::kAnswer;
}

bool IsIdempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

uint32_t LoggedReason(const weir_error& error) {
  // A fault has a detail, and the end of a connection is the end of its streams.
  const bool ended = error.scope != WEIR_SCOPE_STREAM || error.detail != nullptr ||
                     error.reason == WEIR_REASON_TRUNCATED || error.reason == WEIR_REASON_CLOSED;
  const bool kept = ended || error.reason == WEIR_REASON_REFUSED;
  return kept ? error.reason : static_cast<uint32_t>(WEIR_REASON_CANCEL);
}

FailureAnswer AnswerFor(uint32_t reason, bool head_forwarded) {
  const auto details = [head_forwarded](std::string_view before, std::string_view after) {
    return head_forwarded ? after : before;
  };
  switch (reason) {
    case WEIR_REASON_PROTOCOL:
    case WEIR_REASON_OVERFLOW:
      return {502,
              details("upstream_reset_before_response_started{protocol_error}",
                      "upstream_reset_after_response_started{protocol_error}"),
              ResponseFlag::kUpstreamProtocolError, false};
    case WEIR_REASON_REFUSED:
      return {503,
              details("upstream_reset_before_response_started{remote_refused_stream_reset}",
                      "upstream_reset_after_response_started{remote_refused_stream_reset}"),
              ResponseFlag::kUpstreamRemoteReset, false};
    case WEIR_REASON_CANCEL:
      return {503,
              details("upstream_reset_before_response_started{remote_reset}",
                      "upstream_reset_after_response_started{remote_reset}"),
              ResponseFlag::kUpstreamRemoteReset, false};
    default:
      return {503,
              details("upstream_reset_before_response_started{connection_termination}",
                      "upstream_reset_after_response_started{connection_termination}"),
              ResponseFlag::kUpstreamConnectionTermination, false};
  }
}

FailureAnswer AnswerFor(PoolFailure failure) {
  switch (failure) {
    case PoolFailure::kNoHealthyHost:
      return {503, "no_healthy_upstream", ResponseFlag::kNoHealthyUpstream, false};
    case PoolFailure::kOverflow:
      return {503, "upstream_reset_before_response_started{overflow}",
              ResponseFlag::kUpstreamOverflow, true};
    case PoolFailure::kConnectTimeout:
      return {503, "upstream_reset_before_response_started{connection_timeout}",
              ResponseFlag::kUpstreamConnectionFailure, false};
    default:
      return {503, "upstream_reset_before_response_started{remote_connection_failure}",
              ResponseFlag::kUpstreamConnectionFailure, false};
  }
}

std::string_view WordsFor(PoolFailure failure, int connect_error) {
  if (failure == PoolFailure::kConnectTimeout) return "connect timeout";
  if (failure != PoolFailure::kConnectFailed) return {};
  return upstream::ConnectFailureText(connect_error);
}

}  // namespace weir::mux
