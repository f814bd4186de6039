#include "filters/http/mux/decisions.h"

#include <string>

#include <gtest/gtest.h>

#include "plugins/abi/weir.h"

namespace weir::mux {
namespace {

using observe::ResponseFlag;
using upstream::PoolFailure;

constexpr uint32_t kReasons[] = {
    WEIR_REASON_NONE,     WEIR_REASON_LOCAL_RESET, WEIR_REASON_REMOTE_RESET, WEIR_REASON_REFUSED,
    WEIR_REASON_PROTOCOL, WEIR_REASON_TRUNCATED,   WEIR_REASON_CLOSED,       WEIR_REASON_TIMEOUT,
    WEIR_REASON_OVERFLOW, WEIR_REASON_CANCEL,      WEIR_REASON_INTERNAL,     WEIR_REASON_NO_ERROR,
};

// Every end that there is: 12 reasons, 6 facts.
template <typename Fn>
void ForEachEnd(Fn&& check) {
  for (const uint32_t reason : kReasons) {
    for (unsigned bits = 0; bits < 64; ++bits) {
      AttemptEnd end;
      end.reason = reason;
      end.request_written = (bits & 1) != 0;
      end.response_started = (bits & 2) != 0;
      end.head_forwarded = (bits & 4) != 0;
      end.idempotent = (bits & 8) != 0;
      end.body_kept = (bits & 16) != 0;
      end.replayed = (bits & 32) != 0;
      check(end, "reason " + std::to_string(reason) + ", bits " + std::to_string(bits));
    }
  }
}

TEST(DecideEnd, AHeadThatWasForwardedIsAlwaysTruncated) {
  ForEachEnd([](const AttemptEnd& end, const std::string& name) {
    EXPECT_EQ(DecideEnd(end) == EndAction::kTruncate, end.head_forwarded) << name;
  });
}

TEST(DecideEnd, ReplaysOnceOnly) {
  ForEachEnd([](AttemptEnd end, const std::string& name) {
    end.replayed = true;
    EXPECT_NE(DecideEnd(end), EndAction::kReplay) << name;
  });
}

TEST(DecideEnd, NeverReplaysWhenAnAnswerBegan) {
  ForEachEnd([](AttemptEnd end, const std::string& name) {
    end.response_started = true;
    EXPECT_NE(DecideEnd(end), EndAction::kReplay) << name;
  });
}

TEST(DecideEnd, NeverReplaysABodyThatIsNotKeptWhole) {
  ForEachEnd([](AttemptEnd end, const std::string& name) {
    end.body_kept = false;
    EXPECT_NE(DecideEnd(end), EndAction::kReplay) << name;
  });
}

TEST(DecideEnd, ReplaysWhatWasNotWrittenWhateverTheMethod) {
  ForEachEnd([](AttemptEnd end, const std::string& name) {
    end.request_written = end.response_started = end.head_forwarded = end.replayed = false;
    end.body_kept = true;
    EXPECT_EQ(DecideEnd(end), EndAction::kReplay) << name;
  });
}

TEST(DecideEnd, ReplaysWhatThePeerSaysItRefusedWhateverTheMethod) {
  AttemptEnd end;
  end.reason = WEIR_REASON_REFUSED;
  end.request_written = end.body_kept = true;
  EXPECT_EQ(DecideEnd(end), EndAction::kReplay);
}

TEST(DecideEnd, ReplaysAWrittenRequestOnlyWhenItIsIdempotent) {
  for (const uint32_t reason : kReasons) {
    if (reason == WEIR_REASON_REFUSED) continue;
    AttemptEnd end;
    end.reason = reason;
    end.request_written = end.body_kept = true;
    EXPECT_EQ(DecideEnd(end), EndAction::kAnswer) << reason;
    end.idempotent = true;
    // A peer that sent something that is no HTTP has answered after all.
    const bool broke = reason == WEIR_REASON_PROTOCOL || reason == WEIR_REASON_OVERFLOW;
    EXPECT_EQ(DecideEnd(end), broke ? EndAction::kAnswer : EndAction::kReplay) << reason;
  }
}

TEST(IsIdempotent, IsAMatterOfTheMethodInItsExactCase) {
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"}) {
    EXPECT_TRUE(IsIdempotent(method)) << method;
  }
  for (const char* method : {"POST", "PATCH", "CONNECT", "PROPFIND", "get", "GETS", "GE", ""}) {
    EXPECT_FALSE(IsIdempotent(method)) << method;
  }
}

TEST(AnswerFor, EveryReasonHasAnAnswer) {
  for (const uint32_t reason : kReasons) {
    const FailureAnswer answer = AnswerFor(reason, false);
    const bool broke = reason == WEIR_REASON_PROTOCOL || reason == WEIR_REASON_OVERFLOW;
    EXPECT_EQ(answer.status, broke ? 502u : 503u) << reason;
    EXPECT_EQ(answer.details.find("upstream_reset_before_response_started{"), 0u) << reason;
    EXPECT_FALSE(answer.overloaded) << reason;
  }
  EXPECT_EQ(AnswerFor(uint32_t{WEIR_REASON_PROTOCOL}, false).flag,
            ResponseFlag::kUpstreamProtocolError);
  EXPECT_EQ(AnswerFor(uint32_t{WEIR_REASON_REFUSED}, false).flag,
            ResponseFlag::kUpstreamRemoteReset);
  EXPECT_EQ(AnswerFor(uint32_t{WEIR_REASON_CLOSED}, false).flag,
            ResponseFlag::kUpstreamConnectionTermination);
  EXPECT_EQ(AnswerFor(uint32_t{WEIR_REASON_REMOTE_RESET}, false).flag,
            ResponseFlag::kUpstreamConnectionTermination);
}

TEST(AnswerFor, EveryPoolFailureIsA503WithItsFlag) {
  const struct {
    PoolFailure failure;
    const char* details;
    ResponseFlag flag;
    bool overloaded;
  } kCases[] = {
      {PoolFailure::kNoHealthyHost, "no_healthy_upstream", ResponseFlag::kNoHealthyUpstream, false},
      {PoolFailure::kOverflow, "upstream_reset_before_response_started{overflow}",
       ResponseFlag::kUpstreamOverflow, true},
      {PoolFailure::kConnectFailed,
       "upstream_reset_before_response_started{remote_connection_failure}",
       ResponseFlag::kUpstreamConnectionFailure, false},
      {PoolFailure::kConnectTimeout, "upstream_reset_before_response_started{connection_timeout}",
       ResponseFlag::kUpstreamConnectionFailure, false},
  };
  for (const auto& c : kCases) {
    const FailureAnswer answer = AnswerFor(c.failure);
    EXPECT_EQ(answer.status, 503u);
    EXPECT_EQ(answer.details, c.details);
    EXPECT_EQ(answer.flag, c.flag);
    EXPECT_EQ(answer.overloaded, c.overloaded) << c.details;
  }
}

}  // namespace
}  // namespace weir::mux
