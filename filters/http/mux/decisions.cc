#include "filters/http/mux/decisions.h"

#include <cerrno>

#include "plugins/abi/weir.h"

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

FailureAnswer AnswerFor(uint32_t reason) {
  switch (reason) {
    case WEIR_REASON_PROTOCOL:
      return {502, "upstream_reset_before_response_started{protocol_error}",
              ResponseFlag::kUpstreamProtocolError, false};
    case WEIR_REASON_OVERFLOW:
      return {502, "upstream_reset_before_response_started{overflow}",
              ResponseFlag::kUpstreamProtocolError, false};
    case WEIR_REASON_REFUSED:
    case WEIR_REASON_CANCEL:
      return {503, "upstream_reset_before_response_started{remote_reset}",
              ResponseFlag::kUpstreamRemoteReset, false};
    default:
      return {503, "upstream_reset_before_response_started{connection_termination}",
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
      return {503, "upstream_reset_before_response_started{connection_failure}",
              ResponseFlag::kUpstreamConnectionFailure, false};
  }
}

std::string_view WordsFor(PoolFailure failure, int connect_error) {
  if (failure == PoolFailure::kConnectTimeout) return "connect timeout";
  if (failure != PoolFailure::kConnectFailed) return {};
  switch (connect_error) {
    case ECONNREFUSED:
      return "connection refused";
    case ECONNRESET:
    case EPIPE:
      return "connection reset by peer";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "host unreachable";
    case ETIMEDOUT:
      return "connection timed out";
    case ENOENT:
      return "no such socket";
    case EACCES:
    case EPERM:
      return "not permitted";
    case EMFILE:
    case ENFILE:
      return "no file descriptor left";
    case EADDRNOTAVAIL:
      return "no local address left";
    case EPROTO:
      return "TLS handshake failed";
    default:
      return "connection failed";
  }
}

}  // namespace weir::mux
