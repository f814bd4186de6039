#pragma once

#include <cstdint>
#include <string_view>

#include "core/observe/response_flags.h"
#include "core/upstream/pool_request.h"
#include "plugins/abi/weir.h"

// What the Mux decides, as functions of values: no state, no effect.

namespace weir::mux {

// How an attempt on a backend stood when it ended early.
struct AttemptEnd {
  uint32_t reason = 0;            // WEIR_REASON_*
  bool request_written = false;   // a byte of the request may have reached the peer
  bool response_started = false;  // a byte of an answer came, interim ones included
  bool head_forwarded = false;    // the final head went to the filters
  bool idempotent = false;        // RFC 9110 section 9.2.2
  bool body_kept = false;         // every byte of the request that was sent is still here
  bool replayed = false;          // this was the replay
};

enum class EndAction : uint8_t {
  kReplay,    // once more, on a fresh connection
  kAnswer,    // a local reply
  kTruncate,  // the client has the head: end its stream so that it can see that the body is cut
};

// The replay rule: once, and only if nothing was written, or the peer says that it did not process
// the request, or the method is idempotent and no byte of an answer came.
EndAction DecideEnd(const AttemptEnd& end);

// GET, HEAD, OPTIONS, TRACE, PUT, DELETE.
bool IsIdempotent(std::string_view method);

struct FailureAnswer {
  uint32_t status = 503;
  std::string_view details;
  observe::ResponseFlag flag = observe::ResponseFlag::kUpstreamConnectionTermination;
  bool overloaded = false;
};

// What AnswerFor wants to know of an attempt that the codec ended: a stream that the peer reset for
// a reason of its own is WEIR_REASON_CANCEL, whatever the connection does.
uint32_t LoggedReason(const weir_error& error);
// The answer for an attempt that ended with `reason`, before there was a head to forward or, with
// head_forwarded, after: then nobody is answered, but the log says it.
FailureAnswer AnswerFor(uint32_t reason, bool head_forwarded);
// The answer for a request that got no connection.
FailureAnswer AnswerFor(upstream::PoolFailure failure);
// Why, for the log: static text, empty where no connection was tried.
std::string_view WordsFor(upstream::PoolFailure failure, int connect_error);

}  // namespace weir::mux
